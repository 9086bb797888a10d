/* SPDX-License-Identifier: MIT */
/* A post is a message to the loop, which spawns the task. It runs also where the runtime ends meanwhile, so
 * that what belongs to arg can be freed: its waits fail then. */
#include "core/post.h"

#include <errno.h>
#include <stdlib.h>

#include <weir/error.h>

#include "core/runtime.h"
#include "core/task.h"

enum { TRY_AGAIN_NS = 1000000 };

struct post {
    struct weir__message message;
    struct weir__timeout try_again;
    struct weir__loop *loop;
    const char *name;
    int (*fn)(void *arg);
    void *arg;
};

static struct weir__posted *posted_on(struct weir__loop *loop)
{
    return &loop->runtime->posts->of_loop[loop->index];
}

/* --- on the loop --- */

static void count_end(struct weir__loop *loop)
{
    struct weir__posts *posts = loop->runtime->posts;
    bool was_last;

    weir__lock_enter(&posts->lock);
    was_last = --posts->count == 0 && posts->closed;
    weir__lock_leave(&posts->lock);
    if (was_last && loop->index != 0)
        weir__io_wake(loop->runtime->loops[0].io);
}

static int run_post(void *arg)
{
    struct post post = *(struct post *)arg;
    struct weir__posts *posts = post.loop->runtime->posts;

    free(arg);
    weir__lock_enter(&posts->lock);
    posted_on(post.loop)->waiting--;
    weir__lock_leave(&posts->lock);
    (void)post.fn(post.arg);
    weir__scope_check_innermost(&posted_on(post.loop)->scope, "a task");
    count_end(post.loop);
    return 0;
}

/* Without a stack for it the post is tried again: it was accepted. */
static void start(struct post *post)
{
    if (weir__spawn_cancelled(&posted_on(post->loop)->scope, post->name, run_post, post) < 0)
        weir__timeout_set(post->loop, &post->try_again, weir__loop_now_ns(post->loop) + TRY_AGAIN_NS);
}

static void start_again(struct weir__timeout *timeout)
{
    start(weir__container_of(timeout, struct post, try_again));
}

static void deliver_post(struct weir__message *message)
{
    start(weir__container_of(message, struct post, message));
}

static void deliver_close(struct weir__message *message)
{
    weir__scope_cancel(&weir__container_of(message, struct weir__posted, close)->scope, -WEIR_ECANCELED);
}

static void deliver_stop(struct weir__message *message)
{
    weir__scope_cancel(&weir__container_of(message, struct weir__posts, stop)->first, -WEIR_ECANCELED);
}

/* --- from any thread --- */

/* Under the lock. */
static int accept_post(struct weir_runtime *r, struct post *post)
{
    struct weir__posted *posted = posted_on(post->loop);

    if (r->posts->closed)
        return -WEIR_ECLOSED;
    if (posted->waiting == WEIR_POSTS_MAX)
        return -WEIR_EBUSY;
    posted->waiting++;
    r->posts->count++;
    weir__loop_post(post->loop, &post->message);
    return 0;
}

int weir_post(weir_runtime *runtime, int loop, const char *name, int (*fn)(void *arg), void *arg)
{
    struct post *post;
    int err;

    if (loop < 0 || loop >= runtime->loop_count)
        return -EINVAL;
    post = malloc(sizeof *post);
    if (post == NULL)
        return -ENOMEM;
    *post = (struct post){
        .message.deliver = deliver_post, .loop = &runtime->loops[loop], .name = name, .fn = fn, .arg = arg};
    weir__timeout_init(&post->try_again, start_again);
    weir__lock_enter(&runtime->posts->lock);
    err = accept_post(runtime, post);
    weir__lock_leave(&runtime->posts->lock);
    if (err < 0)
        free(post);
    return err;
}

void weir_runtime_stop(weir_runtime *runtime)
{
    struct weir__posts *posts = runtime->posts;

    weir__lock_enter(&posts->lock);
    if (!posts->stopping) {
        posts->stopping = true;
        posts->stop.deliver = deliver_stop;
        weir__loop_post(&runtime->loops[0], &posts->stop);
    }
    weir__lock_leave(&posts->lock);
}

/* --- the runtime --- */

void weir__posts_begin_loop(struct weir__loop *loop)
{
    struct weir__posted *posted = posted_on(loop);

    weir__scope_init_below_root(&posted->scope, loop);
    posted->close.deliver = deliver_close;
    if (loop->index == 0)
        weir__scope_init_below_root(&loop->runtime->posts->first, loop);
}

void weir__posts_close(struct weir_runtime *r)
{
    weir__lock_enter(&r->posts->lock);
    r->posts->closed = true;
    for (int i = 0; i < r->loop_count && r->posts->count > 0; i++)
        weir__loop_post(&r->loops[i], &r->posts->of_loop[i].close);
    weir__lock_leave(&r->posts->lock);
}

bool weir__posts_are_over(struct weir__loop *loop)
{
    struct weir__posts *posts = loop->runtime->posts;
    bool is_over;

    if (posted_on(loop)->scope.live > 0)
        return false;
    if (loop->index != 0)
        return true;
    weir__lock_enter(&posts->lock);
    is_over = posts->count == 0 && posts->first.live == 0;
    weir__lock_leave(&posts->lock);
    return is_over;
}

void weir__posts_end(struct weir_runtime *r)
{
    weir__lock_enter(&r->posts->lock);
    r->posts->closed = r->posts->stopping = true;
    weir__lock_leave(&r->posts->lock);
}
