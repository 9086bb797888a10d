/* SPDX-License-Identifier: MIT */
#include "admin/page_guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/guard.h>

enum { FINDINGS_MAX = 512, FRAME_BYTES = 256 };

struct findings {
    weir_guard_finding list[FINDINGS_MAX];
    size_t count;
};

static int keep(void *arg, const weir_guard_finding *finding)
{
    struct findings *findings = arg;

    findings->list[findings->count++] = *finding;
    return findings->count == FINDINGS_MAX;
}

static int by_count(const void *a, const void *b)
{
    const weir_guard_finding *x = a, *y = b;

    return (x->count < y->count) - (x->count > y->count);
}

static void text_or_null(struct text_out *out, const char *name, const char *text)
{
    text_out_printf(out, ",\"%s\":", name);
    if (text != NULL)
        text_out_json(out, text);
    else
        text_out_add(out, "null");
}

/* "csv_sort report.c:118" */
static const char *frame(const weir_frame *frame, char text[FRAME_BYTES])
{
    if (frame->file != NULL)
        snprintf(text, FRAME_BYTES, "%s %s:%d", frame->function, frame->file, frame->line);
    else
        snprintf(text, FRAME_BYTES, "%s", frame->function);
    return text;
}

static void stack(struct text_out *out, const weir_guard_finding *finding)
{
    char text[FRAME_BYTES];

    text_out_add(out, ",\"stack\":[");
    for (size_t i = 0; i < finding->depth; i++) {
        if (i > 0)
            text_out_add(out, ",");
        text_out_json(out, frame(&finding->stack[i], text));
    }
    text_out_add(out, "]");
}

static void write_one(struct text_out *out, const weir_guard_finding *finding)
{
    char text[FRAME_BYTES];

    text_out_add(out, "{\"function\":");
    text_out_json(out, finding->function);
    text_or_null(out, "task", finding->task);
    text_or_null(out, "route", finding->route);
    text_or_null(out, "waited", finding->waited);
    text_or_null(out, "place", frame(&finding->place, text));
    text_or_null(out, "hint", finding->hint);
    text_out_printf(out, ",\"count\":%llu", (unsigned long long)finding->count);
    stack(out, finding);
    text_out_add(out, "}");
}

void admin_guard_write(struct observed *o, struct text_out *out)
{
    struct findings *findings = malloc(sizeof *findings);

    (void)o;
    if (findings == NULL) {
        out->err = -ENOMEM;
        return;
    }
    findings->count = 0;
    (void)weir_guard_each(keep, findings);
    qsort(findings->list, findings->count, sizeof findings->list[0], by_count);
    text_out_add(out, "[");
    for (size_t i = 0; i < findings->count; i++) {
        if (i > 0)
            text_out_add(out, ",");
        write_one(out, &findings->list[i]);
    }
    text_out_add(out, "]\n");
    free(findings);
}

void admin_guard_metrics(struct exposition *e)
{
    const char *name;

    exposition_family(e, "weir_guard_calls_total", "counter",
                      "Calls to the C library by which a task held up its loop.");
    for (size_t i = 0; (name = weir_guard_name(i)) != NULL; i++) {
        const struct label labels[] = {{"function", name}, {NULL, NULL}};
        if (weir_guard_calls(name) > 0)
            exposition_count(e, labels, weir_guard_calls(name));
    }
}
