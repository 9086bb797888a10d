/* SPDX-License-Identifier: MIT */
#include "admin/admin_of_many.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/log.h>
#include <weir/task.h>

#include "admin/admin_host.h"
#include "admin/admin_pages.h"
#include "admin/many.h"
#include "http/listening.h"

/* An address that is answered at, by a task of its own. */
struct many_listening {
    struct admin_of_many *admin;
    char *address; /* as configured */
    weir_server_options options;
    weir_route routes[MANY_PAGES];
    weir_server *server; /* NULL: it is not open */
    weir_event opened;
    int err;
    bool left; /* by the admin, which answers elsewhere: the task frees it */
};

/* --- callbacks of the server --- */

static int answer(weir_request *req, weir_response *res, void *state)
{
    struct admin_of_many *admin = state;
    const struct many_page *page = weir_request_data(req);
    const char *host = weir_request_header(req, "host");
    int err;

    if (host != NULL && *host != '\0' && !admin_host_is_ours(host, admin->config->admin_hosts))
        return admin_host_refuse(res, host);
    err = weir_response_header_add(res, "cache-control", "no-store");
    return err < 0 ? err : page->answer(req, res, admin);
}

static void *setup(void *arg, weir_server *server)
{
    (void)server;
    return ((struct many_listening *)arg)->admin;
}

/* --- an address --- */

static void free_listening(struct many_listening *l)
{
    free(l->address);
    free(l);
}

static int listen_and_answer(void *arg)
{
    struct many_listening *l = arg;
    weir_server *server;

    l->err = weir_server_open(&l->options, l->routes, MANY_PAGES, &server);
    if (l->err == 0) {
        log_listening("admin", weir_server_address(server, 0));
        l->server = server;
        weir_event_set(&l->opened);
        if (weir_server_wait(server) < 0) /* until it has drained, or the scope is cancelled */
            weir_server_drain(server);
        l->server = NULL;
        weir_server_close(server);
    }
    weir_event_set(&l->opened);
    if (l->left)
        free_listening(l);
    else
        l->left = true;
    return 0;
}

static struct many_listening *new_listening(struct admin_of_many *admin, const struct config *config)
{
    struct many_listening *l = calloc(1, sizeof *l);

    if (l == NULL)
        return NULL;
    l->admin = admin;
    l->address = strdup(config->admin->text);
    if (l->address == NULL) {
        free(l);
        return NULL;
    }
    for (size_t i = 0; i < MANY_PAGES; i++)
        l->routes[i] = (weir_route){
            .path = many_pages[i].path,
            .methods = many_pages[i].method,
            .vital = many_pages[i].vital,
            .handler = answer,
            .data = (void *)(uintptr_t)&many_pages[i],
        };
    l->options = (weir_server_options){.listen = l->address,
                                       .limits = ADMIN_LIMITS,
                                       .drain = weir_ms(ADMIN_DRAIN_MS),
                                       .setup = setup,
                                       .arg = l};
    weir_event_init(&l->opened);
    return l;
}

/* Gives an address up: by the one of the admin and the task that is last. NULL is nothing. */
static void leave_listening(struct many_listening *l)
{
    if (l == NULL)
        return;
    if (l->server != NULL)
        weir_server_drain(l->server);
    if (l->left)
        free_listening(l);
    else
        l->left = true;
}

/* Begins to answer at the address of a configuration, if it is another. Returns: 0 with *out, the present one
 * or a new one, or NULL. */
static int listen_at(struct admin_of_many *admin, const struct config *config, struct many_listening **out)
{
    const char *address = config->admin != NULL ? config->admin->text : NULL;
    struct many_listening *present = admin->listening;
    int err;

    *out = NULL;
    if (address == NULL)
        return 0;
    if (present != NULL && strcmp(present->address, address) == 0) {
        *out = present;
        return 0;
    }
    *out = new_listening(admin, config);
    if (*out == NULL)
        return -ENOMEM;
    err = weir_spawn(admin->scope, "admin", listen_and_answer, *out);
    if (err < 0)
        (*out)->left = true; /* there is no task to leave it to */
    if (err == 0)
        err = weir_event_wait(&(*out)->opened);
    if (err == 0)
        err = (*out)->err;
    if (err == 0)
        return 0;
    leave_listening(*out);
    *out = NULL;
    return err;
}

static void give_up(struct admin_of_many *admin)
{
    if (admin->given_up)
        return;
    admin->given_up = true;
    weir_log(WEIR_LOG_INFO, "the admin address is given up to another gateway");
    if (admin->listening != NULL && admin->listening->server != NULL)
        weir_server_drain(admin->listening->server);
}

/* --- the task of it all --- */

static int collect(void *arg)
{
    struct admin_of_many *admin = arg;
    int err = 0;

    while (err == 0) {
        err = weir_mutex_lock(&admin->lock);
        if (err < 0)
            return 0;
        err = many_round(admin, weir_now());
        if (err == 0)
            joined_add_up(admin->joined, many_pause);
        weir_mutex_unlock(&admin->lock);
        if (err == 0)
            err = weir_sleep(weir_seconds(1));
    }
    return 0;
}

static int open_all(struct admin_of_many *admin, const struct config *config)
{
    int err = joined_open(config, &admin->joined);

    if (err == 0)
        err = weir_client_open(&(weir_client_options){.replies_bytes = 64 << 20, .quiet = true},
                               &admin->client);
    if (err == 0)
        err = weir_spawn(admin->scope, "collect", collect, admin);
    return err < 0 ? err : listen_at(admin, config, &admin->listening);
}

static int run(void *arg)
{
    struct admin_of_many *admin = arg;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    admin->scope = &scope;
    admin->err = open_all(admin, admin->config);
    weir_event_set(&admin->opened);
    if (admin->err == 0)
        (void)!weir_event_wait(&admin->closing);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    leave_listening(admin->err == 0 ? admin->listening : NULL);
    weir_client_close(admin->client);
    joined_close(admin->joined);
    weir_event_set(&admin->ended);
    return 0;
}

/* --- opening and closing --- */

/* Waits as long as it takes: its tasks use the configuration and the supervisor, which the caller frees next.
 * They are cancelled, and the task that opened the scope would wait for them in any case. */
static void wait_for_end(struct admin_of_many *admin)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), WEIR_SHIELD);
    (void)!weir_event_wait(&admin->ended);
    (void)weir_scope_close(&scope);
    for (; admin->ended_count > 0; admin->ended_count--)
        (void)close(admin->ended_since[admin->ended_count - 1].counts);
    free(admin);
}

int admin_of_many_open(weir_scope *scope, const struct config *config,
                       const struct admin_supervisor *supervisor, struct admin_of_many **out)
{
    struct admin_of_many *admin = calloc(1, sizeof *admin);
    int err;

    *out = NULL;
    if (admin == NULL)
        return -ENOMEM;
    admin->supervisor = *supervisor;
    admin->config = config;
    admin->started = weir_now();
    admin->give_up = give_up;
    weir_mutex_init(&admin->lock);
    weir_mutex_init(&admin->control);
    weir_event_init(&admin->opened);
    weir_event_init(&admin->closing);
    weir_event_init(&admin->ended);
    err = weir_spawn(scope, "admin", run, admin);
    if (err < 0) {
        free(admin);
        return err;
    }
    err = weir_event_wait(&admin->opened);
    if (err == 0)
        err = admin->err;
    if (err == 0) {
        *out = admin;
        return 0;
    }
    weir_event_set(&admin->closing);
    wait_for_end(admin);
    return err;
}

int admin_of_many_configure(struct admin_of_many *admin, const struct config *config)
{
    struct many_listening *present = admin->listening, *next;
    int err = listen_at(admin, config, &next);

    if (err == 0 && (err = weir_mutex_lock(&admin->lock)) == 0) {
        err = joined_configure(admin->joined, config);
        weir_mutex_unlock(&admin->lock);
    }
    if (err < 0) {
        leave_listening(next != present ? next : NULL);
        return err;
    }
    admin->config = config;
    admin->listening = next;
    leave_listening(next != present ? present : NULL);
    return 0;
}

void admin_of_many_retire(struct admin_of_many *admin, const struct admin_process *process)
{
    if (weir_mutex_lock(&admin->lock) < 0)
        return;
    many_ask_one(admin, process);
    weir_mutex_unlock(&admin->lock);
}

void admin_of_many_ended(struct admin_of_many *admin, const struct admin_process *process, int counts)
{
    if (admin->ended_count == ADMIN_PROCESSES_MAX) { /* no round has run for long */
        (void)close(counts);
        return;
    }
    admin->ended_since[admin->ended_count++] = (struct many_ended){.is = *process, .counts = counts};
}

void admin_of_many_close(struct admin_of_many *admin)
{
    if (admin == NULL)
        return;
    weir_event_set(&admin->closing);
    wait_for_end(admin);
}
