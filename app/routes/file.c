/* SPDX-License-Identifier: MIT */
#include "routes/filing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/url_text.h"
#include "routes/discard.h"

enum { LOCATION_BYTES_MAX = 60 << 10 }; /* a head has at most 64 KiB of headers */

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

static int write_location(weir_buffer *out, weir_request *req)
{
    const char *path = weir_request_path_written(req), *query = weir_request_query(req);
    int err;

    while (path[0] == '/' && path[1] == '/')
        path++; /* "//name" would be another host */
    err = url_text_append(out, path, false);
    if (err == 0)
        err = weir_buffer_append_byte(out, '/');
    if (err == 0 && *query != '\0')
        err = weir_buffer_append_byte(out, '?');
    return err < 0 ? err : url_text_append(out, query, false);
}

/* Leads to the folder with its slash: relative links in its index would else begin one level too high. */
static int redirect(weir_request *req, weir_response *res)
{
    weir_buffer location;
    int err;

    weir_buffer_init(&location, LOCATION_BYTES_MAX);
    err = write_location(&location, req);
    if (err == 0)
        err = weir_buffer_append_byte(&location, '\0');
    if (err == 0)
        err = weir_response_header_add(res, "location", location.data);
    if (err == 0)
        err = weir_respond_bytes(res, 301, NULL, NULL, 0);
    weir_buffer_free(&location);
    return err;
}

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
    if (err < 0)
        return err;
    err = file_find(route, req, &found);
    if (err == -ENOENT && kept_root_is_renewed(&route->root)) {
        file_cache_forget(route->cache, route->root.fd); /* that there is no such file, too */
        err = file_find(route, req, &found);
    }
    if (err == FILE_IS_FOLDER)
        return redirect(req, res);
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
