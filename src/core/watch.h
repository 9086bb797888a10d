/* The watch of one weir_run(): a thread that sleeps until the slice that runs now would be a stall, on each
 * loop.
 *
 * Threading: opening and closing are for who runs the loops. A loop's thread enters and leaves; in between
 * the watch looks at it, and it knows nothing of it but when it is interrupted.
 *
 * It accuses nobody falsely: it looks at a slice's counter before and after everything it does, and lets go
 * when the loop has moved on; what the slice went into is judged by the kernel's books of the thread
 * (judge.h).
 */
#ifndef WEIR__WATCH_H
#define WEIR__WATCH_H

struct weir_runtime;
struct weir__logger;
struct weir__loop;
struct weir__thread;

/* Where weir_log() goes on the watch's own thread, for the hook; NULL on others. */
extern __thread const struct weir__logger *weir__watch_logger
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Starts it, unless the options say that there is none. Returns: 0; a negative errno. */
int weir__watch_open(struct weir_runtime *runtime) __attribute__((warn_unused_result));
void weir__watch_close(struct weir_runtime *runtime);

/* The loop of the calling thread is looked at from here on, if it can be; and no longer when it leaves. */
void weir__watch_enter(struct weir__loop *loop, const struct weir__thread *thread);
void weir__watch_leave(struct weir__loop *loop);

#endif
