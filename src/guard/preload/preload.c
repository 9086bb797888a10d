/* SPDX-License-Identifier: MIT */
/* libweir-guard.so: the link of a thread to its loop. */
#include "guard/preload/preload.h"

#include <pthread.h>

__thread struct weir__guard_link *weir__guard_link
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

EXPORTED bool weir__guard_attach(int version, struct weir__guard_link *link)
{
    if (version != WEIR__GUARD_LINK_VERSION)
        return false;
    weir__guard_link = link;
    return true;
}

void weir__guard_catch(const char *call, const void *place, const void *frame)
{
    const struct weir__guard_call seen = {call, place, frame};

    if (call != NULL)
        weir__guard_link->caught(weir__guard_link, &seen);
}

/* The child of a fork() has no loop. */
static void in_child(void)
{
    weir__guard_link = NULL;
}

__attribute__((constructor(101))) static void start(void)
{
    weir__next_find_all();
    (void)pthread_atfork(NULL, NULL, in_child);
}
