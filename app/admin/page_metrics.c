/* SPDX-License-Identifier: MIT */
#include "admin/page_metrics.h"

#include "admin/page_metrics_parts.h"
#include "metrics/exposition.h"

void page_metrics_write(struct text_out *out, const struct snapshot *s, bool openmetrics)
{
    struct exposition e = {.out = out, .openmetrics = openmetrics};

    page_metrics_gateway(&e, s);
    page_metrics_routes(&e, s);
    page_metrics_gathers(&e, s);
    page_metrics_origins(&e, s);
    page_metrics_backends(&e, s);
    page_metrics_attempts(&e, s);
    page_metrics_apps(&e, s);
    page_metrics_tls(&e, s);
    page_metrics_loops(&e, s);
    page_metrics_pools(&e, s);
    page_metrics_stalls(&e, s);
    page_metrics_guard(&e, s);
    page_metrics_process(&e, &s->process);
    exposition_end(&e);
}
