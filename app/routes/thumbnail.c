/* SPDX-License-Identifier: MIT */
/* thumbnail: an image of a folder, or of the body of the request, made smaller. */
#include "routes/thumbnail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/log.h>

#include "config/route_kind.h"
#include "http/body_coding.h"
#include "http/conditional.h"
#include "http/negotiation.h"
#include "http/plain_path.h"
#include "http/rooted_open.h"
#include "jobs/image.h"
#include "jobs/kinds.h"
#include "jobs/vips_library.h"
#include "routes/computing.h"
#include "routes/discard.h"
#include "routes/kept_root.h"
#include "routes/root_check.h"

enum { PARAMS_BYTES = 192, ETAG_BYTES = 96, THUMBNAIL_VERSION = 1 };

/* --- settings --- */

static const char *const formats[] = {"auto", "jpeg", "png", "webp", NULL};

#define AT(member) .offset = offsetof(struct thumbnail_settings, member)
static const struct schema_key keys[] = {
    {"root", SCHEMA_STRING, AT(root)},
    {"width", SCHEMA_INT, AT(width), .required = "a number of pixels", .min = 1, .max = IMAGE_SIDE_MAX},
    {"height", SCHEMA_INT, AT(height), .required = "a number of pixels", .min = 1, .max = IMAGE_SIDE_MAX},
    {"format", SCHEMA_CHOICE, AT(format), .fallback = "auto", .choices = formats},
    {"quality", SCHEMA_INT, AT(quality), .fallback = "80", .min = 1, .max = 100},
    {"pixels", SCHEMA_INT, AT(pixels), .fallback = "100000000", .min = 1, .max = 1000000000},
    {"memory", SCHEMA_SIZE, AT(memory_bytes), .fallback = "256MiB", .min = 1 << 20, .max = INT64_C(16) << 30},
};
#undef AT
static const struct schema schema = {.name = "thumbnail", SCHEMA_KEYS(keys)};

static const void *configure(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route)
{
    struct thumbnail_settings *settings = config_take(reader->memory, sizeof *settings);
    size_t length;

    if (settings == NULL || !schema_read(reader, &schema, node, settings))
        return NULL;
    if (settings->root != NULL) {
        settings->root_place = tree_find(node, "root")->place;
        settings->root = path_beside_file(reader, settings->root);
    }
    length = route->path != NULL ? strlen(route->path) : 0;
    if (settings->root != NULL && length > 0 && (length < 2 || strcmp(route->path + length - 2, "/*") != 0))
        config_fault(reader->faults, node->place,
                     "thumbnail.root is written for path '%s', expected a path that ends with /*, or no root",
                     route->path);
    return settings;
}

/* --- checks at the start --- */

static void check(const struct config_route *route, struct config_faults *faults,
                  struct config_faults *warnings)
{
    const struct thumbnail_settings *settings = route->settings;
    const char *why;

    if (vips_library(&why) == NULL)
        config_fault(faults, route->place,
                     "thumbnails cannot be made here: %s; the package libvips42 has what they need", why);
    if (settings->root != NULL)
        root_check("thumbnail.root", settings->root, settings->root_place, faults, warnings);
}

static uint64_t job_bytes(const void *arg)
{
    const struct thumbnail_settings *settings = arg;

    return settings->memory_bytes;
}

/* --- the state of a loop --- */

struct state {
    struct computing computing;
    weir_pool *blocking;   /* opens files */
    struct kept_root root; /* if the route has one */
};

static bool has_root(const struct state *state)
{
    const struct thumbnail_settings *settings = state->computing.route->settings;

    return settings->root != NULL;
}

static void close_state(void *arg)
{
    struct state *state = arg;

    if (has_root(state))
        kept_root_close(&state->root);
    free(state);
}

static int open_state(const struct config_route *route, const struct route_loop *loop, void **out)
{
    const struct thumbnail_settings *settings = route->settings;
    struct state *state;
    const char *why;
    int err;

    (void)loop;
    if (vips_library(&why) == NULL) {
        weir_log(WEIR_LOG_ERROR, "thumbnails cannot be made: install the package libvips42",
                 WEIR_KV("reason", why));
        return -ENOSYS;
    }
    state = malloc(sizeof *state);
    if (state == NULL)
        return -ENOMEM;
    *state = (struct state){{route, route_pool_of(route)}, weir_pool_blocking(), {.path = NULL}};
    err = weir_job_kind_register(&job_thumbnail);
    if (err == 0 && settings->root != NULL)
        err = kept_root_open(&state->root, settings->root);
    if (err < 0) {
        free(state);
        return err;
    }
    *out = state;
    return 0;
}

/* --- the format for a client --- */

/* Chooses the format. WebP only if the client names it: a client that takes anything may be older than WebP.
 */
static enum image_output output_for(const weir_request *req, int format)
{
    struct negotiation_offer offers[2];
    bool named;

    if (format != THUMBNAIL_AUTO)
        return format == THUMBNAIL_JPEG  ? IMAGE_TO_JPEG
               : format == THUMBNAIL_PNG ? IMAGE_TO_PNG
                                         : IMAGE_TO_WEBP;
    negotiation_offer_init(&offers[0], "image/webp");
    negotiation_offer_init(&offers[1], "image/jpeg");
    (void)negotiation_read_request(req, "accept", offers, 2);
    named = offers[0].matched == 3 && offers[0].weight > 0;
    return named && offers[0].weight >= offers[1].weight ? IMAGE_TO_WEBP : IMAGE_TO_PLAIN;
}

/* --- answering --- */

/* The validators of a thumbnail of a file, for conditional requests. */
struct validators {
    char etag[ETAG_BYTES], date[HTTP_DATE_BYTES];
};

static int add_headers(weir_response *res, const struct state *state, const struct validators *validators)
{
    const struct thumbnail_settings *settings = state->computing.route->settings;
    int err = settings->format == THUMBNAIL_AUTO ? weir_response_header_add(res, "vary", "accept") : 0;

    if (err == 0 && validators != NULL)
        err = weir_response_header_add(res, "etag", validators->etag);
    if (err == 0 && validators != NULL)
        err = weir_response_header_add(res, "last-modified", validators->date);
    return err;
}

static int shrink(weir_response *res, const struct state *state, enum image_output output, weir_job_input *in,
                  const struct validators *validators)
{
    const struct thumbnail_settings *s = state->computing.route->settings;
    const weir_offload_options options = computing_options(&state->computing);
    char params[PARAMS_BYTES];
    weir_job_fault fault;
    weir_buffer out;
    int err;

    snprintf(params, sizeof params,
             "{\"width\":%d,\"height\":%d,\"format\":\"%s\",\"quality\":%d,\"pixels\":%d,\"memory\":%" PRIu64
             "}",
             s->width, s->height, image_output_names[output], s->quality, s->pixels, s->memory_bytes);
    in->params = weir_bytes_of(params);
    weir_buffer_init(&out, IMAGE_FILE_BYTES_MAX);
    err = weir_job_run_with(state->computing.where.pool, job_thumbnail.name, in, &out, &fault, &options);
    if (err == -WEIR_ETOOLARGE) /* the limit of the job's output, not the route's of bodies */
        err = -JOB_EXCESSIVE;
    if (err < 0)
        err = computing_fail(res, err, &fault);
    else if ((err = add_headers(res, state, validators)) == 0)
        err = weir_respond_buffer(res, 200, image_type_of(weir_buffer_bytes(&out)), &out);
    weir_buffer_free(&out);
    return err;
}

static int answer_body(weir_request *req, weir_response *res, const struct state *state,
                       enum image_output output)
{
    weir_job_input in = {0};
    int err = weir_request_read_body(req, &in.bytes, SIZE_MAX);

    return err < 0 ? err : shrink(res, state, output, &in, NULL);
}

/* --- files --- */

struct opening {
    int root;
    const char *path;
    struct stat about;
    int fd;
};

static int open_file(weir_job *job, void *arg)
{
    struct opening *opening = arg;

    (void)job;
    opening->fd = rooted_open(opening->root, opening->path, &opening->about);
    return opening->fd < 0 ? opening->fd : 0;
}

static int open_below(struct state *state, struct opening *file)
{
    int err = weir_offload(state->blocking, "opening an image", open_file, file);

    return err == -ENOENT && kept_root_is_renewed(&state->root)
               ? weir_offload(state->blocking, "opening an image", open_file, file)
               : err;
}

/* Makes the entity tag. It differs for another file, settings or format, but not for a copy on another
 * machine. */
static void make_etag(const struct stat *about, const struct thumbnail_settings *s, enum image_output output,
                      char out[ETAG_BYTES])
{
    snprintf(out, ETAG_BYTES, "\"%" PRIx64 "-%" PRIx64 ".%09lx-%d.%dx%d.%d%c\"", (uint64_t)about->st_size,
             (uint64_t)about->st_mtim.tv_sec, (unsigned long)about->st_mtim.tv_nsec, THUMBNAIL_VERSION,
             s->width, s->height, s->quality, image_output_names[output][0]);
}

/* Answers without an image, because of a condition. */
static int answer_condition(weir_response *res, const struct state *state, int status,
                            const struct validators *v)
{
    int err = status == 304 ? add_headers(res, state, v) : 0;

    if (err < 0)
        return err;
    return status == 304 ? weir_respond_bytes(res, 304, NULL, NULL, 0)
                         : weir_respond_fault(res, 412, "precondition_failed",
                                              "the image is not the version that the request is for");
}

static int answer_open_file(weir_request *req, weir_response *res, const struct state *state,
                            enum image_output output, const struct opening *file)
{
    struct representation what = {.modified = file->about.st_mtim.tv_sec, .now = time(NULL)};
    struct conditions asked;
    struct byte_ranges none;
    struct validators v;
    weir_job_input in;
    int status;

    make_etag(&file->about, state->computing.route->settings, output, v.etag);
    http_date(file->about.st_mtim.tv_sec, v.date);
    what.etag = v.etag;
    conditions_of_request(req, &asked);
    status = conditions_decide(&asked, &what, false, &none); /* no ranges of an image that is made */
    if (status != 200)
        return answer_condition(res, state, status, &v);
    in = (weir_job_input){.file = &file->fd};
    return shrink(res, state, output, &in, &v);
}

static int answer_file(weir_request *req, weir_response *res, struct state *state, enum image_output output)
{
    const char *asked = weir_request_param(req, "*");
    char *path = weir_request_alloc(req, strlen(asked) + 1);
    struct opening file = {.root = state->root.fd, .path = path, .fd = -1};
    int err = path != NULL ? request_discard_body(req) : -ENOMEM;

    if (err == 0)
        err = plain_path_lead(req, res);
    if (err > 0)
        return 0;
    if (err == 0)
        err = rooted_open_path(weir_bytes_of(asked), NULL, path);
    if (err == 0)
        err = open_below(state, &file);
    if (err == -ENOENT || err == -EISDIR)
        return weir_respond_fault(res, 404, "not_found", "there is no such image");
    if (err == 0)
        err = answer_open_file(req, res, state, output, &file);
    if (file.fd >= 0)
        (void)close(file.fd);
    return err;
}

static int handle(weir_request *req, weir_response *res, void *arg)
{
    struct state *state = arg;
    const struct thumbnail_settings *settings = state->computing.route->settings;
    enum image_output output = output_for(req, settings->format);
    const char *method = weir_request_method(req);
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

    if (!reads) {
        struct codings codings;
        body_coding_of_request(req, &codings);
        return codings.count > 0 || codings.unknown ? body_coding_refuse(res, NULL)
                                                    : answer_body(req, res, state, output);
    }
    return answer_file(req, res, state, output); /* without a root no route has these methods */
}

static unsigned methods_for(const void *arg)
{
    const struct thumbnail_settings *settings = arg;

    return settings->root != NULL ? 1u << CONFIG_GET | 1u << CONFIG_POST : 1u << CONFIG_POST;
}

/* Without a root there is nothing to read. */
static unsigned answerable(const void *arg)
{
    const struct thumbnail_settings *settings = arg;
    const unsigned all = (1u << CONFIG_METHODS) - 1, reading = 1u << CONFIG_GET | 1u << CONFIG_HEAD;

    return settings->root != NULL ? all : all & ~reading;
}

const struct route_kind route_thumbnail = {.name = "thumbnail",
                                           .on = "compute",
                                           .methods_for = methods_for,
                                           .answerable = answerable,
                                           .configure = configure,
                                           .check = check,
                                           .job_bytes = job_bytes,
                                           .open = open_state,
                                           .close = close_state,
                                           .handle = handle};
