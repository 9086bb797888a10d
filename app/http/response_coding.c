/* SPDX-License-Identifier: MIT */
#include "http/response_coding.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weir/pool.h>

#include "config/route_kind.h"
#include "http/negotiation.h"
#include "http/vary.h"
#include "jobs/kinds.h"
#include "text/cache_control.h"

enum {
    INLINE_BYTES = 8 << 10, /* compressed in less time than the way to the pool and back takes */
    PIECE_BYTES = 64 << 10, /* of a streamed answer, collected for a job */
    OUT_BYTES_MAX = 64 << 20,
    PARAMS_BYTES = 96,
};

/* --- which answers --- */

static bool is_one_of(weir_bytes type, const char *const *names)
{
    for (; *names != NULL; names++)
        if (weir_bytes_equal_nocase(type, weir_bytes_of(*names)))
            return true;
    return false;
}

static bool ends_with(weir_bytes type, const char *end)
{
    size_t n = strlen(end);

    return type.len > n && strncasecmp(type.data + type.len - n, end, n) == 0;
}

/* Reports whether a type is compressible, as text is. Event streams are not compressed: events must not be
 * kept back. */
static bool is_compressible(const char *type)
{
    static const char *const texts[] = {"application/json",
                                        "application/javascript",
                                        "application/xml",
                                        "application/x-ndjson",
                                        "application/wasm",
                                        "application/x-javascript",
                                        "application/manifest+json",
                                        "font/ttf",
                                        "font/otf",
                                        "application/vnd.ms-fontobject",
                                        "image/bmp",
                                        "image/x-icon",
                                        NULL};
    static const char *const streams[] = {"text/event-stream", NULL};
    weir_bytes essence;

    if (type == NULL)
        return false;
    essence = (weir_bytes){type, strcspn(type, "; \t")};
    if (is_one_of(essence, streams))
        return false;
    return strncasecmp(type, "text/", 5) == 0 || ends_with(essence, "+json") || ends_with(essence, "+xml") ||
           is_one_of(essence, texts);
}

static bool may_be_compressed(weir_response *res, const weir_response_head *head)
{
    return head->status != 206 && is_compressible(head->type) &&
           weir_response_header(res, "content-encoding") == NULL &&
           weir_response_header(res, "content-range") == NULL &&
           !cache_control_has(weir_response_header_joined(res, "cache-control"), "no-transform");
}

/* --- which encoding --- */

/* Returns: enum encoding; -1: none. */
static int choose_encoding(const weir_request *req, const struct config_coding *settings)
{
    struct negotiation_offer offers[ENCODINGS], identity;
    const struct negotiation_offer *best;

    negotiation_offer_init(&identity, "identity");
    for (size_t i = 0; i < settings->count; i++)
        negotiation_offer_init(&offers[i], encoding_names[settings->order[i]]);
    (void)negotiation_read_request(req, "accept-encoding", offers, settings->count);
    (void)negotiation_read_request(req, "accept-encoding", &identity, 1);
    best = negotiation_choose_coding(offers, settings->count, &identity);
    return best != NULL ? settings->order[best - offers] : -1;
}

/* --- headers --- */

/* Makes a strong tag weak, since the bytes are no longer the same (RFC 9110, 8.8.1). */
static int weaken_etag(weir_response *res)
{
    const char *etag = weir_response_header(res, "etag");
    char text[512];
    int n;

    if (etag == NULL || strncmp(etag, "W/", 2) == 0)
        return 0;
    n = snprintf(text, sizeof text, "W/%s", etag);
    return weir_response_header_set(res, "etag", n < (int)sizeof text ? text : NULL);
}

static int say_encoding(weir_response *res, int encoding)
{
    int err = weaken_etag(res);

    if (err == 0)
        err = weir_response_header_set(res, "accept-ranges", NULL);
    return err < 0 ? err : weir_response_header_set(res, "content-encoding", encoding_names[encoding]);
}

/* --- an answer --- */

/* An answer that is always the same, compressed once for each encoding. */
struct kept {
    bool made, useless; /* useless: not smaller than the body */
    weir_buffer body;
};

struct response_coding {
    const struct config_coding *settings;
    weir_pool *pool;
    int share;
    weir_bytes fixed; /* the body that is always the same; data NULL: none */
    struct kept kept[ENCODINGS];
};

struct answer {
    struct response_coding *coding;
    weir_request *req;
    weir_job_stream *stream;
    weir_buffer in, out;
    const struct kept *kept; /* the answer that is sent; NULL: `out` is sent */
    bool given;              /* out has been handed on, and may be used anew */
    bool fruitless;          /* compressing made the body no smaller */
};

static weir_offload_options options_of(const struct response_coding *coding)
{
    return (weir_offload_options){.share = coding->share};
}

static weir_bytes params_of(const struct response_coding *coding, int encoding, int64_t bytes,
                            char text[PARAMS_BYTES])
{
    int n = snprintf(text, PARAMS_BYTES,
                     "{\"encoding\":\"%s\",\"level\":%d,\"bytes\":%" PRId64 ",\"little\":true}",
                     encoding_names[encoding], coding->settings->level[encoding], bytes);

    return (weir_bytes){text, (size_t)n};
}

/* Reports whether an error has nothing to do with the answer: no room in the pool, no thread, no memory. */
static bool is_passing(int err)
{
    return err == -WEIR_EBUSY || err == -WEIR_ELATE || err == -WEIR_ENESTED || err == -EAGAIN ||
           err == -ENOMEM || err == -WEIR_ECLOSED || err == -WEIR_ETOOLARGE;
}

/* Compresses a whole body into out.
 * Returns: 1; 0 it is to be sent uncompressed; a negative code.
 */
static int compress_whole(struct answer *a, int encoding, weir_bytes body, weir_buffer *out)
{
    const struct response_coding *coding = a->coding;
    const weir_offload_options options = options_of(coding);
    char params[PARAMS_BYTES];
    const weir_job_input in = {.params = params_of(coding, encoding, (int64_t)body.len, params),
                               .bytes = body};
    weir_pool *pool = body.len > INLINE_BYTES ? coding->pool : NULL;
    int err;

    weir_buffer_init(out, body.len - 1); /* an output that does not fit is no smaller */
    err = weir_job_run_with(pool, job_compress.name, &in, out, NULL, pool != NULL ? &options : NULL);
    a->fruitless = err == -WEIR_ETOOLARGE;
    if (err < 0)
        weir_buffer_free(out);
    return err == 0 ? 1 : is_passing(err) ? 0 : err;
}

static int use_kept(struct answer *a, int encoding)
{
    struct kept *kept = &a->coding->kept[encoding];

    if (!kept->made) {
        weir_buffer made;
        int done = compress_whole(a, encoding, a->coding->fixed, &made);
        if (done < 0 || kept->made) { /* another task was faster */
            a->out = made;
            return done;
        }
        if (done == 0 && !a->fruitless)
            return 0; /* not now: the pool was full */
        *kept = (struct kept){.made = true, .useless = done == 0, .body = made};
    }
    a->kept = kept;
    return kept->useless ? 0 : 1;
}

/* Begins a streamed job with an empty piece, so that the pool can refuse it before the head is sent. */
static int begin_stream(struct answer *a, int encoding, int64_t bytes)
{
    const weir_offload_options options = options_of(a->coding);
    char params[PARAMS_BYTES];
    int err = weir_job_stream_open(a->coding->pool, job_compress.name,
                                   params_of(a->coding, encoding, bytes, params), &options, &a->stream);

    weir_buffer_init(&a->in, PIECE_BYTES);
    weir_buffer_init(&a->out, OUT_BYTES_MAX);
    if (err == 0)
        err = weir_job_stream_feed(a->stream, (weir_bytes){"", 0}, false, &a->out, NULL);
    return err == 0 ? 1 : is_passing(err) ? 0 : err;
}

/* Reports whether a list of tags has the weak form of a strong one. */
static bool names_weak(const char *tags, const char *etag)
{
    for (const char *at = tags; at != NULL && (at = strstr(at, etag)) != NULL; at++)
        if (at - tags >= 2 && at[-2] == 'W' && at[-1] == '/')
            return true;
    return false;
}

/* Gives 304 what the 200 has (RFC 9110, 15.4.5): Vary, and the weak tag to a client that has the compressed
 * body. With the strong tag it would later ask for a range of the uncompressed one. */
static int answer_unchanged(const struct answer *a, weir_response *res)
{
    const char *etag = weir_response_header(res, "etag");
    int err;

    if (cache_control_has(weir_response_header_joined(res, "cache-control"), "no-transform"))
        return 0;
    err = vary_add(res, "accept-encoding");
    if (err < 0 || etag == NULL || choose_encoding(a->req, a->coding->settings) < 0 ||
        !names_weak(weir_request_header_joined(a->req, "if-none-match"), etag))
        return err;
    return weaken_etag(res);
}

static int on_head(void *arg, weir_response *res, const weir_response_head *head)
{
    struct answer *a = arg;
    const struct config_coding *settings = a->coding->settings;
    bool fixed;
    int err, encoding, changed;

    if (head->status == 304)
        return answer_unchanged(a, res);
    if (!may_be_compressed(res, head) ||
        (head->length >= 0 && (uint64_t)head->length < settings->min_bytes) || head->length == 0)
        return 0;
    err = vary_add(res, "accept-encoding");
    encoding = choose_encoding(a->req, settings);
    if (err < 0 || encoding < 0)
        return err;
    if (head->bodiless && !head->whole) { /* GET compresses it, unless the pool is full then */
        err = say_encoding(res, encoding);
        return err < 0 ? err : 1;
    }
    fixed = head->whole && head->body.data == a->coding->fixed.data && head->body.len == a->coding->fixed.len;
    changed = !head->whole ? begin_stream(a, encoding, head->length)
              : fixed      ? use_kept(a, encoding)
                           : compress_whole(a, encoding, head->body, &a->out);
    if (changed <= 0)
        return changed;
    err = say_encoding(res, encoding);
    return err < 0 ? err : 1;
}

/* Collects small pieces. A large piece is fed as it is, after those that were collected. */
static int on_piece(void *arg, weir_bytes in, bool last, weir_bytes *out)
{
    struct answer *a = arg;
    bool large;
    int err;

    if (a->stream == NULL) { /* the whole body was compressed with the head */
        *out = weir_buffer_bytes(a->kept != NULL ? &a->kept->body : &a->out);
        return 0;
    }
    if (a->given)
        weir_buffer_clear(&a->out);
    a->given = false;
    large = a->in.len + in.len > PIECE_BYTES;
    err = large ? 0 : weir_buffer_append(&a->in, in.data, in.len);
    if (err < 0 || (!large && !last))
        return err;
    if (large && a->in.len > 0)
        err = weir_job_stream_feed(a->stream, weir_buffer_bytes(&a->in), false, &a->out, NULL);
    if (err == 0)
        err = weir_job_stream_feed(a->stream, large ? in : weir_buffer_bytes(&a->in), last, &a->out, NULL);
    weir_buffer_clear(&a->in);
    a->given = true;
    *out = weir_buffer_bytes(&a->out);
    return err;
}

static void on_end(void *arg)
{
    struct answer *a = arg;

    weir_job_stream_close(a->stream);
    weir_buffer_free(&a->in);
    weir_buffer_free(&a->out);
}

static const weir_response_filter filter = {.head = on_head, .piece = on_piece, .end = on_end};

/* --- a route on a loop --- */

int response_coding_open(const struct config_route *route, struct response_coding **out)
{
    int err = weir_job_kind_register(&job_compress);
    struct response_coding *coding = err == 0 ? calloc(1, sizeof *coding) : NULL;
    weir_pool *pool;

    if (coding == NULL)
        return err < 0 ? err : -ENOMEM;
    pool = route->on != NULL ? weir_pool_find(route->on) : NULL; /* none is called "loop" */
    coding->settings = &route->compress_response;
    coding->pool = pool != NULL ? pool : weir_pool_compute();
    coding->share = pool != NULL ? route->share : 0;
    if (route->kind->fixed_body != NULL)
        coding->fixed = route->kind->fixed_body(route->settings);
    *out = coding;
    return 0;
}

void response_coding_close(struct response_coding *coding)
{
    if (coding == NULL)
        return;
    for (int e = 0; e < ENCODINGS; e++)
        weir_buffer_free(&coding->kept[e].body);
    free(coding);
}

int response_coding_use(struct response_coding *coding, weir_request *req, weir_response *res)
{
    struct answer *a = weir_request_alloc(req, sizeof *a);

    if (a == NULL)
        return -ENOMEM;
    *a = (struct answer){.coding = coding, .req = req};
    return weir_response_filter_add(res, &filter, a);
}
