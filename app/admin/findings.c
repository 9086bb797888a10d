/* SPDX-License-Identifier: MIT */
#include "admin/findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/findings_attempts.h"
#include "admin/findings_backends.h"
#include "admin/findings_connections.h"
#include "admin/findings_host.h"
#include "admin/findings_tls.h"
#include "admin/findings_traffic.h"

static int by_impact(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;

    if (x->impact < y->impact || x->impact > y->impact)
        return x->impact < y->impact ? 1 : -1;
    return strcmp(x->name, y->name);
}

static void write_one(struct text_out *out, const struct finding *f)
{
    text_out_printf(out, "{\"about\":\"%s\",\"name\":", f->about);
    text_out_json(out, f->name);
    text_out_printf(out, ",\"impact\":%.3g,", f->impact);
    advice_write_piece(out, f->text, f->numbers);
    text_out_add(out, "}");
}

void findings_write(struct text_out *out, const struct findings_input *in)
{
    struct finding_list list = {.items = calloc(FINDINGS_MAX, sizeof *list.items)};

    if (list.items == NULL) {
        out->err = -ENOMEM;
        return;
    }
    find_refused(&list, in);
    find_unserved(&list, in);
    find_throttled(&list, &in->host);
    find_starved(&list, in);
    find_stall(&list, &in->stall);
    for (size_t i = 0; i < in->origin_count; i++)
        find_origin(&list, &in->origins[i], in->refused.requests);
    for (size_t i = 0; i < in->backend_count; i++) {
        find_backend(&list, &in->backends[i], in);
        find_attempts(&list, &in->backends[i], in);
    }
    for (size_t i = 0; i < in->tls_count; i++)
        find_tls(&list, &in->tls[i], in);
    qsort(list.items, list.count, sizeof *list.items, by_impact);
    text_out_add(out, "[");
    for (size_t i = 0; i < list.count; i++) {
        text_out_add(out, i > 0 ? "," : "");
        write_one(out, &list.items[i]);
    }
    text_out_add(out, "]");
    free(list.items);
}
