/* SPDX-License-Identifier: MIT */
/* Threads that Weir did not start, as drivers and libraries have them: one sends readings into a
 * mailbox, another starts a task on the loop and then stops the runtime.
 *
 *     12_other_threads
 */
#include <pthread.h>
#include <stdio.h>
#include <weir.h>

/* [sensor] */
struct reading {
    int number, value;
};

/* A thread of the sensor's library, which knows nothing of loops. The thread may outlive weir_run(), so it
 * has a hold on the mailbox; its send fails once the mailbox is closed. */
static void *sensor(void *arg)
{
    weir_mailbox *readings = arg;
    int err = 0;

    for (int i = 0; err != -WEIR_ECLOSED; i++) {
        const struct reading r = {i, i % 10};
        err = weir_mailbox_try_send(readings, &r); /* never waits: a reading that does not fit is lost */
    }
    weir_mailbox_release(readings);
    return NULL;
}

/* A task: takes a thousand readings. */
static int take(weir_mailbox *readings)
{
    struct reading r;
    int err = 0;

    for (int i = 0; i < 1000 && err == 0; i++)
        err = weir_mailbox_receive(readings, &r);
    if (err == 0)
        printf("1000 readings, the last %s\n", r.number >= 999 ? "in its place" : "too early");
    return err;
}
/* [/sensor] */

/* [control] */
static int say(void *arg)
{
    printf("%s, in task \"%s\" of loop %d\n", (const char *)arg, weir_task_name(), weir_loop_index());
    return 0;
}

/* A thread of a user interface: starts a task, then stops the runtime. */
static void *control(void *arg)
{
    static char hello[] = "hello from the interface";
    weir_runtime *runtime = arg;
    int err = weir_post(runtime, 0, "greeting", say, hello);

    if (err < 0)
        fprintf(stderr, "not posted: %s\n", weir_error_text(err));
    weir_runtime_stop(runtime);
    return NULL;
}
/* [/control] */

/* [run] */
struct threads {
    pthread_t sensor, control;
};

static int run(void *arg)
{
    struct threads *t = arg;
    weir_mailbox *readings;
    int err = weir_mailbox_open(sizeof(struct reading), 64, &readings);

    if (err < 0)
        return err;
    pthread_create(&t->sensor, NULL, sensor, weir_mailbox_hold(readings));
    err = take(readings);
    pthread_create(&t->control, NULL, control, weir_runtime_here());
    if (err == 0)
        err = weir_sleep_until(weir_never()); /* until weir_runtime_stop() */
    weir_mailbox_close(readings);
    return err;
}

int main(void)
{
    struct threads t;
    int err = weir_run(NULL, run, &t);

    pthread_join(t.control, NULL);
    pthread_join(t.sensor, NULL);
    printf("stopped: %s\n", weir_error_text(err));
    return err == -WEIR_ECANCELED ? 0 : 1;
}
/* [/run] */
