/* SPDX-License-Identifier: MIT */
#include "admin/page_advice.h"

#include <errno.h>

#include "admin/advice.h"
#include "admin/findings.h"

static void write_input(struct text_out *out, const struct advice_input *advice,
                        const struct findings_input *findings)
{
    text_out_printf(out, "{\"window_s\":%d,\"loops\":%d,\"cpus\":%d,\"findings\":", WINDOW_LONG_S,
                    advice->loops, advice->cpus);
    findings_write(out, findings);
    text_out_add(out, ",");
    advice_write(out, advice);
    text_out_add(out, "}\n");
}

void page_advice_write(struct text_out *out, const struct snapshot *s)
{
    struct advice_input advice;
    struct findings_input findings;

    if (advice_input_open(&advice, s) < 0) {
        out->err = -ENOMEM;
        return;
    }
    if (findings_input_open(&findings, &advice, s) == 0) {
        write_input(out, &advice, &findings);
        findings_input_close(&findings);
    } else {
        out->err = -ENOMEM;
    }
    advice_input_close(&advice);
}
