/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/log.h>
#include <weir/task.h>

#include "admin/admin_pages.h"
#include "admin/last_totals.h"
#include "admin/many.h"

/* One that has not answered yet may take longer: a page without its figures would say that there are none. */
enum { SILENCES_TOLD = 2, ENDING_MS = 2000, FIRST_MS = 1000 };

void many_pause(void)
{
    (void)weir_yield(); /* a cancel is noticed by the next wait */
}

/* --- the processes that there are --- */

static struct many_process *find(struct admin_of_many *admin, pid_t pid)
{
    for (size_t i = 0; i < ADMIN_PROCESSES_MAX; i++)
        if (admin->processes[i].used && admin->processes[i].is.pid == pid)
            return &admin->processes[i];
    return NULL;
}

static struct many_process *find_or_add(struct admin_of_many *admin, const struct admin_process *is)
{
    struct many_process *process = find(admin, is->pid);

    for (size_t i = 0; i < ADMIN_PROCESSES_MAX && process == NULL; i++)
        if (!admin->processes[i].used) {
            process = &admin->processes[i];
            *process = (struct many_process){.used = true, .answered = weir_now(), .exchanges = -1};
        }
    if (process != NULL)
        process->is = *is;
    return process;
}

static size_t place_of(const struct admin_of_many *admin, const struct many_process *process)
{
    return (size_t)(process - admin->processes);
}

/* A process has ended: takes what it has left, and gives its place up. counts: the memory of what it has
 * counted; -1: none. Returns: false: this was cancelled. */
static bool end(struct admin_of_many *admin, struct many_process *process, int counts)
{
    struct sums *sums = joined_sums(admin->joined);
    weir_buffer totals;
    int err;

    weir_buffer_init(&totals, TOTALS_BYTES_MAX);
    err = last_totals_take(process->is.address, process->is.pid, counts, &totals);
    if (err == -WEIR_ECANCELED) { /* the next round does it */
        weir_buffer_free(&totals);
        return false;
    }
    if (err == 0 && sums_take(sums, place_of(admin, process), process->is.number, &totals) < 0)
        weir_log(WEIR_LOG_WARN, "what a gateway process has counted last cannot be read",
                 WEIR_KV_INT("pid", process->is.pid));
    weir_buffer_free(&totals);
    sums_end(sums, place_of(admin, process));
    *process = (struct many_process){0};
    return true;
}

/* Takes what those have left that have ended; others may end meanwhile. */
static void take_ended(struct admin_of_many *admin)
{
    while (admin->ended_count > 0) {
        const struct many_ended ended = admin->ended_since[0];
        struct many_process *process = find_or_add(admin, &ended.is);
        if (process != NULL && !end(admin, process, ended.counts))
            return;
        (void)close(ended.counts);
        admin->ended_count--;
        memmove(admin->ended_since, admin->ended_since + 1, admin->ended_count * sizeof ended);
    }
}

/* Takes what the supervisor lists. */
static void match(struct admin_of_many *admin)
{
    for (size_t i = 0; i < ADMIN_PROCESSES_MAX; i++)
        admin->processes[i].listed = false;
    for (size_t i = 0; i < admin->listed; i++) {
        struct many_process *process = find(admin, admin->list[i].pid);
        if (process != NULL)
            process->listed = true;
    }
    for (size_t i = 0; i < ADMIN_PROCESSES_MAX; i++) /* those that are new may need the places */
        if (admin->processes[i].used && !admin->processes[i].listed)
            (void)end(admin, &admin->processes[i], -1);
    for (size_t i = 0; i < admin->listed; i++)
        if (admin->list[i].pid > 0)
            (void)find_or_add(admin, &admin->list[i]);
}

static void list_processes(struct admin_of_many *admin)
{
    struct joined_processes seen = {.restarts = admin->supervisor.restarts(admin->supervisor.arg)};

    take_ended(admin);
    admin->listed = admin->supervisor.processes(admin->supervisor.arg, admin->list, ADMIN_PROCESSES_MAX);
    match(admin);
    for (size_t i = 0; i < admin->listed; i++) {
        const struct admin_process *is = &admin->list[i];
        const struct many_process *process = is->pid > 0 ? find(admin, is->pid) : NULL;
        seen.ready += is->ready && !is->draining;
        seen.draining += is->draining;
        seen.starting += !is->ready && !is->draining;
        seen.silent += process != NULL && process->err < 0;
    }
    joined_set_processes(admin->joined, &seen);
}

/* Keeps those of the list that answer pages. */
static size_t keep_askable(struct admin_process *list, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (list[i].address[0] != '\0' && list[i].pid > 0 && (list[i].ready || list[i].draining))
            list[kept++] = list[i];
    return kept;
}

/* --- what they say --- */

static int exchanges_of(const struct admin_of_many *admin, const struct many_process *process)
{
    const struct sum_row *row = sums_first(joined_sums(admin->joined), TOTALS_GATEWAY);
    struct totals_row read;

    for (size_t place = 0; row != NULL && sums_each_living(joined_sums(admin->joined), row, &place, &read);)
        if (place - 1 == place_of(admin, process))
            return (int)read.values[GATEWAY_EXCHANGES];
    return -1;
}

static int take(struct admin_of_many *admin, struct many_process *process, const struct asked *asked)
{
    weir_buffer totals;
    int err = asked->err == 0 && asked->status != 200 ? -WEIR_EPROTOCOL : asked->err;

    weir_buffer_init(&totals, TOTALS_BYTES_MAX);
    if (err == 0)
        err = weir_buffer_append(&totals, asked->reply.body, asked->reply.body_bytes);
    if (err == 0)
        err = sums_take(joined_sums(admin->joined), place_of(admin, process), process->is.number, &totals);
    weir_buffer_free(&totals);
    return err;
}

/* Whether this is what a process does that has just ended, before its supervisor knows. */
static bool is_ending(const struct many_process *process, int err)
{
    const bool refused = err == -ENOENT || err == -ECONNREFUSED || err == -ECONNRESET || err == -EPIPE ||
                         err == -WEIR_ETRUNCATED;

    return refused && weir_between(process->answered, weir_now()).ns < ENDING_MS * INT64_C(1000000);
}

/* Logs when a process has not answered twice in a row (once is what one that ends or begins does), and when
 * it answers again. */
static void note_answer(struct admin_of_many *admin, struct many_process *process, int err)
{
    if (is_ending(process, err))
        return;
    process->silences = err < 0 ? process->silences + 1 : process->silences;
    if (err < 0 && process->silences == SILENCES_TOLD)
        weir_log(WEIR_LOG_WARN, "a gateway process does not tell its figures",
                 WEIR_KV_INT("pid", process->is.pid), WEIR_KV("err", weir_error_text(err)));
    else if (err == 0 && process->silences >= SILENCES_TOLD)
        weir_log(WEIR_LOG_INFO, "a gateway process tells its figures again",
                 WEIR_KV_INT("pid", process->is.pid));
    process->err = err;
    if (err < 0)
        return;
    process->silences = 0;
    process->answered = weir_now();
    process->has_answered = true;
    process->exchanges = exchanges_of(admin, process);
}

static bool all_have_answered(struct admin_of_many *admin, const struct admin_process *list, size_t count)
{
    bool all = true;

    for (size_t i = 0; i < count; i++) {
        const struct many_process *process = find(admin, list[i].pid);
        all = all && (process == NULL || process->has_answered);
    }
    return all;
}

/* Asks those of the list that answer; the list and the places may change meanwhile. */
static int ask_all(struct admin_of_many *admin, const struct admin_process *list, size_t count)
{
    const weir_duration within = weir_ms(all_have_answered(admin, list, count) ? ASKING_MS : FIRST_MS);
    int err;

    for (size_t i = 0; i < count; i++)
        admin->asked[i] = (struct asked){.process = &list[i]};
    err = asking_all(admin->client, admin->asked, count, ADMIN_TOTALS_PATH, within, TOTALS_BYTES_MAX);
    for (size_t i = 0; i < count && err == 0; i++) {
        struct many_process *process = find(admin, list[i].pid);
        if (process != NULL)
            note_answer(admin, process, take(admin, process, &admin->asked[i]));
        err = weir_yield();
    }
    asking_free(admin->asked, count);
    return err;
}

int many_round(struct admin_of_many *admin, weir_instant since)
{
    int err;

    if (admin->round.ns > since.ns)
        return 0;
    admin->round = weir_now();
    list_processes(admin);
    err = ask_all(admin, admin->list, keep_askable(admin->list, admin->listed));
    list_processes(admin); /* one may have ended meanwhile, or have stopped to answer */
    return err;
}

void many_ask_one(struct admin_of_many *admin, const struct admin_process *process)
{
    if (process->address[0] != '\0' && find_or_add(admin, process) != NULL)
        (void)ask_all(admin, process, 1);
}

/* --- other pages --- */

bool many_is_silent(const struct admin_of_many *admin, const struct admin_process *process)
{
    for (size_t i = 0; i < ADMIN_PROCESSES_MAX; i++)
        if (admin->processes[i].used && admin->processes[i].is.pid == process->pid)
            return admin->processes[i].err < 0;
    return false;
}

/* What is asked, and which processes are. */
struct asking {
    struct asked asked[ADMIN_PROCESSES_MAX];
    struct admin_process list[ADMIN_PROCESSES_MAX];
};

int many_list(struct admin_of_many *admin, struct asked **out)
{
    struct asking *asking = calloc(1, sizeof *asking);
    size_t count;

    *out = NULL;
    if (asking == NULL)
        return -ENOMEM;
    count = admin->supervisor.processes(admin->supervisor.arg, asking->list, ADMIN_PROCESSES_MAX);
    count = keep_askable(asking->list, count);
    for (size_t i = 0; i < count; i++)
        asking->asked[i].process = &asking->list[i];
    *out = asking->asked;
    return (int)count;
}

int many_ask(struct admin_of_many *admin, const char *path, weir_duration within, uint64_t bytes_max,
             struct asked **out)
{
    int count = many_list(admin, out), err = 0;

    if (count > 0)
        err = asking_all(admin->client, *out, (size_t)count, path, within, bytes_max / (uint64_t)count);
    if (err == 0)
        return count;
    many_free(*out, count);
    *out = NULL;
    return err;
}

void many_free(struct asked *asked, int count)
{
    if (asked == NULL)
        return;
    asking_free(asked, (size_t)count);
    free(asked); /* the beginning of a struct asking */
}

/* Process ids, for a header. */
struct pids {
    char text[ADMIN_PROCESSES_MAX * 12 + 1];
    size_t used;
};

static void add_pid(struct pids *pids, pid_t pid)
{
    pids->used += (size_t)snprintf(pids->text + pids->used, sizeof pids->text - pids->used, "%s%d",
                                   pids->used > 0 ? ", " : "", (int)pid);
}

static int tell_silent(weir_response *res, const struct pids *pids)
{
    return pids->used > 0 ? weir_response_header_add(res, "x-weir-silent", pids->text) : 0;
}

int many_tell_silent(weir_response *res, const struct asked *asked, int count)
{
    struct pids pids = {0};

    for (int i = 0; i < count; i++)
        if (asked[i].err < 0 || asked[i].status != 200)
            add_pid(&pids, asked[i].process->pid);
    return tell_silent(res, &pids);
}

int many_tell_silent_of_round(weir_response *res, const struct admin_of_many *admin)
{
    struct pids pids = {0};

    for (size_t i = 0; i < ADMIN_PROCESSES_MAX; i++)
        if (admin->processes[i].used && admin->processes[i].err < 0)
            add_pid(&pids, admin->processes[i].is.pid);
    return tell_silent(res, &pids);
}
