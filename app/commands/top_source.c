/* SPDX-License-Identifier: MIT */
#include "commands/top_source.h"

#include <stdio.h>

#include <weir/task.h>

/* Asks for a page. A failure is not printed, since the screen may be entered.
 * Returns: NULL, with the reason in problem.
 */
static json_t *ask_quietly(struct top_source *source, const char *path, char problem[TOP_PROBLEM_BYTES])
{
    weir_reply reply = {0};
    json_t *json = NULL;
    const int err = admin_client_try(source->admin, path, weir_seconds(3), &reply);

    if (reply.status > 0 && reply.status != 200)
        snprintf(problem, TOP_PROBLEM_BYTES, "%s answers %d", path, reply.status);
    else if (err < 0)
        snprintf(problem, TOP_PROBLEM_BYTES, "%s", weir_error_text(err));
    else if ((json = json_loadb(reply.body, reply.body_bytes, 0, NULL)) == NULL)
        snprintf(problem, TOP_PROBLEM_BYTES, "%s is not JSON", path);
    weir_reply_free(&reply);
    return json;
}

bool top_source_refresh(struct top_source *source)
{
    char ignored[TOP_PROBLEM_BYTES];
    json_t *stats = ask_quietly(source, "/stats", source->problem);
    json_t *stalls;

    if (stats == NULL)
        return false;
    json_decref(source->stats);
    source->stats = stats;
    source->problem[0] = '\0';
    stalls = ask_quietly(source, "/stalls", ignored); /* an older gateway has no such page */
    json_decref(source->stalls);
    source->stalls = stalls;
    return true;
}

bool top_source_open(struct top_source *source)
{
    weir_reply reply;

    if (admin_client_get(source->admin, "/stats", weir_seconds(5), &reply) < 0)
        return false;
    weir_reply_free(&reply);
    if (top_source_refresh(source))
        return true;
    if (weir_cancelled() == 0)
        fprintf(stderr, "weir top: %s: %s\n", source->admin->where, source->problem);
    return false;
}

void top_source_close(struct top_source *source)
{
    json_decref(source->stats);
    json_decref(source->stalls);
}
