/* SPDX-License-Identifier: MIT */
#include "commands/top_summary.h"

#include <math.h>
#include <string.h>

#include "text/figures.h"

static const double many_unserved = 10;  /* half-sent heads, and those that timed out */
static const double lacked_share = 0.1;  /* of the time in which the loops wanted a CPU */
static const double lacked_least = 0.02; /* of a loop's time */

static double sum(const struct top_frame *f, const char *figure)
{
    const json_t *route;
    size_t i;
    double total = 0;

    json_array_foreach(json_object_get(f->view->stats, "routes"), i, route)
    {
        const double value = top_in_window(f, route, figure);
        total += isnan(value) ? 0 : value;
    }
    return total;
}

static void fact(const struct top_frame *f, enum line_style style, const char *figure, const char *what)
{
    terminal_text_add(f->out, LINE_PLAIN, f->out->column ? "   " : "");
    terminal_text_add(f->out, style, figure);
    terminal_text_printf(f->out, LINE_QUIET, " %s", what);
}

/* Reads a missing figure, NAN, as 0. */
static double at_least_0(double value)
{
    return value > 0 ? value : 0;
}

/* --- TLS --- */

static const double soon_days = 14;

/* Adds a figure of all contexts up. */
static double sum_of_tls(const struct top_frame *f, const char *figure)
{
    const json_t *context;
    double total = 0;
    size_t i;

    json_array_foreach(json_object_get(f->view->stats, "tls"), i, context) total +=
        at_least_0(top_in_window(f, context, figure));
    return total;
}

/* "TLS 36/s, 84 % resumed", behind the state, where most terminals have room */
static void say_tls(const struct top_frame *f)
{
    const double handshakes = sum_of_tls(f, "handshakes");
    char rate[FIGURE_BYTES], resumed[FIGURE_BYTES];

    if (json_array_size(json_object_get(f->view->stats, "tls")) > 0)
        terminal_text_printf(
            f->out, LINE_QUIET, "   TLS %s/s, %s resumed", figure_rate(rate, sum_of_tls(f, "rate")),
            figure_percent(resumed, handshakes > 0 ? sum_of_tls(f, "resumed") / handshakes : NAN));
}

/* Returns: the certificate of all contexts that expires first; NULL: there is none. */
static const json_t *first_to_expire(const json_t *contexts)
{
    const json_t *context, *certificate, *first = NULL;
    size_t i, k;

    json_array_foreach(contexts, i, context)
    {
        json_array_foreach(json_object_get(context, "certificates"), k, certificate)
        {
            if (first == NULL || figure_at(certificate, "days") < figure_at(first, "days"))
                first = certificate;
        }
    }
    return first;
}

/* "a.test expires in 5 d 3 h" */
static void say_expiry(const struct top_frame *f, const json_t *certificate)
{
    const double days = figure_at(certificate, "days");
    const char *names = figure_text(certificate, "names");
    const int first = (int)strcspn(names, ","); /* the others have no room */
    char text[FIGURE_BYTES];

    if (days < 0)
        terminal_text_printf(f->out, LINE_BAD, "certificate of %.*s expired", first, names);
    else
        terminal_text_printf(f->out, LINE_WARN, "certificate of %.*s expires in %s", first, names,
                             figure_age(text, days * 86400));
}

/* A reason as it is understood without its label. */
static const char *reason_words(const char *reason)
{
    return strcmp(reason, "none") == 0 ? "no certificate" : reason;
}

/* "411 handshakes of TLS failed: refused   certificate of a.test expires in 5 d 3 h" */
static bool tls_line(const struct top_frame *f)
{
    const json_t *contexts = json_object_get(f->view->stats, "tls");
    const json_t *certificate = first_to_expire(contexts), *context, *worst = NULL;
    const double failed = sum_of_tls(f, "failed"), all = failed + sum_of_tls(f, "handshakes");
    const bool fails = failed > 0 && failed >= TOP_MANY_ERRORS * all;
    const bool ends = certificate != NULL && figure_at(certificate, "days") < soon_days;
    char text[FIGURE_BYTES];
    size_t i;

    if (!fails && !ends)
        return false;
    json_array_foreach(contexts, i, context)
    {
        if (worst == NULL || top_in_window(f, context, "failed") > top_in_window(f, worst, "failed"))
            worst = context;
    }
    if (fails)
        terminal_text_printf(f->out, LINE_BAD, "%s handshakes of TLS failed: %s%s",
                             figure_count(text, failed),
                             reason_words(top_main_reason(json_object_get(top_window(f, worst), "reasons"))),
                             ends ? "   " : "");
    if (ends)
        say_expiry(f, certificate);
    terminal_text_end(f->out);
    return true;
}

static void title_line(const struct top_frame *f)
{
    char text[FIGURE_BYTES];

    terminal_text_printf(f->out, LINE_STRONG, "weir %s", figure_text(f->view->stats, "version"));
    terminal_text_printf(f->out, LINE_PLAIN, " at %s   up %s   ", f->view->address,
                         figure_age(text, figure_at(f->view->stats, "uptime_s")));
    if (f->view->problem != NULL)
        terminal_text_printf(f->out, LINE_BAD, "NO ANSWER: %s", f->view->problem);
    else if (json_is_true(json_object_get(f->view->stats, "draining")))
        terminal_text_add(f->out, LINE_WARN, "DRAINING");
    else
        terminal_text_add(f->out, LINE_ACCENT, f->view->paused ? "paused" : "live");
    if (f->view->problem == NULL)
        say_tls(f);
    terminal_text_end(f->out);
}

static void sum_line(const struct top_frame *f)
{
    const json_t *stats = f->view->stats;
    const double requests = sum(f, "requests"), errors = requests > 0 ? sum(f, "errors") / requests : NAN;
    char text[FIGURE_BYTES];

    fact(f, LINE_STRONG, figure_rate(text, sum(f, "rate")), "requests/s");
    fact(f, errors >= TOP_MANY_ERRORS ? LINE_BAD : LINE_PLAIN, figure_percent(text, errors), "errors");
    fact(f, LINE_PLAIN, figure_count(text, figure_at(stats, "exchanges")), "in progress");
    fact(f, LINE_PLAIN, figure_count(text, figure_at(stats, "connections")), "connections");
    fact(f, LINE_PLAIN, figure_count(text, figure_at(stats, "tasks")), "tasks");
    terminal_text_end(f->out);
}

/* --- lines for what stands out --- */

/* "41 % refused by the gateway: queueing 312, pool_full 20" */
static bool refused_line(const struct top_frame *f)
{
    const json_t *refused = json_object_get(f->view->stats, "refused");
    const double requests = top_in_window(f, refused, "requests"),
                 count = top_in_window(f, refused, "refused");
    const char *name, *before = ": ";
    char text[FIGURE_BYTES];
    json_t *value;

    if (!(count > 0))
        return false;
    terminal_text_printf(f->out, count >= TOP_MANY_ERRORS * requests ? LINE_BAD : LINE_WARN, "%s refused",
                         figure_percent(text, requests > 0 ? count / requests : 1));
    json_object_foreach(json_object_get(top_window(f, refused), "reasons"), name, value)
    {
        terminal_text_printf(f->out, LINE_PLAIN, "%s%s %s", before, name,
                             figure_count(text, json_number_value(value)));
        before = ", ";
    }
    terminal_text_end(f->out);
    return true;
}

/* "half-sent heads: 2990 now, 120 timed out; 20 connections over their client's limit; most from 127.0.0.1"
 */
static bool unserved_line(const struct top_frame *f)
{
    const json_t *unserved = json_object_get(f->view->stats, "unserved");
    const json_t *reasons = json_object_get(top_window(f, unserved), "reasons");
    const json_t *client = json_array_get(json_object_get(unserved, "clients"), 0);
    const double half = at_least_0(figure_at(unserved, "half_sent"));
    const double slow = at_least_0(figure_at(reasons, "head_timeout"));
    const double limit = at_least_0(figure_at(reasons, "client_limit"));
    char text[FIGURE_BYTES];

    if (half + slow + limit < many_unserved)
        return false;
    if (half + slow > 0) {
        terminal_text_add(f->out, LINE_BAD, "half-sent heads");
        terminal_text_printf(f->out, LINE_PLAIN, ": %s now", figure_count(text, half));
    }
    if (slow > 0)
        terminal_text_printf(f->out, LINE_PLAIN, ", %s timed out", figure_count(text, slow));
    if (limit > 0) {
        terminal_text_printf(f->out, LINE_BAD, "%s%s connections", half + slow > 0 ? "; " : "",
                             figure_count(text, limit));
        terminal_text_add(f->out, LINE_PLAIN, " over their client's limit");
    }
    if (client != NULL)
        terminal_text_printf(f->out, LINE_PLAIN, "; most from %s", figure_text(client, "address"));
    terminal_text_end(f->out);
    return true;
}

/* "no CPU for 92 % of the time that the loops wanted it: see 'weir advise'" */
static bool host_line(const struct top_frame *f)
{
    const json_t *loop;
    size_t i;
    double wanted = 0, lacked = 0;
    char text[FIGURE_BYTES];

    json_array_foreach(json_object_get(f->view->stats, "loops"), i, loop)
    {
        wanted += at_least_0(top_in_window(f, loop, "busy"));
        lacked += at_least_0(top_in_window(f, loop, "off_cpu"));
    }
    if (lacked < lacked_least || lacked < lacked_share * wanted)
        return false;
    terminal_text_printf(f->out, LINE_BAD, "no CPU for %s", figure_percent(text, lacked / wanted));
    terminal_text_add(f->out, LINE_PLAIN, " of the time that the loops wanted it: see 'weir advise'");
    terminal_text_end(f->out);
    return true;
}

size_t top_summary_write(const struct top_frame *f)
{
    title_line(f);
    sum_line(f);
    return 2 + (size_t)tls_line(f) + (size_t)refused_line(f) + (size_t)unserved_line(f) +
           (size_t)host_line(f);
}
