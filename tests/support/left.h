/* SPDX-License-Identifier: MIT */
/* Whether a loop has only the first task left, and no scope open. */
#ifndef TEST_SUPPORT_LEFT_H
#define TEST_SUPPORT_LEFT_H

#include "core/loop.h"
#include "core/post.h"
#include "core/runtime.h"

/* Below the root are the scope of the first task and that of posted tasks, always. */
static inline bool only_first_task_is_left(const struct weir__loop *loop)
{
    const struct weir__posts *posts = loop->runtime->posts;
    size_t scopes = 0;

    weir__list_each (node, &loop->root->children)
        scopes++;
    return scopes == 2 && loop->root->live == 0 && posts->first.live == 1 &&
           posts->of_loop[0].scope.live == 0 && weir__list_is_empty(&posts->first.children) &&
           weir__list_is_empty(&posts->of_loop[0].scope.children);
}

#endif
