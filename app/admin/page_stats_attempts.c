/* SPDX-License-Identifier: MIT */
#include "admin/page_stats_parts.h"

static const char *denial_name(size_t i)
{
    return weir_attempt_denial_name((enum weir_attempt_denial)i);
}

void page_stats_attempts(struct text_out *out, const struct snapshot_attempts *a)
{
    text_out_add(out, ",\"hedge_after_ms\":");
    text_out_number(out, a->hedge_after.ns > 0, (double)a->hedge_after.ns / 1e6);
    text_out_printf(out, ",\"budget\":%.6g", a->budget);
}

void page_stats_attempts_window(struct text_out *out, const struct snapshot_attempts *a,
                                enum series_span span)
{
    const struct series_window *w = &a->ended.last[span];
    const uint64_t *n = w->numbers;
    const uint64_t second =
        snapshot_attempts_of(n, WEIR_ATTEMPT_HEDGE) + snapshot_attempts_of(n, WEIR_ATTEMPT_RETRY);

    text_out_printf(
        out,
        ",\"attempts\":{\"first\":%llu,\"hedged\":%llu,\"won\":%llu,\"retried\":%llu,\"recovered\":%llu,"
        "\"saved_ms\":%.6g,",
        (unsigned long long)snapshot_attempts_of(n, WEIR_ATTEMPT_FIRST),
        (unsigned long long)snapshot_attempts_of(n, WEIR_ATTEMPT_HEDGE),
        (unsigned long long)snapshot_attempts_ended(n, WEIR_ATTEMPT_HEDGE, WEIR_ATTEMPT_ANSWERED),
        (unsigned long long)snapshot_attempts_of(n, WEIR_ATTEMPT_RETRY),
        (unsigned long long)snapshot_attempts_ended(n, WEIR_ATTEMPT_RETRY, WEIR_ATTEMPT_ANSWERED),
        (double)n[ATTEMPTS_SAVED_NS] / 1e6);
    page_stats_rate(out, second, w);
    text_out_printf(out, ",\"denied\":%llu", (unsigned long long)snapshot_attempts_denied(n));
    page_stats_reasons(out, n + ATTEMPTS_DENIED, WEIR_ATTEMPT_DENIALS, denial_name);
    text_out_add(out, "}");
}
