/* SPDX-License-Identifier: MIT */
#include "admin/findings_backends.h"

#include <math.h>

static const double few_refused = 0.01; /* of a backend's requests; fewer are no incident */

enum { INSTANCES_NAMED = 3 };

/* --- pieces --- */

static uint64_t requests_of(const struct finding_backend *f)
{
    return f->backend->requests.last[LAST_60S].numbers[BACKEND_REQUESTS];
}

static uint64_t refused_of(const struct finding_backend *f, enum weir_backend_refusal refusal)
{
    return f->backend->requests.last[LAST_60S].numbers[BACKEND_REFUSED + (int)refusal];
}

double finding_weight(const struct finding_backend *f, const struct findings_input *in)
{
    const uint64_t all = in->refused.requests > 0 ? in->refused.requests : 1;
    const double share = finding_at_most_1(finding_share(requests_of(f), all));

    return share > 0.001 ? share : 0.001;
}

static double seconds_since(weir_instant then, weir_instant now)
{
    const double seconds = (double)weir_between(then, now).ns / 1e9;

    return seconds > 0 ? round(seconds) : 0;
}

struct finding *finding_of_backend(struct finding_list *list, const struct finding_backend *f, double impact)
{
    const char *name = f->backend->options->name;
    struct finding *finding = finding_add(list, "backend", name, impact);

    if (finding == NULL)
        return NULL;
    finding_say(finding, f->routes[0] != '\0' ? "%s (%s): " : "%s: ", name, f->routes);
    return finding;
}

static size_t count_in(const struct snapshot_backend *b, bool (*is)(const struct snapshot_instance *i))
{
    size_t count = 0;

    for (size_t i = 0; i < b->instance_count; i++)
        count += is(&b->instances[i]);
    return count;
}

/* Says " 10.0.0.7:7101 for 12 s (connection refused), …" of the instances that are so. */
static void say_instances(struct finding *out, const struct finding_backend *f, weir_instant now,
                          bool (*is)(const struct snapshot_instance *i),
                          const char *(*why)(const struct snapshot_instance *i))
{
    size_t named = 0, count = count_in(f->backend, is);

    for (size_t i = 0; i < f->backend->instance_count && named < INSTANCES_NAMED; i++) {
        const struct snapshot_instance *instance = &f->backend->instances[i];
        if (!is(instance))
            continue;
        finding_say(out, "%s%s for %.0f s", named > 0 ? ", " : "", instance->address,
                    seconds_since(instance->since, now));
        if (why(instance) != NULL)
            finding_say(out, " (%s)", why(instance));
        named++;
    }
    if (count > named)
        finding_say(out, ", and %zu more", count - named);
}

static void number_instances(struct finding *out, const struct finding_backend *f)
{
    finding_number(out, "instances", (double)snapshot_backend_instances(f->backend));
    finding_number(out, "up", (double)snapshot_backend_up(f->backend));
}

/* --- instances that are not used --- */

static bool is_down(const struct snapshot_instance *i)
{
    return i->state == WEIR_INSTANCE_DOWN || i->state == WEIR_INSTANCE_PROBING;
}

static bool is_ejected(const struct snapshot_instance *i)
{
    return i->state == WEIR_INSTANCE_EJECTED;
}

static const char *why_down(const struct snapshot_instance *i)
{
    return i->state == WEIR_INSTANCE_PROBING ? "its latest check was good" : i->last_check;
}

static const char *why_ejected(const struct snapshot_instance *i)
{
    return i->last_error;
}

static double unused_share(const struct finding_backend *f, size_t count)
{
    return (double)count / (double)(f->backend->instance_count > 0 ? f->backend->instance_count : 1);
}

static void find_down(struct finding_list *list, const struct finding_backend *f,
                      const struct findings_input *in)
{
    const size_t count = count_in(f->backend, is_down);
    const char *path = f->backend->options->health.path;
    struct finding *out;

    if (count == 0)
        return;
    out = finding_of_backend(list, f, finding_weight(f, in) * unused_share(f, count));
    if (out == NULL)
        return;
    finding_say(out, "%zu of %zu instances %s by the health checks (GET %s): ", count,
                snapshot_backend_instances(f->backend), count == 1 ? "is down" : "are down",
                path != NULL ? path : "");
    say_instances(out, f, in->now, is_down, why_down);
    finding_say(out,
                ". No requests are sent there while others are up: see why the instance does not answer, "
                "or take it out of urls");
    finding_number(out, "down", (double)count);
    number_instances(out, f);
}

static void find_ejected(struct finding_list *list, const struct finding_backend *f,
                         const struct findings_input *in)
{
    const size_t count = count_in(f->backend, is_ejected);
    struct finding *out;

    if (count == 0)
        return;
    out = finding_of_backend(list, f, finding_weight(f, in) * unused_share(f, count));
    if (out == NULL)
        return;
    finding_say(out, "%zu of %zu instances %s ejected after %d failures in a row: ", count,
                snapshot_backend_instances(f->backend), count == 1 ? "is" : "are",
                f->backend->options->eject.after);
    say_instances(out, f, in->now, is_ejected, why_ejected);
    finding_say(
        out,
        ". %s: look at the log of the instance; it is asked again after a while, and after twice as "
        "long each time",
        f->backend->options->health.path != NULL
            ? "The health checks are good all the same, so they do not see what requests see"
            : "There are no health checks (health: {path: …}), which would find out before requests do");
    finding_number(out, "ejected", (double)count);
    number_instances(out, f);
}

static void find_panic(struct finding_list *list, const struct finding_backend *f,
                       const struct findings_input *in)
{
    struct finding *out;

    if (!f->backend->panics)
        return;
    out = finding_of_backend(list, f, finding_weight(f, in));
    if (out == NULL)
        return;
    if (snapshot_backend_instances(f->backend) == 1)
        finding_say(out,
                    "its only instance is down or ejected, so requests are sent there as if it were not");
    else
        finding_say(
            out, "all %zu instances are down or ejected, so requests are sent to all of them as if none were",
            snapshot_backend_instances(f->backend));
    finding_say(out,
                ". Either the whole service is out, or the judgement is wrong: see the path of the health "
                "checks, and the network between");
    number_instances(out, f);
}

/* --- requests that are refused --- */

static const char *last_error_of(const struct snapshot_backend *b)
{
    const struct snapshot_instance *latest = NULL;

    for (size_t i = 0; i < b->instance_count; i++) {
        const struct snapshot_instance *instance = &b->instances[i];
        if (instance->last_error != NULL &&
            (latest == NULL || instance->last_error_at.ns > latest->last_error_at.ns))
            latest = instance;
    }
    return latest != NULL ? latest->last_error : NULL;
}

static void find_open(struct finding_list *list, const struct finding_backend *f,
                      const struct findings_input *in)
{
    const struct snapshot_backend *b = f->backend;
    const uint64_t refused = refused_of(f, WEIR_BACKEND_OPEN);
    const char *last = last_error_of(b);
    struct finding *out;

    if (!b->open && (refused == 0 || finding_share(refused, requests_of(f)) < few_refused))
        return;
    out = finding_of_backend(list, f, finding_weight(f, in));
    if (out == NULL)
        return;
    if (b->open)
        finding_say(out, "its circuit breaker has been open for %.0f s",
                    seconds_since(b->open_since, in->now));
    else
        finding_say(out, "its circuit breaker was open");
    finding_say(
        out, ", and has refused %llu of %llu requests (open): %d %% of its requests or more had failed",
        (unsigned long long)refused, (unsigned long long)requests_of(f), b->options->breaker.failed_percent);
    if (last != NULL)
        finding_say(out, "; last: %s", last);
    if (b->open)
        finding_say(out, ". It lets a single request through from time to time, and closes when that is "
                         "answered well: repair the backend, nothing is to be done here");
    finding_number(out, "open", b->open);
    finding_number(out, "requests", (double)requests_of(f));
    finding_number(out, "refused", (double)refused);
}

static void say_what_limits(struct finding *out, const struct snapshot_backend *b,
                            enum weir_backend_refusal refusal)
{
    if (refusal == WEIR_BACKEND_LIMITED && snapshot_backend_limit_is_auto(b))
        finding_say(out,
                    "limited (limit: auto, %d at present). It sinks where answers get slower than they have "
                    "been, pass their deadline or are 503: make the backend faster, or add instances; a "
                    "larger limit: {auto: {min: …}} lets more through whatever they take",
                    b->limit);
    else if (refusal == WEIR_BACKEND_LIMITED)
        finding_say(
            out,
            "limited (%d requests are in progress, limit: %d). By Little's law that is their rate × their "
            "duration: raise the limit if the backend can take more, or make it faster",
            b->options->limit, b->options->limit);
    else if (refusal == WEIR_BACKEND_BUSY)
        finding_say(
            out,
            "busy (%d requests wait for one of %d connections, connections: {max: %d, queue: %d}). By "
            "Little's law that many are needed where rate × duration is as large: raise max if the "
            "backend can take more, or make it faster",
            b->options->waiting_max, b->options->connections_max, b->options->connections_max,
            b->options->waiting_max);
    else
        finding_say(out, "dns failed (its name has never had an address): see urls, and resolver");
}

static void find_refusing(struct finding_list *list, const struct finding_backend *f,
                          const struct findings_input *in, enum weir_backend_refusal refusal)
{
    const uint64_t refused = refused_of(f, refusal);
    const double share = finding_share(refused, requests_of(f));
    struct finding *out;

    if (refused == 0 || share < few_refused)
        return;
    out = finding_of_backend(list, f, finding_weight(f, in) * finding_at_most_1(share));
    if (out == NULL)
        return;
    finding_say(out, "%.3g %% of its %llu requests are refused: ", 100 * finding_at_most_1(share),
                (unsigned long long)requests_of(f));
    say_what_limits(out, f->backend, refusal);
    finding_number(out, "requests", (double)requests_of(f));
    finding_number(out, "refused", (double)refused);
    finding_number(out, "share", finding_at_most_1(share));
}

/* --- the whole --- */

void find_backend(struct finding_list *list, const struct finding_backend *f, const struct findings_input *in)
{
    find_down(list, f, in);
    find_ejected(list, f, in);
    find_panic(list, f, in);
    find_open(list, f, in);
    find_refusing(list, f, in, WEIR_BACKEND_LIMITED);
    find_refusing(list, f, in, WEIR_BACKEND_BUSY);
    find_refusing(list, f, in, WEIR_BACKEND_NO_INSTANCE);
}
