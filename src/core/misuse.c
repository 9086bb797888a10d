/* SPDX-License-Identifier: MIT */
/* The sentence with which the mistake of a caller ends the program. */
#include "core/misuse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/log.h>

#include "core/account/activity.h"
#include "core/peek.h"
#include "core/runtime.h"
#include "core/thread.h"

enum { SENTENCE_BYTES = 512, PHRASE_BYTES = 160, PLACE_BYTES = 160 };

static weir_kv place(const char *key, const void *address, char text[PLACE_BYTES])
{
    struct weir_runtime *r = weir__thread_here != NULL ? weir__thread_here->runtime : NULL;

    if (address == NULL || r == NULL || r->name_place == NULL)
        return weir_kv_none();
    text[0] = '\0';
    r->name_place(r, address, text, PLACE_BYTES);
    return text[0] != '\0' ? WEIR_KV(key, text) : weir_kv_none();
}

void weir__misuse_at(const char *function, const char *wrong, const char *instead, const char *key,
                     const void *address)
{
    struct weir__loop *loop = weir__loop_current();
    struct weir__task *task = loop != NULL ? weir__running(loop) : NULL;
    const char *route = task != NULL && task->activity != NULL ? task->activity->route : NULL;
    char sentence[SENTENCE_BYTES], spawned[PLACE_BYTES], other[PLACE_BYTES];

    (void)snprintf(sentence, sizeof sentence, "%s%s %s%s%s", function,
                   strncmp(function, "weir_", 5) == 0 ? "()" : "", wrong, instead != NULL ? ": " : "",
                   instead != NULL ? instead : "");
    weir_log(WEIR_LOG_ERROR, sentence, place(key, address, other),
             task != NULL ? WEIR_KV("task", task->name) : weir_kv_none(),
             route != NULL ? WEIR_KV("route", route) : weir_kv_none(),
             place("spawned_at", task != NULL ? task->spawned_at : NULL, spawned));
    abort(); /* fault.c then writes the log */
}

void weir__misuse(const char *function, const char *wrong, const char *instead)
{
    weir__misuse_at(function, wrong, instead, NULL, NULL);
}

/* Whether the calling thread runs a job. A simulated worker is the loop's own thread. */
static bool is_in_job(void)
{
    return weir__thread_here != NULL &&
           (weir__thread_here->worker != NULL || atomic_load(&weir__thread_here->job) != NULL);
}

/* Copies the label of a loop that may be none: an object that was never initialised has any value there. */
static bool is_loop(const struct weir__loop *owner, char label[sizeof owner->label])
{
    struct weir__peek peek;
    bool is_there;

    if ((uintptr_t)owner % _Alignof(struct weir__loop) != 0 || weir__peek_open(&peek) < 0)
        return false;
    is_there = weir__peek_text(&peek, owner->label, label, sizeof owner->label);
    weir__peek_close(&peek);
    return is_there && strncmp(label, "loop ", 5) == 0;
}

void weir__misuse_of_loop(const struct weir__loop *owner, const char *function, const char *object)
{
    struct weir__loop *here = weir__loop_current();
    char wrong[PHRASE_BYTES], label[sizeof owner->label];

    if (owner == NULL || !is_loop(owner, label)) {
        (void)snprintf(wrong, sizeof wrong, "on %s that is closed, or was never made", object);
        weir__misuse(function, wrong,
                     "open or initialise it before its first use, and do not use it after its close");
    }
    if (here == NULL) {
        (void)snprintf(wrong, sizeof wrong, "%s, on %s of %s",
                       is_in_job() ? "in a job" : "from another thread", object, label);
        weir__misuse(function, wrong, "use weir_post() or a weir_mailbox");
    }
    (void)snprintf(wrong, sizeof wrong, "from %s, on %s of %s", here->label, object, label);
    weir__misuse(function, wrong, "use weir_post(), weir_loop_call() or a weir_mailbox");
}

void weir__misuse_outside_task(const char *function)
{
    if (is_in_job())
        weir__misuse(
            function, "in a job",
            "a job does not wait on a loop; call it in the task that offloads the job, or send what it "
            "needs by weir_post() or a weir_mailbox");
    if (weir__loop_current() != NULL)
        weir__misuse(function, "outside a task",
                     "a callback must not call it; spawn a task with weir_spawn()");
    weir__misuse(
        function, "outside a task",
        "call it in a task, which weir_run() and weir_spawn() start; from another thread use weir_post() "
        "or a weir_mailbox");
}

/* The innermost public function is not known here, so the sentence names none. */
void weir__misuse_without_task(void)
{
    weir__misuse_outside_task("a function that only tasks may call was called");
}
