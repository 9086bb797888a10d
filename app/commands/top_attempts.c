/* SPDX-License-Identifier: MIT */
#include "commands/top_attempts.h"

#include "text/figures.h"

static bool is_set(const json_t *item, const char *name)
{
    return json_is_true(json_object_get(item, name));
}

bool top_attempts_has_row(const json_t *backend)
{
    return is_set(backend, "hedges") || is_set(backend, "retries") || is_set(backend, "limit_is_auto");
}

static double share(const json_t *attempts, const char *part, const char *whole)
{
    const double all = figure_at(attempts, whole);

    return all > 0 ? figure_at(attempts, part) / all : 0;
}

static void say_hedges(const struct top_frame *f, const json_t *backend, const json_t *attempts)
{
    const double after_ms = figure_at(backend, "hedge_after_ms");
    char text[FIGURE_BYTES];

    terminal_text_printf(f->out, LINE_QUIET, "  hedged %s",
                         figure_percent(text, share(attempts, "hedged", "first")));
    if (after_ms > 0)
        terminal_text_printf(f->out, LINE_QUIET, " after %s ms", figure_ms(text, after_ms));
    if (figure_at(attempts, "hedged") > 0)
        terminal_text_printf(f->out, LINE_QUIET, ", %s won",
                             figure_percent(text, share(attempts, "won", "hedged")));
}

static void say_denied(const struct top_frame *f, const json_t *attempts)
{
    const double denied = figure_at(attempts, "denied");
    const char *reason = top_main_reason(json_object_get(attempts, "reasons"));
    char text[FIGURE_BYTES];

    if (!(denied > 0))
        return;
    terminal_text_printf(f->out, LINE_PLAIN, "  denied %s", figure_count(text, denied));
    if (reason[0] != '\0')
        terminal_text_printf(f->out, LINE_PLAIN, ": %s", reason);
}

void top_attempts_row(const struct top_frame *f, const json_t *backend)
{
    const json_t *attempts = json_object_get(top_window(f, backend), "attempts");
    char text[FIGURE_BYTES];

    if (is_set(backend, "hedges"))
        say_hedges(f, backend, attempts);
    if (is_set(backend, "retries"))
        terminal_text_printf(f->out, LINE_QUIET, "  retried %s",
                             figure_percent(text, share(attempts, "retried", "first")));
    say_denied(f, attempts);
    if (is_set(backend, "limit_is_auto"))
        terminal_text_printf(f->out, LINE_QUIET, "  limit %s, auto",
                             figure_count(text, figure_at(backend, "limit")));
}
