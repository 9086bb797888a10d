/* SPDX-License-Identifier: MIT */
#include "admin/page_metrics_parts.h"

/* The names of the families of one side, and the label that tells its contexts apart: NULL: there is one. */
struct side {
    enum gateway_tls_side side;
    const char *label;
    const char *handshakes, *resumed, *failures, *in_progress, *not_after, *unusable;
};

static const struct side sides[] = {
    {GATEWAY_TLS_LISTENER, "listener", "weir_tls_handshakes_total", "weir_tls_resumed_total",
     "weir_tls_failures_total", "weir_tls_handshakes_in_progress", "weir_tls_certificate_not_after_seconds",
     "weir_tls_certificate_unusable"},
    {GATEWAY_TLS_BACKEND, "backend", "weir_backend_tls_handshakes_total", "weir_backend_tls_resumed_total",
     "weir_backend_tls_failures_total", "weir_backend_tls_handshakes_in_progress",
     "weir_backend_tls_certificate_not_after_seconds", "weir_backend_tls_certificate_unusable"},
    {GATEWAY_TLS_OTHERS, NULL, "weir_origin_tls_handshakes_total", "weir_origin_tls_resumed_total",
     "weir_origin_tls_failures_total", "weir_origin_tls_handshakes_in_progress", NULL, NULL},
};

/* --- handshakes --- */

static uint64_t handshakes(const struct snapshot_tls *tls)
{
    return tls->handshakes.numbers[TLS_HANDSHAKES];
}

static uint64_t resumed(const struct snapshot_tls *tls)
{
    return tls->handshakes.numbers[TLS_RESUMED];
}

static uint64_t in_progress(const struct snapshot_tls *tls)
{
    return (uint64_t)tls->in_progress;
}

static void family(struct exposition *e, const struct snapshot *s, const struct side *side, const char *name,
                   const char *type, const char *help, uint64_t (*value)(const struct snapshot_tls *tls))
{
    exposition_family(e, name, type, help);
    for (size_t i = 0; i < s->tls_count; i++)
        if (s->tls[i].side == side->side)
            exposition_count(e, LABELS({side->label, s->tls[i].name}), value(&s->tls[i]));
}

static void failures(struct exposition *e, const struct snapshot *s, const struct side *side)
{
    exposition_family(e, side->failures, "counter",
                      "Handshakes of TLS that failed, and connections that broke after one, by reason.");
    for (size_t i = 0; i < s->tls_count; i++) {
        const struct snapshot_tls *tls = &s->tls[i];
        for (int reason = 0; tls->side == side->side && reason < WEIR_TLS_FAILURES; reason++)
            exposition_count(e,
                             LABELS({"reason", weir_tls_failure_name((enum weir_tls_failure)reason)},
                                    {side->label, tls->name}),
                             tls->handshakes.numbers[TLS_FAILED + reason]);
    }
}

/* --- certificates --- */

static uint64_t not_after(const struct snapshot_certificate *c)
{
    return c->not_after_s > 0 ? (uint64_t)c->not_after_s : 0;
}

static uint64_t unusable(const struct snapshot_certificate *c)
{
    return c->failed != NULL;
}

static void certificates(struct exposition *e, const struct snapshot *s, const struct side *side,
                         const char *name, const char *help,
                         uint64_t (*value)(const struct snapshot_certificate *c))
{
    exposition_family(e, name, "gauge", help);
    for (size_t i = 0; i < s->tls_count; i++)
        for (size_t k = 0; s->tls[i].side == side->side && k < s->tls[i].certificate_count; k++) {
            const struct snapshot_certificate *c = &s->tls[i].certificates[k];
            exposition_count(e, LABELS({side->label, s->tls[i].name}, {"names", c->names}, {"cert", c->cert}),
                             value(c));
        }
}

/* --- the whole --- */

static void page_side(struct exposition *e, const struct snapshot *s, const struct side *side)
{
    family(e, s, side, side->handshakes, "counter", "Handshakes of TLS that succeeded.", handshakes);
    family(e, s, side, side->resumed, "counter",
           "Of these, those that resumed a session of before, which costs little.", resumed);
    failures(e, s, side);
    family(e, s, side, side->in_progress, "gauge", "Handshakes of TLS in progress.", in_progress);
    if (side->not_after == NULL)
        return;
    certificates(e, s, side, side->not_after, "When a certificate expires, in seconds since 1970.",
                 not_after);
    certificates(e, s, side, side->unusable,
                 "Whether the file of a certificate cannot be used as it is now, so that its old content is.",
                 unusable);
}

void page_metrics_tls(struct exposition *e, const struct snapshot *s)
{
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        page_side(e, s, &sides[i]);
}
