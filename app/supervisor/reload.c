/* SPDX-License-Identifier: MIT */
#include "supervisor/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <weir/guard.h>
#include <weir/log.h>
#include <weir/pool.h>
#include <weir/task.h>

#include "http/listening.h"
#include "supervisor/log_lines.h"
#include "supervisor/slimming.h"
#include "supervisor/state.h"

enum { SAID_BYTES_MAX = 48 << 10, SETTLE_LOOK_MS = 250 };

static const char starts[] =
    "nothing is in force yet: the gateway starts, and its log says what keeps it from that; "
    "the file is read anew afterwards";
static const char drains[] = "the gateway drains: no other configuration is put into force";

void reloads_open(struct reloads *r)
{
    *r = (struct reloads){0};
    weir_event_init(&r->wanted);
    weir_event_init(&r->finished);
    text_out_init(&r->said, SAID_BYTES_MAX);
}

void reloads_close(struct reloads *r)
{
    weir_buffer_free(&r->said.text);
}

void reloads_end(struct reloads *r)
{
    r->closed = true;
    weir_event_set(&r->finished);
}

/* --- one reload --- */

static void say(void *arg, const char *line)
{
    text_out_printf(arg, "%s\n", line);
}

struct reading {
    const char *file;
    struct config_faults faults;
    struct in_force *next;
    struct start_addresses addresses; /* of next */
    bool ran;
};

/* Reads the file, unless that could block for ever: a pipe can be read only once. Looks its names up. */
static int read_file(weir_job *job, void *arg)
{
    struct reading *r = arg;
    struct stat about;
    int err;

    (void)job;
    r->ran = true;
    if (stat(r->file, &about) < 0 || S_ISREG(about.st_mode)) {
        err = in_force_read(r->file, &r->faults, &r->next);
        return err == 0 ? listeners_resolve(&r->next->config, &r->faults, &r->addresses) : err;
    }
    config_faults_open(&r->faults, r->file);
    config_fault(&r->faults, (struct config_place){0},
                 "cannot be read again, expected a regular file: what a pipe or a device has given does not "
                 "come again");
    return -WEIR_ECONFIG;
}

/* Reads the file by a job, since signals should be heard while a disk is slow. */
static int read_next(struct reading *r, struct text_out *said)
{
    int err = weir_offload(weir_pool_blocking(), "configuration", read_file, r);

    if (r->ran && err == -WEIR_ECONFIG)
        config_faults_each(&r->faults, true, say, said);
    else if (err < 0)
        text_out_printf(said, "%s: cannot be read: %s\n", r->file, weir_error_text(err));
    return err;
}

static int open_listeners(struct supervisor *s, struct reading *r, int *out, struct text_out *said)
{
    weir_guard_allow briefly;
    int err;

    weir_guard_allow_begin(&briefly, NULL);
    err = listeners_open(s->listeners, &r->addresses, out);
    weir_guard_allow_end(&briefly);
    if (err == -WEIR_ECONFIG)
        config_faults_each(&r->faults, true, say, said);
    else if (err < 0)
        text_out_printf(said, "%s: the listeners cannot be opened: %s\n", s->file, weir_error_text(err));
    return err;
}

/* Another admin address is tried before the reload: a taken one is a fault of it. */
static int try_admin(const struct supervisor *s, const struct config *config, struct text_out *said)
{
    const struct config_address *now = s->in_force->config.admin, *next = config->admin;
    char text[FAULT_TEXT_BYTES];
    int err;

    if (next == NULL || (now != NULL && strcmp(now->text, next->text) == 0))
        return 0;
    err = address_probe(next, false);
    if (err < 0)
        text_out_printf(said, "%s:%u:%u: %s\n", s->file, next->place.line, next->place.column,
                        address_fault(text, sizeof text, next, "admin", err));
    return err;
}

/* Has the admin address answer for what is in force now. */
static void configure_admin(struct supervisor *s, struct text_out *said)
{
    int err;

    if (s->admin == NULL)
        return;
    err = admin_of_many_configure(s->admin, &s->in_force->config);
    if (err == 0) {
        in_force_release(s->admin_in_force);
        s->admin_in_force = in_force_hold(s->in_force);
        return;
    }
    weir_log(WEIR_LOG_ERROR, "the admin address stays as it was", WEIR_KV_ERROR("error", err));
    text_out_printf(said, "the admin address stays as it was: %s\n", weir_error_text(err));
}

/* Puts a configuration that is served into force, instead of the present one. */
static void replace(struct supervisor *s, struct in_force *next, int *listeners,
                    struct generation *generation)
{
    struct in_force *old = s->in_force;

    s->in_force = in_force_hold(next);
    if (s->applications.apps != NULL)
        (void)apps_configure(s->applications.apps, &next->config); /* logs what can't be run */
    processes_put_in_force(&s->processes, generation);
    supervisor_announce(s, &next->config, listeners);
    listeners_keep(s->listeners, &next->config);
    in_force_release(old);
}

/* Ends applications that only drained generations have served. */
static void drop_applications(struct supervisor *s)
{
    if (s->applications.apps != NULL && processes_draining(&s->processes) == 0)
        apps_keep(s->applications.apps, &s->in_force->config);
}

static int serve_next(struct supervisor *s, struct reading *r, struct text_out *said)
{
    struct in_force *next = r->next;
    int *listeners = calloc(next->config.listen_count, sizeof *listeners);
    struct generation *generation;
    int err = listeners != NULL ? try_admin(s, &next->config, said) : -ENOMEM;

    if (err == 0)
        err = open_listeners(s, r, listeners, said);
    if (err == 0) {
        applications_prepare(&s->applications, &next->config, &s->asked);
        err = processes_start(&s->processes, next, listeners, said, &generation);
        if (err == 0) {
            replace(s, next, listeners, generation);
            configure_admin(s, said);
            return 0;
        }
        if (!s->processes.ending)
            listeners_keep(s->listeners, &s->in_force->config);
        drop_applications(s);
    }
    free(listeners);
    return err;
}

static void tell(struct supervisor *s, int err, weir_instant began, struct text_out *said)
{
    const weir_duration took = weir_between(began, weir_now());
    const int processes = s->in_force->config.processes;

    if (err == 0) {
        weir_log(WEIR_LOG_INFO, "a new configuration is in force",
                 WEIR_KV_INT("generation", s->processes.in_force != NULL ? s->processes.in_force->number : 0),
                 WEIR_KV_INT("processes", processes), WEIR_KV_DURATION("took", took));
        text_out_printf(said,
                        "reloaded: %s is in force: %d process%s ready after %.1f s, the old ones drain\n",
                        s->file, processes, processes > 1 ? "es are" : " is", (double)took.ns / 1e9);
        if (s->applications.apps != NULL)
            apps_say_replaced(s->applications.apps, said);
        return;
    }
    log_lines("reload", said);
    weir_log(WEIR_LOG_ERROR, "the new configuration is refused, and the old one stays in force",
             WEIR_KV("file", s->file));
    text_out_printf(said, "the configuration before it stays in force\n");
}

static int reload(struct supervisor *s, struct text_out *said)
{
    const weir_instant began = weir_now();
    struct reading r = {.file = s->file};
    int err;

    if (s->processes.ending) {
        text_out_printf(said, "%s\n", drains);
        return -WEIR_ECLOSED;
    }
    weir_log(WEIR_LOG_INFO, "reloading", WEIR_KV("file", s->file));
    s->phase = SUPERVISOR_RELOADING;
    notify_reloading(s->notify);
    err = read_next(&r, said);
    if (err == 0 && !s->processes.ending) /* else it would listen again */
        err = serve_next(s, &r, said);
    start_addresses_close(&r.addresses);
    in_force_release(r.next);
    if (s->processes.ending) {
        text_out_printf(said, "%s\n", drains);
        return -WEIR_ECLOSED;
    }
    s->phase = SUPERVISOR_SERVING;
    tell(s, err, began, said);
    notify_ready(s->notify, err == 0 ? "serving" : "serving; the new configuration was refused: see the log");
    return err == 0 ? 0 : -WEIR_ECONFIG;
}

/* --- requests --- */

/* When to look next whether the old generations have ended. */
static weir_instant next_look(const struct supervisor *s)
{
    return processes_draining(&s->processes) == 0 ? weir_never() : weir_after_ms(SETTLE_LOOK_MS);
}

/* Waits until a reload is wanted; meanwhile, old generations end. */
static int wait_for_wish(struct supervisor *s)
{
    weir_scope_auto(scope, next_look(s), 0);
    int err;

    drop_applications(s);
    weir_event_reset(&s->reloads.wanted);
    err = weir_event_wait(&s->reloads.wanted);
    return err < 0 && weir_scope_expired(&scope) ? 0 : err;
}

/* Waits while so many generations drain that one would have to be hurried: idle connections are closed within
 * 5 s. What is asked for meanwhile belongs to the reload that follows. */
static void wait_for_room(struct supervisor *s)
{
    if (processes_draining(&s->processes) < GENERATIONS_DRAINING_MAX)
        return;
    weir_log(WEIR_LOG_INFO, "a reload waits for a generation to drain",
             WEIR_KV_DURATION("at_most", weir_seconds(RELOAD_ROOM_S)));
    processes_await_room(&s->processes, weir_after(weir_seconds(RELOAD_ROOM_S)));
}

int reload_run(void *arg)
{
    struct supervisor *s = arg;
    struct reloads *r = &s->reloads;
    int err = 0;

    while (err == 0) {
        uint64_t asked;

        if (r->asked == r->done) {
            err = wait_for_wish(s);
            continue;
        }
        wait_for_room(s);
        asked = r->asked;
        weir_buffer_clear(&r->said.text);
        r->said.err = 0;
        r->result = reload(s, &r->said);
        r->done = asked;
        weir_event_set(&r->finished);
        slim_down();
        err = weir_sleep(weir_ms(RELOAD_PAUSE_MS));
    }
    return 0;
}

void reload_ask(struct supervisor *s)
{
    s->reloads.asked++;
    weir_event_set(&s->reloads.wanted);
    if (s->phase == SUPERVISOR_RELOADING)
        processes_lose_patience(&s->processes, weir_after_ms(RELOAD_PATIENCE_MS));
}

/* Waits for the outcome of a request; not for ever while a first generation crashes again and again.
 * Returns: 0; -EAGAIN nothing is in force yet; the scope's code. */
static int wait_for_outcome(struct supervisor *s, uint64_t mine)
{
    struct reloads *r = &s->reloads;
    const bool early = s->phase == SUPERVISOR_STARTING;
    weir_scope scope;
    int err = 0;

    weir_scope_open(&scope, early ? weir_after(weir_seconds(RELOAD_START_S)) : weir_never(), 0);
    while (err == 0 && r->done < mine && !r->closed) {
        weir_event_reset(&r->finished);
        err = weir_event_wait(&r->finished);
    }
    if (err < 0 && weir_scope_expired(&scope))
        err = s->phase == SUPERVISOR_STARTING ? -EAGAIN : 0;
    (void)weir_scope_close(&scope);
    return err;
}

int reload_now(struct supervisor *s, struct text_out *out)
{
    struct reloads *r = &s->reloads;
    uint64_t mine;
    int err = 0;

    if (!s->processes.ending && !r->closed) {
        reload_ask(s);
        mine = r->asked;
        while (err == 0 && r->done < mine && !r->closed)
            err = wait_for_outcome(s, mine);
        if (err == -EAGAIN) {
            text_out_printf(out, "%s\n", starts);
            return -WEIR_ECLOSED;
        }
        if (err < 0)
            return err;
        if (r->done >= mine) {
            text_out_bytes(out, (const char *)r->said.text.data, r->said.text.len);
            return r->result;
        }
    }
    text_out_printf(out, "%s\n", drains);
    return -WEIR_ECLOSED;
}
