/* SPDX-License-Identifier: MIT */
#include "routes/filing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/moved.h"
#include "http/plain_path.h"
#include "routes/discard.h"

/* --- the state of a loop --- */

static void close_state(void *state)
{
    struct file_route *route = state;

    kept_root_close(&route->root);
    free(route);
}

static int open_state(const struct config_route *config, const struct route_loop *loop, void **out)
{
    const struct file_settings *settings = config->settings;
    struct file_route *route = malloc(sizeof *route);
    int err;

    if (route == NULL)
        return -ENOMEM;
    *route = (struct file_route){.settings = settings, .cache = loop->files};
    err = kept_root_open(&route->root, settings->root);
    if (err < 0) {
        free(route);
        return err;
    }
    *out = route;
    return 0;
}

/* --- answering --- */

static int refuse_method(weir_response *res)
{
    int err = weir_response_header_add(res, "allow", "GET, HEAD");

    return err < 0 ? err
                   : weir_respond_fault(res, 405, "method_not_allowed", "files are read by GET and HEAD");
}

static int handle(weir_request *req, weir_response *res, void *state)
{
    struct file_route *route = state;
    const char *method = weir_request_method(req);
    struct found_file found;
    int err;

    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return refuse_method(res);
    err = request_discard_body(req);
    if (err == 0)
        err = plain_path_lead(req, res);
    if (err != 0)
        return err < 0 ? err : 0;
    err = file_find(route, req, &found);
    if (err == -ENOENT && kept_root_is_renewed(&route->root)) {
        file_cache_forget(route->cache, route->root.fd); /* that there is no such file, too */
        err = file_find(route, req, &found);
    }
    if (err == FILE_IS_FOLDER) /* relative links in its index would else begin one level too high */
        return moved_to(req, res, weir_request_path_written(req), "/");
    if (err == -ENOENT)
        return weir_respond_fault(res, 404, "not_found", "there is no such file");
    if (err == -EMFILE || err == -ENFILE)
        return -EAGAIN; /* 503: not for long */
    if (err < 0)
        return err;
    err = file_answer(route->settings, req, res, &found);
    file_cache_release(route->cache, found.file);
    if (err < 0)
        file_cache_tell_cut(route->cache, weir_request_param(req, "*"), err);
    return err == -WEIR_ETRUNCATED ? -EIO : err; /* a file that became shorter is no fault of the request */
}

static unsigned answerable(const void *settings)
{
    (void)settings;
    return 1u << CONFIG_GET | 1u << CONFIG_HEAD;
}

const struct route_kind route_file = {.name = "file",
                                      .methods = 1u << CONFIG_GET,
                                      .answerable = answerable,
                                      .configure = file_configure,
                                      .check = file_check,
                                      .process_bytes = FILE_CACHE_BYTES,
                                      .open = open_state,
                                      .close = close_state,
                                      .handle = handle};
