/* SPDX-License-Identifier: MIT */
/* An HTTP client: fetches all of its arguments at once, within five seconds, and prints the outcomes.
 *
 *     06_http_client URL…
 */
#include <stdio.h>
#include <weir.h>

struct fetch {
    weir_client *client;
    const char *url;
};

/* [fetch] */
static int fetch(void *arg)
{
    struct fetch *f = arg;
    weir_reply reply;
    int err = weir_get(f->client, f->url, &reply);
    const char *type;

    if (err < 0) {
        printf("%s: %s\n", f->url, weir_error_text(err));
        return err;
    }
    type = weir_reply_header(&reply, "content-type");
    printf("%s: %d, %zu bytes of %s\n", f->url, reply.status, reply.body_bytes,
           type != NULL ? type : "no type");
    weir_reply_free(&reply);
    return 0;
}
/* [/fetch] */

/* [all] */
enum { URLS_MAX = 64 };

static int fetch_all(void *arg)
{
    char **urls = arg;
    struct fetch fetches[URLS_MAX];
    weir_client *client;
    weir_scope scope;
    int err = weir_client_open(NULL, &client);

    if (err < 0)
        return err;
    weir_scope_open(&scope, weir_after_ms(5000), 0); /* the first failure cancels the others */
    for (int i = 0; i < URLS_MAX && urls[i] != NULL; i++) {
        fetches[i] = (struct fetch){client, urls[i]};
        weir_spawn(&scope, urls[i], fetch, &fetches[i]);
    }
    err = weir_scope_close(&scope);
    weir_client_close(client);
    return err;
}
/* [/all] */

int main(int argc, char **argv)
{
    (void)argc;
    return weir_run(NULL, fetch_all, argv + 1) < 0;
}
