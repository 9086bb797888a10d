/* SPDX-License-Identifier: MIT */
#include "watch/tree/task_view.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fence.h"
#include "core/account/activity.h"
#include "core/loop.h"
#include "core/scope.h"

/* TRIES: readings of a record while its task comes, goes or moves on. After PATIENT_TRIES the task need not
 * lie still; the last reading is taken as it is. */
enum { TRIES = 8, PATIENT_TRIES = 4 };

/* The fields that are compared to detect a change. */
struct marks {
    uint64_t id;
    uint32_t runs, names;
    void *sp;
};

static struct marks marks_of(struct weir__task *t)
{
    struct marks m;

    m.id = atomic_load_explicit(&t->id, memory_order_acquire);
    m.runs = atomic_load_explicit(&t->runs, memory_order_acquire);
    m.names = atomic_load_explicit(&t->names, memory_order_acquire);
    m.sp = atomic_load_explicit(&t->sp, memory_order_acquire);
    return m;
}

static struct marks marks_after(struct weir__task *t)
{
    weir__fence(memory_order_acquire);
    return marks_of(t);
}

static bool lay_still(const struct marks *before, const struct marks *after)
{
    return before->sp != NULL && after->sp == before->sp && after->runs == before->runs &&
           after->id == before->id;
}

/* The time by the clock of a loop, from any thread. */
static int64_t now_of(const struct weir__look *look, const struct weir__loop *loop)
{
    int64_t now_ns;

    if (loop->heartbeat.virtual_ns == NULL)
        return weir__clock_monotonic_ns();
    return weir__peek(&look->peek, loop->heartbeat.virtual_ns, &now_ns, sizeof now_ns) ? now_ns : 0;
}

/* --- the parts --- */

static bool read_name(const struct weir__look *look, const struct weir__task *record, struct weir__task *copy,
                      struct weir__task_view *out)
{
    if (copy->name != record->own_name)
        return weir__peek_text(&look->peek, copy->name, out->name, sizeof out->name);
    copy->own_name[sizeof copy->own_name - 1] = '\0';
    (void)snprintf(out->name, sizeof out->name, "%s", copy->own_name);
    return true;
}

/* Reads the scope the task was spawned in, and the owner of that. */
static bool read_home(const struct weir__look *look, const struct weir__task *copy, struct weir__scope *home,
                      struct weir__task_view *out)
{
    if (!weir__peek(&look->peek, copy->home, home, sizeof *home))
        return false;
    out->home = home->id;
    out->owner = home->owner;
    out->parent = 0;
    return home->owner == NULL ||
           weir__peek(&look->peek, weir__peek_at(home->owner, id), &out->parent, sizeof out->parent);
}

/* Reads the scopes of the task, from the innermost out to the one it was spawned in. */
static bool read_scopes(const struct weir__look *look, const struct weir__task *record,
                        const struct weir__task *copy, const struct weir__scope *home,
                        struct weir__task_view *out)
{
    const struct weir__scope *at = copy->scope;
    unsigned n = 0;

    while (at != copy->home && n < WEIR__TASK_VIEW_SCOPES_MAX) {
        struct weir__scope s;
        if (!weir__peek(&look->peek, at, &s, sizeof s) || s.owner != record || s.loop != copy->loop ||
            (n > 0 && s.id >= out->scopes[n - 1].id))
            return false;
        out->scopes[n++] = (struct weir__scope_view){
            .id = s.id, .deadline_ns = s.deadline_ns, .cause = s.cause, .live = s.live};
        at = s.parent;
    }
    out->scope_count = n;
    out->deadline_ns = n > 0 ? out->scopes[0].deadline_ns : home->deadline_ns;
    return true;
}

static bool read_route(const struct weir__look *look, const struct weir__task *copy,
                       struct weir__task_view *out)
{
    struct weir__activity activity;

    out->route[0] = '\0';
    if (copy->activity == NULL)
        return true;
    return weir__peek(&look->peek, copy->activity, &activity, sizeof activity) &&
           (activity.route == NULL ||
            weir__peek_text(&look->peek, activity.route, out->route, sizeof out->route));
}

/* Puts the name in front that the task has given to its waits: "postgres: readable 7". */
static void read_charge(const struct weir__look *look, const struct weir__task *copy,
                        struct weir__task_view *out)
{
    char name[WEIR__TASK_VIEW_TEXT_BYTES], words[WEIR__WAIT_WORDS_BYTES];

    if (!copy->attribution.is_shown || copy->attribution.name == NULL ||
        !weir__peek_text(&look->peek, copy->attribution.name, name, sizeof name))
        return;
    (void)snprintf(words, sizeof words, "%.40s: %.140s", name, out->wait.text);
    memcpy(out->wait.text, words, sizeof words);
}

static void read_wait(const struct weir__look *look, const struct weir__task *copy,
                      struct weir__task_view *out)
{
    out->wait.queue = NULL;
    out->wait.text[0] = '\0';
    if (copy->state != WEIR__TASK_PARKED)
        return;
    if (copy->wait->describe == NULL || !copy->wait->describe(look, copy, &out->wait)) {
        out->wait.queue = NULL;
        (void)snprintf(out->wait.text, sizeof out->wait.text, "%s", copy->wait->words);
    }
    read_charge(look, copy, out);
}

static void read_stack(const struct weir__look *look, const struct weir__task *record, const void *sp,
                       struct weir__task_view_room room, struct weir__task_view *out)
{
    uintptr_t low = (uintptr_t)sp, base = (uintptr_t)record;

    out->sp = low;
    out->stack_bytes = 0;
    if (low < base && base - low <= room.room && weir__peek(&look->peek, sp, room.stack, base - low))
        out->stack_bytes = base - low;
}

/* --- the whole --- */

enum outcome { GONE, MOVED, SEEN };

/* Views a task that lay still. The copy is known to be right, so its pointers can be followed. */
static enum outcome see_still(const struct weir__look *look, struct weir__task *record,
                              struct weir__task *copy, const struct marks *before,
                              struct weir__task_view_room room, struct weir__task_view *out)
{
    struct marks after;
    struct weir__scope home;
    bool good;

    good = read_home(look, copy, &home, out) && read_scopes(look, record, copy, &home, out);
    if (!read_name(look, record, copy, out))
        (void)strcpy(out->name, "?");
    if (!read_route(look, copy, out))
        out->route[0] = '\0';
    read_wait(look, copy, out);
    read_stack(look, record, before->sp, room, out);
    out->state = copy->state == WEIR__TASK_PARKED ? WEIR__TASK_VIEW_PARKED : WEIR__TASK_VIEW_READY;
    after = marks_after(record);
    if (after.id != before->id)
        return GONE;
    return good && lay_still(before, &after) ? SEEN : MOVED;
}

static void forget_scopes(struct weir__task_view *out, const struct weir__scope *home)
{
    out->scope_count = 0;
    out->deadline_ns = home->deadline_ns;
}

/* Views a task that runs, or has run meanwhile: what changes is read twice. last: there is no further try. */
static enum outcome see_moving(const struct weir__look *look, struct weir__task *record,
                               struct weir__task *copy, const struct marks *before, bool last,
                               struct weir__task_view *out)
{
    struct weir__task again;
    struct marks after;
    struct weir__scope home;
    bool has_home = read_home(look, copy, &home, out);
    bool has_name = read_name(look, record, copy, out);
    bool has_route = read_route(look, copy, out);

    if (!has_home)
        return MOVED;
    if (!read_scopes(look, record, copy, &home, out))
        forget_scopes(out, &home);
    if (!weir__peek(&look->peek, record, &again, sizeof again))
        return GONE;
    after = marks_after(record);
    if (after.id != before->id)
        return GONE;
    if (again.scope != copy->scope)
        forget_scopes(out, &home);
    if (!has_route || again.activity != copy->activity)
        out->route[0] = '\0';
    has_name = has_name && before->names % 2 == 0 && after.names == before->names && again.name == copy->name;
    if (!has_name)
        (void)strcpy(out->name, "?");
    out->wait = (struct weir__wait_words){.queue = NULL};
    out->stack_bytes = 0;
    out->state = WEIR__TASK_VIEW_RUNNING;
    return has_name || last ? SEEN : MOVED;
}

static enum outcome see(struct weir__look *look, struct weir__task *record, int tries,
                        struct weir__task_view_room room, struct weir__task_view *out)
{
    struct marks before = marks_of(record), after;
    struct weir__task copy;

    if (before.id == 0 || !weir__peek(&look->peek, record, &copy, sizeof copy))
        return GONE;
    after = marks_after(record);
    if (after.id != before.id)
        return GONE;
    out->id = before.id;
    out->created_ns = copy.created_ns;
    out->spawned_at = copy.spawned_at;
    look->now_ns = now_of(look, copy.loop);
    if (before.sp != NULL && tries < PATIENT_TRIES)
        return lay_still(&before, &after) ? see_still(look, record, &copy, &before, room, out) : MOVED;
    return see_moving(look, record, &copy, &before, tries == TRIES - 1, out);
}

bool weir__task_view_take(struct weir__look *look, struct weir__task *record,
                          struct weir__task_view_room room, struct weir__task_view *out)
{
    weir__peek_near(&look->peek, record);
    for (int i = 0; i < TRIES; i++) {
        switch (see(look, record, i, room, out)) {
        case SEEN:
            return true;
        case GONE:
            if (atomic_load_explicit(&record->id, memory_order_relaxed) == 0)
                return false;
            break; /* another task has taken its place */
        case MOVED:
            if (i >= PATIENT_TRIES)
                sched_yield(); /* its thread may have lost the CPU halfway */
            break;
        }
    }
    return false;
}
