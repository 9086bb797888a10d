/* SPDX-License-Identifier: MIT */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/log.h>
#include <weir/task.h>

#include "gateway/early_end.h"
#include "gateway/memory_limits.h"
#include "gateway/start_check.h"
#include "gateway/start_limits.h"
#include "http/listening.h"
#include "supervisor/answers.h"
#include "supervisor/log_lines.h"
#include "supervisor/orphans.h"
#include "supervisor/reload.h"
#include "supervisor/slimming.h"
#include "supervisor/state.h"

enum {
    SHARED_BYTES = 512 << 20, /* for 256 backends of five generations, and RATE_PLACES rates; unused
                                 pages do not exist */
    SAID_BYTES_MAX = 48 << 10
};

/* --- signals --- */

static void heed(struct supervisor *s, int number)
{
    if (number == SIGTERM || number == SIGINT)
        supervisor_end(s);
    else if (number == SIGHUP && s->asked > 0)
        weir_log(WEIR_LOG_WARN, "SIGHUP has no effect: the gateway drains");
    else if (number == SIGHUP)
        reload_ask(s);
    else if (number == SIGUSR1)
        processes_signal(&s->processes, SIGUSR1);
    else if (number == SIGUSR2)
        weir_log(WEIR_LOG_INFO, "SIGUSR2 has no effect");
    else
        orphans_reap();
}

/* Tells systemd that this loop runs, and that a gateway process is ready. */
static int feed_watchdog(void *arg)
{
    struct supervisor *s = arg;
    int err = 0;

    while (err == 0) {
        if (s->phase != SUPERVISOR_SERVING || processes_serve(&s->processes))
            notify_watchdog(s->notify);
        err = weir_sleep(notify_watchdog_every(s->notify));
    }
    return 0;
}

/* Has systemd told what its socket had no room for. */
static int tell_again(void *arg)
{
    struct supervisor *s = arg;
    int err = 0;

    while (err == 0) {
        notify_again(s->notify);
        err = weir_sleep(weir_seconds(1));
    }
    return 0;
}

static int heed_signals(struct supervisor *s)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD};
    weir_signals signals;
    weir_scope scope;
    int number, err = weir_signals_open(&signals, numbers, sizeof numbers / sizeof *numbers);

    if (err < 0)
        return err;
    weir_scope_open(&scope, weir_never(), 0);
    s->heeding = &scope;
    if (s->notify != NULL)
        (void)weir_spawn(&scope, "notify", tell_again, s);
    if (notify_watchdog_every(s->notify).ns > 0)
        (void)weir_spawn(&scope, "watchdog", feed_watchdog, s);
    orphans_reap(); /* those that ended before */
    while ((number = weir_signals_wait(&signals)) > 0)
        heed(s, number);
    s->heeding = NULL;
    (void)weir_scope_close(&scope);
    weir_signals_close(&signals);
    return 0;
}

/* --- serving --- */

/* Says why the first generation did not get ready, and waits before the next start. Returns: < 0: it is to
 * end. */
static int try_again(struct supervisor *s, weir_duration pause)
{
    weir_scope scope;
    int err;

    log_lines("a gateway process is started again", &s->said);
    weir_buffer_clear(&s->said.text);
    weir_scope_open(&scope, weir_after(pause), 0);
    err = weir_event_wait(&s->drains);
    (void)weir_scope_close(&scope);
    return err == 0 ? -WEIR_ECANCELED : 0;
}

/* Starts the first generation: again and again while its processes crash or hang, but not when they say what
 * is wrong. */
static int start(struct supervisor *s, int *listeners)
{
    struct backing_off backing_off = {0};
    struct generation *generation;
    int err;

    for (;;) {
        err = processes_start(&s->processes, s->in_force, listeners, &s->said, &generation);
        if (err != -EAGAIN)
            break;
        if (try_again(s, backing_off_next(&backing_off)) < 0)
            return -WEIR_ECANCELED;
    }
    if (err < 0)
        return err;
    processes_put_in_force(&s->processes, generation);
    supervisor_announce(s, &s->in_force->config, listeners);
    if (s->asked > 0)
        return 0;
    s->phase = SUPERVISOR_SERVING;
    notify_ready(s->notify, "serving");
    return 0;
}

static void fault_admin(struct supervisor *s, int err)
{
    const struct config_address *admin = s->in_force->config.admin;
    char text[FAULT_TEXT_BYTES];

    if (admin == NULL)
        text_out_printf(&s->said, "weir serve: %s: %s\n", s->file, weir_error_text(err));
    else
        text_out_printf(&s->said, "%s:%u:%u: %s\n", s->file, admin->place.line, admin->place.column,
                        address_fault(text, sizeof text, admin, "admin", err));
}

static int open_admin(struct supervisor *s)
{
    const struct admin_supervisor answers = supervisor_answers(s);
    int err = 0;

    if (s->options->simulate == NULL)
        err = admin_of_many_open(s->processes.scope, &s->in_force->config, &answers, &s->admin);
    if (err < 0)
        fault_admin(s, err);
    else
        s->admin_in_force = in_force_hold(s->in_force);
    return err;
}

static int start_all(struct supervisor *s)
{
    int err = open_admin(s);

    if (err < 0)
        return err;
    applications_prepare(&s->applications, &s->in_force->config, &s->asked);
    return start(s, s->first);
}

static int serve(void *arg)
{
    struct supervisor *s = arg;
    weir_scope reloading;

    if (start_all(s) == 0) {
        slim_down();
        weir_scope_open(&reloading, weir_never(), 0);
        (void)weir_spawn(&reloading, "reload", reload_run, s);
        (void)!weir_event_wait(&s->drains);
        processes_await(&s->processes);
        weir_scope_leave(&reloading);
    } else {
        s->code = s->asked > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        processes_drain(&s->processes);
    }
    processes_await(&s->processes);
    applications_end(&s->applications);
    reloads_end(&s->reloads);
    admin_of_many_close(s->admin);
    in_force_release(s->admin_in_force);
    if (s->heeding != NULL)
        weir_scope_cancel(s->heeding);
    return 0;
}

static int run_beside(void *arg)
{
    struct supervisor *s = arg;

    return s->options->beside(s->options->arg, s);
}

static void expel(void *arg, int member)
{
    struct supervisor *s = arg;

    if (s->applications.apps != NULL)
        apps_expel(s->applications.apps, member);
}

static int open_applications(struct supervisor *s, weir_scope *scope)
{
    const struct apps_place place = {.folder = s->folder.path,
                                     .shared = s->shared,
                                     .simulate = s->options->simulate,
                                     .arg = s->options->arg};

    return applications_open(&s->applications, scope, &place);
}

/* A process has been asked to end. */
static void retire(void *arg, const struct gateway_process *p)
{
    struct supervisor *s = arg;
    struct admin_process process;

    if (s->admin == NULL)
        return;
    processes_describe(p, &process);
    admin_of_many_retire(s->admin, &process);
}

/* A process has ended. */
static void keep_counts(void *arg, const struct gateway_process *p, int counts)
{
    struct supervisor *s = arg;
    struct admin_process process;

    if (s->admin == NULL) {
        (void)close(counts);
        return;
    }
    processes_describe(p, &process);
    admin_of_many_ended(s->admin, &process, counts);
}

static void open_processes(struct supervisor *s, weir_scope *scope)
{
    const struct process_place place = {.file = s->file,
                                        .folder = s->folder.path,
                                        .shared = s->shared_fd,
                                        .leaves = retire,
                                        .ended = keep_counts,
                                        .leaves_arg = s,
                                        .simulate = s->options->simulate,
                                        .arg = s->options->arg};

    processes_init(&s->processes, scope, &place, s->shared);
    s->processes.members.expel = expel;
    s->processes.members.arg = s;
}

static int run_in(struct supervisor *s, weir_scope *scope)
{
    int err;

    open_processes(s, scope);
    err = weir_spawn(scope, "serving", serve, s);
    if (err == 0 && s->options->beside != NULL)
        err = weir_spawn(scope, "beside", run_beside, s);
    if (err == 0)
        err = heed_signals(s);
    if (err < 0)
        supervisor_end(s);
    return err;
}

static int run(void *arg)
{
    struct supervisor *s = arg;
    weir_scope scope;
    int err;

    weir_event_init(&s->drains);
    reloads_open(&s->reloads);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    err = open_applications(s, &scope);
    if (err == 0)
        err = run_in(s, &scope);
    if (err < 0)
        applications_hurry(&s->applications);
    (void)weir_scope_close(&scope);
    reloads_close(&s->reloads);
    return err;
}

/* --- before and after --- */

static void say_failure(struct supervisor *s, const char *what, int err)
{
    s->code = EXIT_FAILURE;
    text_out_printf(&s->said, "weir serve: %s: %s: %s\n", s->file, what, weir_error_text(err));
}

static void say(void *arg, const char *line)
{
    text_out_printf(arg, "%s\n", line);
}

/* Adds the faults that a gateway process would find, since none is started. */
static void find_others(const struct supervisor *s, struct config_faults *faults)
{
    const struct start_options options = {
        .listen_key = "listen", .admin_key = "admin", .root = "", .flags = START_INHERITS};
    struct start_findings *found = malloc(sizeof *found);

    if (found == NULL)
        return;
    if (start_check(&s->in_force->config, s->options->file, &options, found) < 0)
        for (size_t i = 0; i < found->faults.count; i++)
            config_fault(faults, found->faults.fault[i].place, "%s", found->faults.fault[i].text);
    free(found);
}

static int open_listeners(struct supervisor *s, struct config_faults *faults)
{
    struct start_addresses addresses;
    int err = listeners_resolve(&s->in_force->config, faults, &addresses);

    if (err == 0)
        err = listeners_open(s->listeners, &addresses, s->first);
    start_addresses_close(&addresses);
    if (err == -WEIR_ECONFIG)
        find_others(s, faults);
    return err;
}

/* Reads the file and opens the listeners. */
static int prepare(struct supervisor *s)
{
    struct config_faults faults;
    int err;

    config_faults_open(&faults, s->file);
    err = in_force_read(s->file, &faults, &s->in_force);
    if (err == 0) {
        weir_log_configure(config_log_level(&s->in_force->config),
                           s->in_force->config.log == CONFIG_LOG_JSON);
        s->listeners = listeners_new();
        s->first = calloc(s->in_force->config.listen_count, sizeof *s->first);
        err = s->listeners != NULL && s->first != NULL ? 0 : -ENOMEM;
    }
    if (err == 0)
        err = open_listeners(s, &faults);
    if (err == -WEIR_ECONFIG)
        config_faults_each(&faults, true, say, &s->said);
    return err;
}

static int make_room(struct supervisor *s)
{
    int err = folder_make(&s->folder);

    if (err < 0)
        return err;
    err = weir_shared_make(SHARED_BYTES, &s->shared_fd);
    return err < 0 ? err : weir_shared_open(s->shared_fd, 0, &s->shared);
}

static int run_loop(struct supervisor *s)
{
    const struct config *config = &s->in_force->config;
    const weir_options options = {
        .io = s->options->simulate != NULL ? WEIR_IO_SIM : WEIR_IO_EPOLL, /* few descriptors */
        .seed = s->options->seed,
        .log_json = config->log == CONFIG_LOG_JSON,
        .log_level = config_log_level(config),
    };

    return weir_run(&options, run, s);
}

static void clear(struct supervisor *s)
{
    folder_remove(&s->folder);
    weir_shared_close(s->shared);
    if (s->shared_fd >= 0)
        (void)close(s->shared_fd);
    listeners_free(s->listeners);
    notify_free(s->notify);
    free(s->announced != NULL ? s->announced : s->first);
    in_force_release(s->in_force);
    if (s->said.text.len > 0)
        (void)fwrite(s->said.text.data, 1, s->said.text.len, stderr);
    weir_buffer_free(&s->said.text);
}

int supervisor_run(const struct supervisor_options *options)
{
    struct supervisor s = {.options = options, .file = options->file, .shared_fd = -1, .code = EXIT_SUCCESS};
    int err;

    end_early();
    text_out_init(&s.said, SAID_BYTES_MAX);
    memory_limits_trim();
    (void)mallopt(M_ARENA_MAX, 1);
    start_raise_files();
    orphans_adopt();
    s.notify = notify_new();
    err = prepare(&s);
    if (err == 0)
        err = config_guard_apply(&s.in_force->config.guard);
    if (err == -WEIR_ECONFIG)
        s.code = EXIT_FAILURE;
    else if (err < 0)
        say_failure(&s, "it cannot be started", err);
    if (err == 0 && (err = make_room(&s)) < 0)
        say_failure(&s, "a folder for sockets, or shared memory, cannot be made", err);
    if (err == 0 && (err = run_loop(&s)) < 0)
        say_failure(&s, "it cannot be started", err);
    clear(&s);
    return s.code;
}
