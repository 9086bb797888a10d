/* SPDX-License-Identifier: MIT */
#include "net/slot_share.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/registry.h"
#include "core/runtime.h"
#include "core/task.h"
#include "core/wait.h"

struct weir__slots_shared {
    struct weir__registered registered; /* in runtime->shared, whose lock guards it and users */
    struct weir__slots slots;
    int users;
    bool listens; /* to other processes */
    weir_shared_listener listener;
    char key[];
};

/* --- the slots of all loops --- */

static const struct weir__registry_type slots_type = {"slots of connections"};

static struct weir__slots_shared *find(struct weir_runtime *runtime, const char *key, int max)
{
    weir__registry_each (entry, &runtime->shared, &slots_type) {
        struct weir__slots_shared *s = weir__container_of(entry, struct weir__slots_shared, registered);
        if (s->slots.max == max && strcmp(s->key, key) == 0)
            return s;
    }
    return NULL;
}

static void look(void *arg)
{
    struct weir__slots_shared *s = arg;

    weir__slots_look(&s->slots, weir_now().ns);
}

/* Under simulation there are no other processes. */
static int listen_to_others(struct weir_runtime *runtime, struct weir__slots_shared *s)
{
    int err;

    if (s->slots.common.shared == NULL || runtime->options.io == WEIR_IO_SIM)
        return 0;
    err = weir_shared_listen(s->slots.common.shared, &s->listener, look, s);
    s->listens = err == 0;
    return err;
}

static int add(struct weir_runtime *runtime, const char *key, int max,
               const struct weir__slots_common *common, struct weir__slots_shared **out)
{
    struct weir__slots_shared *s = calloc(1, sizeof *s + strlen(key) + 1);
    int err;

    if (s == NULL)
        return -ENOMEM;
    strcpy(s->key, key);
    weir__slots_init(&s->slots, max, runtime->loop_count, common);
    err = listen_to_others(runtime, s);
    if (err < 0) {
        free(s);
        return err;
    }
    weir__registry_add(&runtime->shared, &s->registered, &slots_type);
    *out = s;
    return 0;
}

static int use(struct weir_runtime *runtime, const char *key, int max,
               const struct weir__slots_common *common, struct weir__slots_shared **out)
{
    int err = 0;

    weir__registry_enter(&runtime->shared);
    *out = find(runtime, key, max);
    if (*out == NULL)
        err = add(runtime, key, max, common, out);
    if (err == 0)
        (*out)->users++;
    weir__registry_leave(&runtime->shared);
    return err;
}

static void drop(struct weir_runtime *runtime, struct weir__slots_shared *s)
{
    if (!weir__registry_drop(&runtime->shared, &s->registered, &s->users))
        return;
    if (s->listens)
        weir_shared_unlisten(s->slots.common.shared, &s->listener);
    free(s);
}

/* --- the hooks --- */

/* Lies on the stack of a task that waits. */
struct waiting {
    struct weir__slots_waiter waiter; /* first */
    struct weir__task *task;
    uint64_t ticket;
};

static struct weir__slot_share *share_of(struct weir__slots_member *m)
{
    return weir__container_of(m, struct weir__slot_share, member);
}

static void heed(struct weir__message *message)
{
    struct weir__slot_share *share = weir__container_of(message, struct weir__slot_share, message);

    weir__slots_heed(&share->member);
}

static void notify(struct weir__slots_member *m)
{
    weir__loop_post(share_of(m)->loop, &share_of(m)->message);
}

static void grant(struct weir__slots_waiter *w)
{
    weir__wake(weir__container_of(w, struct waiting, waiter)->task, 0);
}

static void spare(struct weir__slots_member *m)
{
    share_of(m)->type->spare(share_of(m));
}

static const struct weir__slots_hooks hooks = {notify, grant, spare};

/* --- a share --- */

int weir__slot_share_open(struct weir__slot_share *share, const struct weir__slot_share_type *type,
                          const char *key, int max, const struct weir__slots_common *common, const char *name)
{
    struct weir__loop *loop = weir__loop_current();
    int err = use(loop->runtime, key, max, common, &share->shared);

    if (err < 0)
        return err;
    share->loop = loop;
    share->message.deliver = heed;
    share->name = name;
    share->type = type;
    weir__slots_join(&share->shared->slots, &share->member, &hooks);
    return 0;
}

bool weir__slot_share_close(struct weir__slot_share *share)
{
    if (share->shared == NULL)
        return true;
    if (!weir__slots_leave(&share->member))
        return false;
    drop(share->loop->runtime, share->shared);
    share->shared = NULL;
    return true;
}

/* --- waiting --- */

static bool describe_slot(const struct weir__look *look, const struct weir__task *task,
                          struct weir__wait_words *out)
{
    struct waiting waiting;
    struct weir__slot_share share;
    char name[WEIR__WAIT_WORDS_BYTES / 2];

    if (!weir__peek(&look->peek, task->wait_arg, &waiting, sizeof waiting) ||
        !weir__peek(&look->peek, waiting.waiter.member, &share, sizeof share) ||
        !weir__peek_text(&look->peek, share.name, name, sizeof name))
        return false;
    (void)snprintf(out->text, sizeof out->text, "slot for %s", name);
    out->queue = waiting.waiter.member;
    out->ticket = waiting.ticket;
    return true;
}

static const struct weir__wait_class a_slot = {"slot for an origin", describe_slot,
                                               .charge = WEIR_CHARGE_SLOT};

static void stop_waiting(struct weir__task *task)
{
    struct waiting *waiting = task->wait_arg;

    weir__slots_unqueue(&waiting->waiter);
    weir__wake_cancelled(task);
}

static void count_waiting(struct weir__slot_share *share, int more)
{
    share->waiting += more;
    if (share->type->waiting_changed != NULL)
        share->type->waiting_changed(share);
}

static int queue_up(struct weir__slot_share *share, void **given)
{
    struct waiting waiting;
    int err;

    waiting.task = weir__task_current();
    waiting.ticket = share->loop->tickets++;
    if (weir__slots_queue(&share->member, &waiting.waiter))
        return 0;
    err = weir__park(&a_slot, stop_waiting, &waiting);
    *given = waiting.waiter.given;
    return err;
}

int weir__slot_share_wait(struct weir__slot_share *share, void **given)
{
    int err = weir__wait_begin();

    *given = NULL;
    if (err < 0)
        return err;
    *given = share->type->reuse(share); /* other tasks may have run */
    if (*given != NULL)
        return 0;
    if (share->waiting >= share->waiting_max)
        return -WEIR_EBUSY;
    count_waiting(share, 1);
    err = queue_up(share, given);
    count_waiting(share, -1);
    return err;
}
