/* SPDX-License-Identifier: MIT */
#include "outliers/outlier_json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/json.h>
#include <weir/pool.h>
#include <weir/version.h>

#include "outliers/instances_asked.h"
#include "routes/attempts_text.h"
#include "routes/gather_note.h"
#include "routes/proxy_note.h"
#include "text/hidden.h"

static double ms(weir_duration d)
{
    return (double)d.ns / 1e6;
}

static void add_ms(struct text_out *out, const char *name, weir_duration d)
{
    text_out_printf(out, ",\"%s\":%.3f", name, ms(d));
}

/* --- what a list shows --- */

static const weir_charge *largest(const struct outlier_facts *facts)
{
    const weir_charge *found = NULL;

    for (size_t i = 0; i < facts->charge_count; i++)
        if (found == NULL || facts->charges[i].share.ns > found->share.ns)
            found = &facts->charges[i];
    return found;
}

static void add_mostly(struct text_out *out, const weir_charge *charge)
{
    char label[WEIR_CHARGE_LABEL_BYTES];

    if (charge == NULL) {
        text_out_add(out, ",\"mostly\":null");
        return;
    }
    text_out_add(out, ",\"mostly\":{\"what\":");
    text_out_json(out, weir_charge_label(charge, label));
    add_ms(out, "ms", charge->share);
    text_out_add(out, "}");
}

/* A target as the access log writes it; a very long one is cut. */
static void add_target(struct text_out *out, const char *target)
{
    const size_t length = strnlen(target, OUTLIER_TARGET_BYTES + 1);
    const bool cut = length > OUTLIER_TARGET_BYTES;

    text_out_add(out, ",\"target\":");
    if (out->err == 0)
        out->err = weir_json_append_string(&out->text, target, cut ? OUTLIER_TARGET_BYTES : length);
    text_out_printf(out, ",\"target_is_cut\":%s", cut ? "true" : "false");
}

static void add_line(struct outlier *o, const weir_exchange_record *record, const struct outlier_facts *facts)
{
    struct text_out *out = &o->text;
    char target[HIDDEN_TARGET_BYTES];

    o->line_at = out->text.len;
    text_out_printf(out, "\"id\":\"%s\",\"ended\":%.6f", o->id, (double)o->ended_ns / 1e9);
    text_out_json_member(out, "route", record->route);
    text_out_json_member(out, "method", record->method);
    add_target(out, hidden_target(facts->config->access_log.hide, record->target, target));
    text_out_printf(out, ",\"status\":%d", record->status);
    add_ms(out, "took_ms", record->took);
    text_out_json_member(out, "reason", request_outlier_reasons[facts->reason]);
    add_ms(out, "limit_ms", facts->limit);
    add_mostly(out, largest(facts));
    o->line_bytes = out->text.len - o->line_at;
}

/* --- where its time went --- */

static void add_charge(struct text_out *out, const weir_charge *charge)
{
    char label[WEIR_CHARGE_LABEL_BYTES];

    text_out_add(out, "{\"what\":");
    text_out_json(out, weir_charge_label(charge, label));
    text_out_json_member(out, "category", weir_charge_category_name(charge->category));
    text_out_json_member(out, "name", charge->name);
    add_ms(out, "share_ms", charge->share);
    add_ms(out, "took_ms", charge->took);
    text_out_printf(out, ",\"waits\":%llu", (unsigned long long)charge->waits);
    text_out_json_member(out, "held_by", charge->held_by);
    text_out_json_member(out, "held_route", charge->held_route);
    if (charge->held_by != NULL)
        add_ms(out, "held_ms", charge->held);
    text_out_add(out, "}");
}

static void add_ledger(struct text_out *out, const struct outlier_facts *facts)
{
    text_out_add(out, ",\"ledger\":[");
    for (size_t i = 0; i < facts->charge_count; i++) {
        text_out_add(out, i > 0 ? "," : "");
        add_charge(out, &facts->charges[i]);
    }
    text_out_add(out, "]");
}

/* --- its calls of backends --- */

static bool is_of_backend(const weir_charge *charge)
{
    return charge->category >= WEIR_CHARGE_BACKEND && charge->category <= WEIR_CHARGE_TLS;
}

/* It has waited while the first attempt did. */
static bool is_of_hedge(const char *name)
{
    static const char suffix[] = " (hedge)";
    const size_t len = strlen(name), end = sizeof suffix - 1;

    return len > end && strcmp(name + len - end, suffix) == 0;
}

/* How long all calls of a name waited for their backend, with the connection; < 0: the ledger does not say.
 * name NULL: calls of any name, but for hedges. */
static weir_duration took_by_name(const struct outlier_facts *facts, const char *name)
{
    weir_duration took = {-1};

    for (size_t i = 0; i < facts->charge_count; i++) {
        const weir_charge *charge = &facts->charges[i];
        if (is_of_backend(charge) && (name == NULL ? charge->name == NULL || !is_of_hedge(charge->name)
                                                   : charge->name != NULL && strcmp(charge->name, name) == 0))
            took.ns = (took.ns < 0 ? 0 : took.ns) + charge->took.ns;
    }
    return took;
}

/* The ledger has the calls of one backend together. */
static weir_duration took_of(const struct outlier_facts *facts, const struct gather_settings *settings,
                             size_t at)
{
    const struct gather_call *call = &settings->calls[at];

    if (call->backend == NULL)
        return took_by_name(facts, call->name);
    for (size_t i = 0; i < settings->call_count; i++)
        if (i != at && settings->calls[i].backend == call->backend)
            return (weir_duration){-1};
    return took_by_name(facts, call->backend->options.name);
}

static void add_took(struct text_out *out, weir_duration took)
{
    if (took.ns >= 0)
        add_ms(out, "took_ms", took);
    else
        text_out_add(out, ",\"took_ms\":null");
}

static void add_attempts(struct text_out *out, const weir_attempts_made *made)
{
    char text[ATTEMPTS_TEXT_BYTES];

    if (!attempts_were_made(made)) {
        text_out_add(out, ",\"attempts\":null");
        return;
    }
    text_out_printf(out, ",\"attempts\":{\"made\":%u,\"taken\":%u", made->made, made->taken);
    text_out_json_member(out, "last", weir_attempt_kind_name(made->last));
    add_ms(out, "after_ms", made->last_after);
    text_out_json_member(out, "text", attempts_text(text, made));
    text_out_add(out, "}");
}

/* A call that found no instance is known by its waits alone. */
static weir_duration took_of_end(const struct outlier_facts *facts, const struct gather_note *note, size_t i)
{
    return note->ends[i].took.ns > 0 ? note->ends[i].took : took_of(facts, note->settings, i);
}

static void add_gather_call(struct text_out *out, const struct outlier_facts *facts,
                            const struct gather_note *note, size_t i, const char *instance)
{
    const struct gather_call *call = &note->settings->calls[i];
    const struct gather_call_end *end = &note->ends[i];
    const bool failed = end->end != GATHER_OK && end->end != GATHER_STATUS;

    text_out_add(out, i > 0 ? ",{\"name\":" : "{\"name\":");
    text_out_json(out, call->name);
    text_out_json_member(out, "backend", call->backend != NULL ? call->backend->options.name : NULL);
    text_out_json_member(out, "origin", call->backend == NULL ? call->url.origin : NULL);
    text_out_json_member(out, "instance", *instance != '\0' ? instance : NULL);
    text_out_printf(out, ",\"status\":%u", end->status);
    text_out_json_member(out, "error", failed ? gather_end_text((enum gather_end)end->end) : NULL);
    add_ms(out, "began_ms", weir_between(facts->began, note->began));
    add_took(out, took_of_end(facts, note, i));
    add_attempts(out, &end->attempts);
    text_out_add(out, "}");
}

static void add_gather_calls(struct text_out *out, const struct outlier_facts *facts,
                             const struct gather_note *note)
{
    instance_address *instances = instances_asked(note, facts->runtime);

    for (size_t i = 0; i < note->settings->call_count; i++)
        add_gather_call(out, facts, note, i, instances != NULL ? instances[i] : "");
    free(instances);
}

/* A request that is passed on has one call. note NULL: its backend has answered, at the first attempt. */
static void add_passed_on(struct text_out *out, const struct outlier_facts *facts,
                          const struct proxy_note *note, int status)
{
    static const struct proxy_note fine;
    const char *backend = NULL;

    if (note == NULL)
        note = &fine;
    for (size_t i = 0; i < facts->charge_count && backend == NULL; i++)
        if (is_of_backend(&facts->charges[i]))
            backend = facts->charges[i].name;
    text_out_add(out, "{\"name\":null");
    text_out_json_member(out, "backend", backend);
    text_out_printf(out, ",\"status\":%d", note->failed == NULL ? status : 0);
    text_out_json_member(out, "error", note->failed);
    text_out_json_member(out, "why", note->why);
    add_took(out, took_by_name(facts, NULL));
    add_attempts(out, &note->attempts);
    text_out_add(out, "}");
}

static void add_calls(struct text_out *out, const struct outlier_facts *facts,
                      const weir_exchange_record *record)
{
    const void *note = record->note;

    text_out_add(out, ",\"calls\":[");
    if (route_note_is(note, ROUTE_NOTE_GATHER)) {
        add_gather_calls(out, facts, note);
    } else if (route_note_is(note, ROUTE_NOTE_PROXY) || took_by_name(facts, NULL).ns >= 0) {
        add_passed_on(out, facts, note, record->status);
    }
    text_out_add(out, "]");
}

/* --- what was around it --- */

struct listing {
    struct text_out *out;
    bool any;
};

static void add_pool(void *arg, weir_pool *pool)
{
    struct listing *l = arg;
    weir_pool_stats stats;

    weir_pool_stats_get(pool, &stats, NULL, NULL);
    text_out_add(l->out, l->any ? ",{\"name\":" : "{\"name\":");
    text_out_json(l->out, stats.name);
    text_out_printf(l->out,
                    ",\"queued\":%d,\"queue_max\":%d,\"running\":%d,\"workers\":%d,\"workers_max\":%d}",
                    stats.queued, stats.queue_max, stats.running, stats.workers, stats.workers_max);
    l->any = true;
}

static void add_pools(struct text_out *out, weir_runtime *runtime)
{
    struct listing l = {.out = out};

    text_out_add(out, ",\"pools\":[");
    if (runtime != NULL)
        weir_pool_each(runtime, add_pool, &l);
    text_out_add(out, "]");
}

static void add_end(struct text_out *out, const weir_exchange_record *record,
                    const struct outlier_facts *facts)
{
    char trace[WEIR_TRACE_ID_BYTES];

    text_out_printf(out, ",\"complete\":%s", record->complete ? "true" : "false");
    text_out_json_member(out, "refused", record->refused);
    text_out_json_member(out, "trace",
                         facts->trace != NULL ? weir_trace_format_id(facts->trace, trace) : NULL);
    text_out_printf(out, ",\"request_bytes\":%llu,\"reply_bytes\":%llu",
                    (unsigned long long)record->request_bytes, (unsigned long long)record->reply_bytes);
}

void outlier_json_begin(struct outlier *o, const weir_exchange_record *record,
                        const struct outlier_facts *facts)
{
    struct text_out *out = &o->text;

    text_out_printf(out, "{\"version\":%d,\"kind\":\"weir outlier\",", OUTLIER_VERSION);
    add_line(o, record, facts);
    text_out_printf(out, ",\"began\":%.6f", (double)o->began_ns / 1e9);
    add_end(out, record, facts);
    add_ledger(out, facts);
    add_calls(out, facts, record);
    add_pools(out, facts->runtime);
    text_out_printf(out, ",\"loop\":%d,\"pid\":%d", o->loop, (int)getpid());
    if (facts->runtime != NULL) /* as text: not every reader has numbers of 64 bits */
        text_out_printf(out, ",\"seed\":\"%llu\"", (unsigned long long)weir_runtime_seed(facts->runtime));
    text_out_json_member(out, "weir", weir_version());
    text_out_json_member(out, "config", facts->config->digest);
}

void outlier_json_end(struct outlier *o)
{
    text_out_add(&o->text, "}");
}
