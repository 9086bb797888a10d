/* SPDX-License-Identifier: MIT */
#include "commands/admin_client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <weir/address.h>
#include <weir/log.h>
#include <weir/runtime.h>
#include <weir/scope.h>

#include "admin/admin_pages.h"
#include "commands/commands.h"
#include "commands/interrupt.h"
#include "commands/usage.h"

enum { ANSWER_BYTES_MAX = 512 << 20, TOLD_BYTES_MAX = 300 };

static const char default_address[] = "127.0.0.1:8081";
static const char unix_prefix[] = "unix:";

/* --- addresses --- */

static bool is_unix(const char *address)
{
    return strncmp(address, unix_prefix, strlen(unix_prefix)) == 0;
}

/* Reports whether a text is HOST:PORT; bare: whether it is a port alone. Port 0 is none that answers. */
static bool is_tcp(weir_bytes text, bool *bare)
{
    weir_address address = {0};

    *bare = weir_port_parse(text, &address.port) == 0;
    return (*bare || weir_address_parse(text, &address, NULL) == 0) && address.port > 0;
}

int admin_client_base(const char *address, char base[ADMIN_BASE_BYTES])
{
    static const char scheme[] = "http://";
    weir_bytes text;
    weir_address path;
    int written;
    bool bare;

    if (address == NULL)
        address = default_address;
    if (is_unix(address)) {
        strcpy(base, "http://localhost");
        return weir_address_parse(weir_bytes_of(address), &path, NULL);
    }
    if (strncasecmp(address, scheme, strlen(scheme)) == 0)
        address += strlen(scheme);
    text = weir_bytes_of(address);
    if (text.len > 0 && address[text.len - 1] == '/')
        text.len--;
    if (!is_tcp(text, &bare))
        return -EINVAL;
    written = snprintf(base, ADMIN_BASE_BYTES, "%s%s%.*s", scheme, bare ? "127.0.0.1:" : "", (int)text.len,
                       text.data);
    return written < ADMIN_BASE_BYTES ? 0 : -EINVAL;
}

/* --- asking --- */

static void tell_failure(const struct admin_client *admin, int err)
{
    const char *where = admin->where;

    fprintf(stderr, "weir %s: ", admin->command);
    switch (err) {
    case -ECONNREFUSED:
    case -ENOENT:
        fprintf(stderr, "nothing answers at %s: is a gateway running with 'admin: %s'?\n", where, where);
        break;
    case -WEIR_EDEADLINE:
    case -ETIMEDOUT:
        fprintf(stderr, "no answer from %s in time: is it the admin address of a gateway?\n", where);
        break;
    case -WEIR_EPROTOCOL:
    case -WEIR_ETRUNCATED:
        fprintf(stderr, "%s is not the admin address of a gateway, or the gateway has just ended\n", where);
        break;
    default:
        fprintf(stderr, "cannot ask %s: %s\n", where, weir_error_text(err));
    }
}

static void tell_status(const struct admin_client *admin, const char *path, const weir_reply *reply)
{
    const char *where = admin->where;

    fprintf(stderr, "weir %s: ", admin->command);
    if (reply->status == 404)
        fprintf(stderr,
                "%s has no page %.*s: it is not the admin address of a gateway, or the gateway is older than "
                "this program\n",
                where, (int)strcspn(path, "?"), path);
    else
        fprintf(stderr, "%s answers %s with status %d: %.*s\n", where, path, reply->status, TOLD_BYTES_MAX,
                reply->body != NULL ? reply->body : "");
}

static int fetch(struct admin_client *admin, const char *path, weir_fetch_options *options,
                 weir_duration within, weir_reply *reply)
{
    char url[ADMIN_BASE_BYTES + ADMIN_URL_BYTES];
    int err;
    weir_scope scope;

    *reply = (weir_reply){0};
    if (snprintf(url, sizeof url, "%s%s", admin->base, path) >= (int)sizeof url)
        return -WEIR_ETOOLARGE;
    weir_scope_open(&scope, weir_after(within), 0);
    options->url = url;
    options->address = is_unix(admin->where) ? admin->where : NULL;
    err = weir_fetch(admin->client, options, reply);
    (void)weir_scope_close(&scope);
    return err;
}

int admin_client_try(struct admin_client *admin, const char *path, weir_duration within, weir_reply *reply)
{
    weir_fetch_options options = {0};
    int err = fetch(admin, path, &options, within, reply);

    return err < 0 || reply->status == 200 ? err : -WEIR_EPROTOCOL;
}

int admin_client_post(struct admin_client *admin, const char *path, weir_duration within, weir_reply *reply)
{
    const weir_header meant = {ADMIN_ACTION_HEADER, "1"};
    weir_fetch_options options = {.method = "POST", .headers = &meant, .header_count = 1};
    int err = fetch(admin, path, &options, within, reply);

    return err < 0 || reply->status == 200 || reply->status == 409 || reply->status == 422 ? err
                                                                                           : -WEIR_EPROTOCOL;
}

void admin_client_tell(const struct admin_client *admin, const char *path, int err, const weir_reply *reply)
{
    if (reply->status > 0 && reply->status != 200)
        tell_status(admin, path, reply);
    else if (err < 0 && err != -WEIR_ECANCELED)
        tell_failure(admin, err);
}

int admin_client_get(struct admin_client *admin, const char *path, weir_duration within, weir_reply *reply)
{
    int err = admin_client_try(admin, path, within, reply);

    if (err == 0)
        return 0;
    admin_client_tell(admin, path, err, reply);
    weir_reply_free(reply);
    return err;
}

/* --- running --- */

struct run {
    struct admin_client admin;
    int (*fn)(struct admin_client *admin, void *arg);
    void *arg;
    weir_scope scope;
    int code;
};

static int ask(void *arg)
{
    struct run *run = arg;

    run->code = run->fn(&run->admin, run->arg);
    return 0;
}

static int run_all(void *arg)
{
    struct run *run = arg;
    const weir_client_options options = {.reply_bytes = ANSWER_BYTES_MAX};
    int err = weir_client_open(&options, &run->admin.client);
    weir_scope beside;

    if (err < 0)
        return err;
    weir_scope_open(&beside, weir_never(), WEIR_COLLECT);
    weir_spawn(&beside, "signals", interrupt_cancels, &run->scope);
    weir_scope_open(&run->scope, weir_never(), WEIR_COLLECT);
    err = weir_spawn(&run->scope, run->admin.command, ask, run);
    (void)weir_scope_close(&run->scope);
    weir_scope_cancel(&beside);
    (void)weir_scope_close(&beside);
    weir_client_close(run->admin.client);
    return err;
}

int admin_client_run(const char *command, const char *address,
                     int (*fn)(struct admin_client *admin, void *arg), void *arg)
{
    struct run run = {.admin = {.command = command}, .fn = fn, .arg = arg, .code = EXIT_FAILED};
    weir_options options;
    int err;

    if (admin_client_base(address, run.admin.base) < 0)
        return usage_error(
            command, "'%s' is not an address, expected HOST:PORT or unix:PATH of the admin address", address);
    run.admin.where = address != NULL && is_unix(address) ? address : run.admin.base + strlen("http://");
    /* No stalls of this program are reported, and the command prints its own failures. */
    options = (weir_options){.stall_after = weir_ms(-1), .log_level = WEIR_LOG_ERROR};
    err = weir_run(&options, run_all, &run);
    if (err < 0)
        fprintf(stderr, "weir %s: %s\n", command, weir_error_text(err));
    return err < 0 ? EXIT_FAILED : run.code;
}
