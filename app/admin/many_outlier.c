/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "admin/admin_pages.h"
#include "admin/many.h"
#include "admin/reply.h"
#include "outliers/outlier.h"

enum { BYTES_MAX = 2 * OUTLIER_BYTES_MAX, PATH_BYTES = 16 + OUTLIER_ID_BYTES };

static const char page[] = "/outliers/";

/* The answer of the process that has it; NULL: none has. */
static const struct asked *find(const struct asked *asked, int count)
{
    for (int i = 0; i < count; i++)
        if (asked[i].err == 0 && asked[i].status == 200)
            return &asked[i];
    return NULL;
}

static int pass_on(weir_request *req, weir_response *res, const struct asked *has)
{
    weir_buffer text;
    int err;

    weir_buffer_init(&text, BYTES_MAX);
    err = weir_buffer_append(&text, has->reply.body, has->reply.body_bytes);
    if (err == 0)
        err = admin_reply(req, res, "application/json", &text);
    weir_buffer_free(&text);
    return err;
}

int many_page_outlier(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    const char *id = weir_request_param(req, "id");
    char path[PATH_BYTES];
    const struct asked *has;
    struct asked *asked;
    int err, count;

    if (!outlier_id_is_valid(id))
        return weir_respond_fault(res, 404, "not_found", ADMIN_NO_OUTLIER);
    (void)snprintf(path, sizeof path, "%s%s", page, id);
    count = many_ask(admin, path, weir_ms(ASKING_MS), (uint64_t)BYTES_MAX * ADMIN_PROCESSES_MAX, &asked);
    if (count < 0)
        return count;
    has = find(asked, count);
    err = has != NULL ? pass_on(req, res, has) : weir_respond_fault(res, 404, "not_found", ADMIN_NO_OUTLIER);
    many_free(asked, count);
    return err;
}
