/* SPDX-License-Identifier: MIT */
/* The sentence with which the mistake of a caller ends the program. */
#include "core/misuse.h"

#include <stdio.h>
#include <stdlib.h>

#include <weir/log.h>

#include "core/account/activity.h"
#include "core/runtime.h"

enum { SENTENCE_BYTES = 320, PHRASE_BYTES = 160, PLACE_BYTES = 160 };

void weir__misuse(const char *function, const char *wrong, const char *instead)
{
    struct weir__loop *loop = weir__loop_current();
    struct weir__task *task = loop != NULL ? weir__running(loop) : NULL;
    const char *route = task != NULL && task->activity != NULL ? task->activity->route : NULL;
    char sentence[SENTENCE_BYTES];
    char place[PLACE_BYTES] = "";

    (void)snprintf(sentence, sizeof sentence, "%s() %s%s%s", function, wrong, instead != NULL ? ": " : "",
                   instead != NULL ? instead : "");
    if (task != NULL && task->spawned_at != NULL && loop->runtime->name_place != NULL)
        loop->runtime->name_place(loop->runtime, task->spawned_at, place, sizeof place);
    weir_log(WEIR_LOG_ERROR, sentence, task != NULL ? WEIR_KV("task", task->name) : weir_kv_none(),
             route != NULL ? WEIR_KV("route", route) : weir_kv_none(),
             place[0] != '\0' ? WEIR_KV("spawned_at", place) : weir_kv_none());
    abort(); /* fault.c then writes the log */
}

void weir__misuse_of_loop(const struct weir__loop *owner, const char *function, const char *object)
{
    struct weir__loop *here = weir__loop_current();
    char wrong[PHRASE_BYTES];

    if (owner == NULL) {
        (void)snprintf(wrong, sizeof wrong, "on %s that is closed, or was never made", object);
        weir__misuse(function, wrong, NULL);
    }
    if (here == NULL) {
        (void)snprintf(wrong, sizeof wrong, "from another thread, on %s of %s", object, owner->label);
        weir__misuse(function, wrong, "use weir_post() or a weir_mailbox");
    }
    (void)snprintf(wrong, sizeof wrong, "from %s, on %s of %s", here->label, object, owner->label);
    weir__misuse(function, wrong, "use weir_post(), weir_loop_call() or a weir_mailbox");
}

void weir__misuse_outside_task(const char *function)
{
    weir__misuse(function, "outside a task",
                 weir__loop_current() != NULL ? "a callback must not call it; spawn a task with weir_spawn()"
                                              : "call it in a task, which weir_run() and weir_spawn() start");
}
