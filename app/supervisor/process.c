/* SPDX-License-Identifier: MIT */
#include "supervisor/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/guard.h>
#include <weir/log.h>
#include <weir/task.h>

#include "gateway/handed.h"
#include "metrics/cells_left.h"
#include "supervisor/folder.h"

enum { HEAR_OUT_MS = 500, TELL_MS = 1000, ARGUMENTS_BYTES = 8192, NONSENSE_LOGGED = 3 };

void gateway_process_init(struct gateway_process *p, const struct process_place *place,
                          struct in_force *in_force, const int *listeners)
{
    *p = (struct gateway_process){.place = place,
                                  .in_force = in_force,
                                  .listeners = listeners,
                                  .member = -1,
                                  .counts = -1,
                                  .since = weir_now()};
    weir_event_init(&p->silent);
}

static void enter(struct gateway_process *p, enum process_state state)
{
    p->state = state;
    p->since = weir_now();
    weir_event_set(p->place->changed);
}

static weir_kv number_of(const struct gateway_process *p)
{
    return p->in_force->config.processes > 1 ? WEIR_KV_INT("process", p->number) : weir_kv_none();
}

/* --- what it says --- */

static void hear_fault(struct gateway_process *p, const char *text)
{
    if (p->faults != NULL)
        text_out_printf(p->faults, "%s\n", text);
    else
        weir_log(WEIR_LOG_ERROR, "a gateway process cannot serve the configuration in force", number_of(p),
                 WEIR_KV("fault", text));
}

/* It heeds signals now. */
static void become_ready(struct gateway_process *p)
{
    enter(p, PROCESS_READY);
    if (p->owed != 0)
        (void)weir_process_signal(p->process, p->owed);
    p->owed = 0;
}

static void hear(void *arg, enum control_word word, const char *text)
{
    struct gateway_process *p = arg;

    if (word == CONTROL_READY) {
        p->was_ready = true;
        if (p->state == PROCESS_STARTING)
            become_ready(p);
    } else if (word == CONTROL_FAULT) {
        hear_fault(p, text);
    } else if (word == CONTROL_CUT) {
        p->cut = (unsigned)strtoul(text, NULL, 10);
    } else if (p->nonsense++ < NONSENSE_LOGGED) {
        weir_log(WEIR_LOG_WARN, "a gateway process says what its supervisor does not understand",
                 number_of(p), WEIR_KV_INT("pid", p->pid),
                 WEIR_KV_BYTES("line", ((weir_bytes){text, strnlen(text, 200)})));
    }
}

static int hear_all(void *arg)
{
    struct gateway_process *p = arg;
    char bytes[1024];
    ssize_t n;

    while ((n = weir_read(p->control, bytes, sizeof bytes)) > 0)
        control_take(&p->heard, bytes, (size_t)n, hear, p);
    weir_event_set(&p->silent);
    return 0;
}

/* Of a simulated process, which has no socket, the lines that it prints. */
static void hear_simulated(void *arg, bool is_error, const char *line, size_t length)
{
    struct gateway_process *p = arg;

    (void)is_error;
    control_take(&p->heard, line, length, hear, p);
    control_take(&p->heard, "\n", 1, hear, p);
}

/* Hears what was said before the end. A process of the process may keep the socket open. */
static void hear_out(struct gateway_process *p)
{
    weir_scope scope;

    if (p->control == NULL)
        return;
    weir_scope_open(&scope, weir_after_ms(HEAR_OUT_MS), 0);
    (void)!weir_event_wait(&p->silent);
    (void)weir_scope_close(&scope);
    weir_stream_close(p->control);
    p->control = NULL;
}

/* --- starting --- */

/* Makes the control socket. other: its end for the process. */
static int open_control(struct gateway_process *p, int *other)
{
    int pair[2];
    int err;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    err = weir_stream_of_fd(pair[0], &p->control);
    if (err < 0) {
        (void)close(pair[0]);
        (void)close(pair[1]);
        return err;
    }
    *other = pair[1];
    return 0;
}

static size_t hand_over(const struct gateway_process *p, int control, weir_process_fd *fds)
{
    size_t count = 0;

    if (control >= 0)
        fds[count++] = (weir_process_fd){control, HANDED_CONTROL_FD};
    fds[count++] = (weir_process_fd){p->in_force->text, HANDED_CONFIG_FD};
    fds[count++] = (weir_process_fd){p->place->shared, HANDED_SHARED_FD};
    if (p->counts >= 0)
        fds[count++] = (weir_process_fd){p->counts, HANDED_COUNTS_FD};
    for (size_t i = 0; i < p->in_force->config.listen_count; i++)
        fds[count++] = (weir_process_fd){p->listeners[i], HANDED_LISTENER_FD + (int)i};
    return count;
}

static int simulate(void *arg, weir_simulated_process *self)
{
    const struct gateway_process *p = arg;

    return p->place->simulate(p->place->arg, self);
}

static int execute(struct gateway_process *p, weir_scope *life, int control)
{
    const struct handed handed = {.file = p->place->file,
                                  .folder = p->place->folder,
                                  .member = p->member,
                                  .number = p->number,
                                  .generation = p->generation,
                                  .listeners = p->in_force->config.listen_count};
    weir_process_fd fds[HANDED_LISTENER_FD + p->in_force->config.listen_count];
    const char *argv[HANDED_ARGUMENTS_MAX];
    char text[ARGUMENTS_BYTES];
    const weir_process_options options = {
        .argv = argv,
        .program = "/proc/self/exe", /* also when the file has been replaced: both speak the same language */
        .name = "gateway",
        .fds = fds,
        .fd_count = hand_over(p, control, fds),
        .output = p->place->simulate != NULL ? WEIR_PROCESS_LINES : WEIR_PROCESS_INHERIT,
        .line = p->place->simulate != NULL ? hear_simulated : NULL,
        .grace = weir_ms(PROCESS_HURRY_MS),
        .simulate = p->place->simulate != NULL ? simulate : NULL,
        .arg = p,
    };
    int err = handed_write(&handed, argv, text, sizeof text);

    return err < 0 ? err : weir_process_start(life, &options, &p->process);
}

/* Makes what a process needs before it starts: its folder, a socket to it, memory for its counters. */
static int prepare(struct gateway_process *p, int *control)
{
    weir_guard_allow briefly;
    int err;

    weir_guard_allow_begin(&briefly, NULL);
    err = folder_restore(p->place->folder);
    weir_guard_allow_end(&briefly);
    if (err == 0)
        err = open_control(p, control);
    return err == 0 ? p->counts = cells_left_make() : err;
}

static int start(struct gateway_process *p, weir_scope *life)
{
    int control = -1;
    int err = p->place->simulate == NULL ? prepare(p, &control) : 0;

    if (err > 0)
        err = 0;
    if (err == 0)
        err = execute(p, life, control);
    if (control >= 0)
        (void)close(control);
    if (err == 0)
        p->pid = weir_process_id(p->process);
    if (err == 0 && p->control != NULL)
        err = weir_spawn(life, "control", hear_all, p);
    else if (p->control != NULL)
        weir_event_set(&p->silent);
    return err;
}

/* --- its end --- */

/* Waits for the end, until an instant or until the process is to leave, or to hurry. */
static int await_end(struct gateway_process *p, weir_instant until, weir_process_end *end)
{
    weir_scope attention;
    int err;

    weir_scope_open(&attention, until, 0);
    p->attention = &attention;
    err = weir_process_wait(p->process, end);
    p->attention = NULL;
    (void)weir_scope_close(&attention);
    return err;
}

/* Returns: 0: it has ended by itself; < 0: it is to leave, or did not get ready in time. */
static int serve(struct gateway_process *p, weir_process_end *end)
{
    int err =
        p->leaves ? -WEIR_ECANCELED : await_end(p, weir_after(weir_seconds(PROCESS_READY_WITHIN_S)), end);

    if (err == -WEIR_EDEADLINE && p->was_ready && !p->leaves)
        err = await_end(p, weir_never(), end);
    return err;
}

static weir_duration patience(const struct gateway_process *p)
{
    const weir_duration drain = p->in_force->config.drain;

    if (!p->was_ready)
        return weir_ms(PROCESS_LEAVE_MS);
    return (weir_duration){drain.ns + weir_ms(PROCESS_DRAIN_MARGIN_MS).ns};
}

/* Tells of it, for a moment: others tell before, and it may have to hurry. */
static void tell_of_leaving(struct gateway_process *p)
{
    weir_scope attention;

    if (!p->was_ready || p->hurried || p->place->leaves == NULL)
        return;
    weir_scope_open(&attention, weir_after_ms(TELL_MS), 0);
    p->attention = &attention;
    p->place->leaves(p->place->leaves_arg, p);
    p->attention = NULL;
    (void)weir_scope_close(&attention);
}

/* Ends a process that is to leave: asks, asks again when it is to hurry, kills. */
static void end_process(struct gateway_process *p, weir_process_end *end)
{
    int err = -WEIR_EDEADLINE;

    enter(p, PROCESS_LEAVING);
    (void)weir_process_signal(p->process, SIGTERM);
    tell_of_leaving(p);
    if (!p->hurried)
        err = await_end(p, weir_after(patience(p)), end);
    if (err < 0 && p->hurried) {
        (void)weir_process_signal(p->process, SIGINT); /* the kernel would make one of two SIGTERM */
        err = await_end(p, weir_after_ms(PROCESS_HURRY_MS), end);
    }
    if (err < 0)
        (void)weir_process_stop(p->process, (weir_duration){-1}, end);
}

/* --- what is said of its end --- */

static void log_left(const struct gateway_process *p, const weir_process_end *end)
{
    char text[WEIR_PROCESS_END_BYTES];
    const bool failed = end->status != 0;

    weir_log(failed || p->cut > 0 ? WEIR_LOG_WARN : WEIR_LOG_INFO,
             failed       ? "a gateway process did not drain"
             : p->cut > 0 ? "a gateway process has cut off exchanges"
                          : "a gateway process has drained",
             number_of(p), WEIR_KV_INT("pid", p->pid), WEIR_KV_INT("generation", p->generation),
             failed ? WEIR_KV("how", weir_process_end_text(end, text)) : weir_kv_none(),
             p->cut > 0 ? WEIR_KV_INT("exchanges", p->cut) : weir_kv_none(),
             p->cut > 0 ? WEIR_KV("why", p->hurried ? "it was to end at once" : "its time to drain was over")
                        : weir_kv_none(),
             WEIR_KV_DURATION("took", weir_between(p->since, weir_now())));
}

/* Notes an end that was not asked for. how: in words. */
static void note_failure(struct gateway_process *p, const char *how)
{
    snprintf(p->last_end, sizeof p->last_end, "%s", how);
    if (p->faults == NULL)
        return;
    if (p->faults->text.len == 0)
        text_out_printf(p->faults, "%s: a gateway process did not get ready: %s\n", p->place->file, how);
}

/* Says that there is no process. Returns: false: the next start would lack the same. */
static bool could_not_start(char how[WEIR_PROCESS_END_BYTES], int err)
{
    snprintf(how, WEIR_PROCESS_END_BYTES, "it could not be started: %s", weir_error_text(err));
    return false;
}

/* --- one life --- */

static void pass_counts_on(struct gateway_process *p)
{
    if (p->counts >= 0 && p->place->ended != NULL)
        p->place->ended(p->place->leaves_arg, p, p->counts);
    else if (p->counts >= 0)
        (void)close(p->counts);
    p->counts = -1;
}

/* Runs one process from its start to its end. how: how it ended by itself; "": it left. */
static void live(struct gateway_process *p, char how[WEIR_PROCESS_END_BYTES])
{
    weir_process_end end = {0};
    weir_scope life;
    int err;

    weir_event_reset(&p->silent);
    p->heard.used = 0;
    p->nonsense = p->cut = 0;
    p->was_ready = false;
    p->crashed = true;
    p->pid = 0;
    enter(p, PROCESS_STARTING);
    p->owed = 0;
    weir_scope_open(&life, weir_never(), WEIR_COLLECT);
    err = start(p, &life);
    if (err < 0)
        p->crashed = could_not_start(how, err);
    else if ((err = serve(p, &end)) == 0)
        p->crashed = weir_process_end_text(&end, how) != NULL && end.signal != 0;
    else if (!p->leaves)
        snprintf(how, WEIR_PROCESS_END_BYTES, "not ready after %d s", PROCESS_READY_WITHIN_S);
    if (err < 0 && p->process != NULL)
        end_process(p, &end);
    hear_out(p);
    (void)weir_scope_close(&life);
    if (p->leaves && p->was_ready && err < 0)
        log_left(p, &end);
    pass_counts_on(p);
    p->process = NULL;
}

static void pause_before_the_next(struct gateway_process *p, const char *how, weir_duration pause)
{
    weir_scope attention;

    p->restarts++;
    ++*p->place->restarts;
    weir_log(WEIR_LOG_ERROR, "a gateway process has ended, and is started again", number_of(p),
             WEIR_KV_INT("pid", p->pid), WEIR_KV("how", how), WEIR_KV_DURATION("in", pause));
    p->pid = 0;
    enter(p, PROCESS_PAUSING);
    weir_scope_open(&attention, weir_never(), 0);
    p->attention = &attention;
    (void)weir_sleep(pause);
    p->attention = NULL;
    (void)weir_scope_close(&attention);
}

/* Waits for a number of its own. Returns: false: it is to leave. */
static bool take_member(struct gateway_process *p)
{
    while (!p->leaves && (p->member = members_take(p->place->members)) < 0) {
        weir_event_reset(p->place->changed);
        if (weir_event_wait(p->place->changed) < 0)
            return false;
    }
    return !p->leaves;
}

int gateway_process_run(void *arg)
{
    struct gateway_process *p = arg;
    struct backing_off backing_off = {0};

    while (take_member(p)) {
        char how[WEIR_PROCESS_END_BYTES] = "";

        live(p, how);
        members_give(p->place->members, p->member);
        p->member = -1;
        if (p->leaves)
            break;
        note_failure(p, how);
        if (p->faults != NULL)
            break;
        pause_before_the_next(p, how, backing_off_next(&backing_off));
    }
    if (p->member >= 0)
        members_give(p->place->members, p->member);
    p->member = -1;
    p->pid = 0;
    enter(p, PROCESS_OVER);
    return 0;
}

/* --- from outside --- */

static void interrupt(struct gateway_process *p)
{
    if (p->attention != NULL)
        weir_scope_cancel(p->attention);
}

void gateway_process_leave(struct gateway_process *p)
{
    if (p->leaves)
        return;
    p->leaves = true;
    interrupt(p);
    weir_event_set(p->place->changed); /* one that waits for a number */
}

void gateway_process_hurry(struct gateway_process *p)
{
    p->leaves = true;
    if (p->hurried)
        return;
    p->hurried = true;
    interrupt(p);
    weir_event_set(p->place->changed);
}

void gateway_process_signal(struct gateway_process *p, int number)
{
    if (p->process == NULL)
        return;
    if (p->state == PROCESS_READY || (p->state == PROCESS_LEAVING && p->was_ready))
        (void)weir_process_signal(p->process, number);
    else if (p->state == PROCESS_STARTING)
        p->owed = number;
}
