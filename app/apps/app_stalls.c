/* SPDX-License-Identifier: MIT */
#include "apps/app_stalls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/log.h>

enum { HELD_KINDS = APP_STARVED + 1, FRAME_TEXT_BYTES = 192, STACK_TEXT_BYTES = 1200 };

static const int64_t second_ns = 1000000000, interval_most_ns = 600 * second_ns, long_ns = 5 * second_ns;

/* A place where processes were held. */
struct place {
    struct app_stall latest;
    uint64_t id, count;
    int64_t held_max_ns;
    int64_t first_ns;                      /* of the wall clock */
    int64_t log_again_ns, log_interval_ns; /* of the wall clock; 0: no line yet */
};

/* The sums of an application; those of applications that have gone stay, since counters never decrease. */
struct totals {
    char app[CONFIG_APP_NAME_BYTES + 1];
    uint64_t count[HELD_KINDS];
    int64_t held_ns[HELD_KINDS];
};

struct app_stalls {
    struct place *places[APP_STALLS_KEPT]; /* the latest first; NULL at the end */
    struct totals totals[CONFIG_APPS_MAX];
    size_t totals_count;
    uint64_t last_id;
};

int app_stalls_new(struct app_stalls **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? 0 : -ENOMEM;
}

void app_stalls_free(struct app_stalls *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < APP_STALLS_KEPT; i++)
        free(s->places[i]);
    free(s);
}

/* --- words --- */

static const char *file_and_line(const struct app_frame *frame, char out[FRAME_TEXT_BYTES])
{
    if (frame->line > 0)
        (void)snprintf(out, FRAME_TEXT_BYTES, "%s:%d", frame->file, frame->line);
    else
        (void)snprintf(out, FRAME_TEXT_BYTES, "%s", frame->file);
    return out;
}

static const struct app_frame *culprit(const struct app_stack *stack)
{
    static const struct app_frame nothing;

    return stack->depth > 0 ? &stack->frames[stack->culprit] : &nothing;
}

static const char *task_of(const struct app_stall *stall, char out[APP_TEXT_BYTES])
{
    (void)snprintf(out, APP_TEXT_BYTES, "%s[%u]", stall->app, stall->number);
    return out;
}

static const char *culprit_text(const struct app_stall *stall, char *out, size_t room)
{
    char place[FRAME_TEXT_BYTES];
    const struct app_frame *frame = culprit(&stall->stack);

    out[0] = '\0';
    if (stall->stack.depth > 0)
        (void)snprintf(out, room, " by %s%s%s", file_and_line(frame, place),
                       frame->function[0] != '\0' ? " " : "", frame->function);
    return out;
}

static const char *others_text(const struct app_stall *stall, char *out, size_t room)
{
    out[0] = '\0';
    if (stall->others == 1)
        (void)snprintf(out, room, ", or the one beside it,");
    else if (stall->others > 1)
        (void)snprintf(out, room, ", or one of %d beside it,", stall->others);
    return out;
}

const char *app_stall_text(const struct app_stall *stall, char out[APP_STALL_TEXT_BYTES])
{
    char task[APP_TEXT_BYTES], others[64], by[2 * FRAME_TEXT_BYTES], late[64] = "";

    if (stall->late > 0)
        (void)snprintf(late, sizeof late, ", %llu request%s late by it", (unsigned long long)stall->late,
                       stall->late == 1 ? "" : "s");
    (void)snprintf(out, APP_STALL_TEXT_BYTES, "%s%s held %lld ms%s%s in %s (%s)%s",
                   stall->request[0] != '\0' ? stall->request : "a request",
                   others_text(stall, others, sizeof others), (long long)(stall->held_ns / 1000000),
                   stall->ongoing ? " so far" : "", culprit_text(stall, by, sizeof by), task_of(stall, task),
                   app_held_name(stall->how), late);
    return out;
}

static void stack_text(const struct app_stack *stack, char *out, size_t room)
{
    char place[FRAME_TEXT_BYTES];
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < stack->depth && used < room; i++) {
        int n = snprintf(out + used, room - used, "%s%s %s", i > 0 ? " < " : "", stack->frames[i].function,
                         file_and_line(&stack->frames[i], place));
        used += n > 0 ? (size_t)n : 0;
    }
}

void app_stall_log(const struct app_stall *stall)
{
    char message[APP_STALL_TEXT_BYTES], stack[STACK_TEXT_BYTES];
    weir_kv kvs[] = {WEIR_KV("app", stall->app), WEIR_KV_INT("pid", stall->pid), weir_kv_none()};

    stack_text(&stall->stack, stack, sizeof stack);
    if (stack[0] != '\0')
        kvs[2] = WEIR_KV("stack", stack);
    weir_log_write(WEIR_LOG_WARN, app_stall_text(stall, message), kvs, sizeof kvs / sizeof *kvs);
}

/* --- places --- */

static bool is_at(const struct place *place, const struct app_stall *stall)
{
    const struct app_frame *a = culprit(&place->latest.stack), *b = culprit(&stall->stack);

    return place->latest.how == stall->how && strcmp(place->latest.app, stall->app) == 0 &&
           a->line == b->line && strcmp(a->file, b->file) == 0 && strcmp(a->function, b->function) == 0;
}

/* The place at this index, moved to the front; where there is none, the last one is used anew. */
static struct place *to_front(struct app_stalls *s, size_t at)
{
    struct place *place = s->places[at];

    memmove(&s->places[1], &s->places[0], at * sizeof *s->places);
    s->places[0] = place;
    return place;
}

/* Returns: NULL: no memory. */
static struct place *place_for(struct app_stalls *s, const struct app_stall *stall)
{
    size_t at = 0;

    while (at < APP_STALLS_KEPT && s->places[at] != NULL && !is_at(s->places[at], stall))
        at++;
    if (at < APP_STALLS_KEPT && s->places[at] != NULL)
        return to_front(s, at);
    if (at == APP_STALLS_KEPT)
        at--;
    if (s->places[at] == NULL)
        s->places[at] = malloc(sizeof *s->places[at]);
    if (s->places[at] == NULL)
        return NULL;
    *s->places[at] = (struct place){.id = ++s->last_id, .first_ns = stall->at_ns};
    return to_front(s, at);
}

static struct place *place_of(const struct app_stalls *s, uint64_t id)
{
    for (size_t i = 0; i < APP_STALLS_KEPT && s->places[i] != NULL; i++)
        if (s->places[i]->id == id)
            return s->places[i];
    return NULL;
}

/* --- sums --- */

/* Returns: NULL: there were too many applications. */
static struct totals *totals_of(struct app_stalls *s, const char *app)
{
    for (size_t i = 0; i < s->totals_count; i++)
        if (strcmp(s->totals[i].app, app) == 0)
            return &s->totals[i];
    if (s->totals_count == CONFIG_APPS_MAX)
        return NULL;
    (void)snprintf(s->totals[s->totals_count].app, sizeof s->totals[0].app, "%s", app);
    return &s->totals[s->totals_count++];
}

void app_stalls_totals_each(const struct app_stalls *s,
                            void (*fn)(void *arg, const char *app, const char *kind, uint64_t count,
                                       int64_t held_ns),
                            void *arg)
{
    for (size_t i = 0; i < s->totals_count; i++)
        for (int how = APP_COMPUTING; how < HELD_KINDS; how++)
            if (s->totals[i].count[how] > 0)
                fn(arg, s->totals[i].app, app_held_name((enum app_held)how), s->totals[i].count[how],
                   s->totals[i].held_ns[how]);
}

/* --- a stall --- */

static int64_t wall_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * second_ns + now.tv_nsec;
}

/* A stall is told when it has ended, so that the line has its length; a long one before that, too. */
static bool line_is_due(struct place *place, const struct app_stall *stall)
{
    const int64_t now_ns = wall_ns();

    if ((stall->ongoing && stall->held_ns < long_ns) || now_ns < place->log_again_ns)
        return false;
    if (place->log_again_ns == 0 || now_ns - place->log_again_ns > interval_most_ns)
        place->log_interval_ns = second_ns;
    else if (place->log_interval_ns < interval_most_ns / 2)
        place->log_interval_ns *= 2;
    else
        place->log_interval_ns = interval_most_ns;
    place->log_again_ns = now_ns + place->log_interval_ns;
    return true;
}

bool app_stalls_note(struct app_stalls *s, const struct app_stall *stall, uint64_t *id)
{
    struct totals *totals = totals_of(s, stall->app);
    struct place *place = *id == 0 ? place_for(s, stall) : place_of(s, *id);

    if (totals != NULL && *id == 0)
        totals->count[stall->how]++;
    if (totals != NULL && !stall->ongoing)
        totals->held_ns[stall->how] += stall->held_ns;
    if (place == NULL) {
        *id = UINT64_MAX; /* counted, and not kept */
        return false;
    }
    if (*id == 0)
        place->count++;
    *id = place->id;
    place->latest = *stall;
    if (place->held_max_ns < stall->held_ns)
        place->held_max_ns = stall->held_ns;
    return line_is_due(place, stall);
}

/* --- the page --- */

static void write_stack(struct text_out *out, const struct app_stack *stack)
{
    char place[FRAME_TEXT_BYTES], frame[2 * FRAME_TEXT_BYTES];

    text_out_add(out, ",\"stack\":[");
    for (size_t i = 0; i < stack->depth; i++) {
        (void)snprintf(frame, sizeof frame, "%s%s%s", stack->frames[i].function,
                       stack->frames[i].function[0] != '\0' ? " " : "",
                       file_and_line(&stack->frames[i], place));
        text_out_add(out, i > 0 ? "," : "");
        text_out_json(out, frame);
    }
    text_out_add(out, "]");
}

static void write_place(struct text_out *out, const struct place *place)
{
    const struct app_stall *stall = &place->latest;
    char task[APP_TEXT_BYTES], text[APP_STALL_TEXT_BYTES];

    text_out_add(out, "{\"task\":");
    text_out_json(out, task_of(stall, task));
    text_out_json_member(out, "route", stall->request[0] != '\0' ? stall->request : NULL);
    text_out_json_member(out, "app", stall->app);
    text_out_printf(
        out,
        ",\"pid\":%d,\"loop\":null,\"scope\":null,\"spawned_at\":null,\"held_ms\":%.3f,\"held_max_ms\":%.3f",
        (int)stall->pid, (double)stall->held_ns / 1e6, (double)place->held_max_ns / 1e6);
    text_out_printf(out, ",\"kind\":\"%s\",\"ongoing\":%s", app_held_name(stall->how),
                    stall->ongoing ? "true" : "false");
    write_stack(out, &stall->stack);
    text_out_json_member(out, "hint", NULL);
    text_out_json_member(out, "text", app_stall_text(stall, text));
    text_out_printf(out, ",\"late\":%llu,\"count\":%llu,\"first\":%.3f,\"last\":%.3f}",
                    (unsigned long long)stall->late, (unsigned long long)place->count,
                    (double)place->first_ns / 1e9, (double)stall->at_ns / 1e9);
}

void app_stalls_write(const struct app_stalls *s, struct text_out *out)
{
    for (size_t i = 0; i < APP_STALLS_KEPT && s->places[i] != NULL; i++) {
        text_out_add(out, i > 0 ? "," : "");
        write_place(out, s->places[i]);
    }
}
