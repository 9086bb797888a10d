/* SPDX-License-Identifier: MIT */
#include "admin/page_guard.h"

#include <errno.h>
#include <stdlib.h>

#include <weir/guard.h>

#include "text/frame_json.h"

enum { FINDINGS_MAX = 512 };

/* Copies of all findings, to sort them. */
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

static void write_one(struct text_out *out, const weir_guard_finding *finding)
{
    text_out_add(out, "{\"function\":");
    text_out_json(out, finding->function);
    text_out_json_member(out, "task", finding->task);
    text_out_json_member(out, "route", finding->route);
    text_out_json_member(out, "waited", finding->waited);
    text_out_add(out, ",\"place\":");
    frame_json_write(out, &finding->place);
    text_out_json_member(out, "hint", finding->hint);
    text_out_printf(out, ",\"count\":%llu,\"stack\":", (unsigned long long)finding->count);
    frame_json_stack(out, finding->stack, finding->stack_depth);
    text_out_add(out, "}");
}

void page_guard_write(struct text_out *out)
{
    struct findings *findings = malloc(sizeof *findings);

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
