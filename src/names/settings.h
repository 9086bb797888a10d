/* SPDX-License-Identifier: MIT */
/* What the resolvers of a runtime go by: its options, the hosts file and resolv.conf, as last read.
 *
 * A thread reads the files, made with the first name that a loop asks for: a loop must not wait for a file,
 * and a pool may be full of other jobs. The thread sleeps until a loop asks it to look; it compares what
 * stat(2) says, which holds for files on every file system, mounted over or reached by links, while
 * inotify(7) misses some of them and may have no instance left.
 *
 * Threading: the loops of the runtime; what they are given is immutable.
 */
#ifndef WEIR__NAMES_SETTINGS_H
#define WEIR__NAMES_SETTINGS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <weir/resolver.h>

#include "base/file.h"
#include "base/sentences.h"
#include "base/list.h"
#include "names/hosts.h"
#include "names/resolv_conf.h"

struct weir__name_source;

enum { WEIR__NAMES_HOSTS_BYTES_MAX = 16 << 20 }; /* the rest of a larger hosts file is not read */

/* Immutable, but for the count. */
struct weir__name_settings {
    atomic_uint users;
    uint32_t generation; /* greater than that of the settings before */
    char *hosts_text;
    struct weir__hosts hosts;
    struct weir__resolv_conf conf;
    int64_t whole_ns; /* of a look-up */
    int attempt_ms;   /* of the first attempt at a server */
    int attempts;
};

/* A loop that asks for a look at the files. */
struct weir__settings_asker {
    struct weir__list node; /* in names->askers; else in no list */
    /* Called on the thread once the files have been looked at, with settings that the asker then owns. */
    void (*looked)(struct weir__settings_asker *asker, struct weir__name_settings *settings);
};

/* Of a runtime. */
struct weir__names {
    weir_resolver_options options; /* defaults filled in */
    const struct weir__name_source *source;
    bool is_simulated; /* there are neither files nor servers */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct weir__sentences words;
    /* locked */
    bool is_open, started, ending;
    struct weir__list askers;
    struct weir__name_settings *settings; /* as last read; NULL: never */
    /* the thread's */
    struct weir__file_mark hosts_mark, conf_mark;
};

/* Checks and takes over the options of a runtime; NULL: all defaults. Returns: 0; -EINVAL. */
int weir__names_open(struct weir__names *names, const weir_resolver_options *options,
                     const struct weir__name_source *source, bool is_simulated) WEIR_CHECKED;

/* Ends the thread: no asker is called from now on. The loops have ended. */
void weir__names_stop(struct weir__names *names);
void weir__names_free(struct weir__names *names);

/* Asks for a look at the files. Returns: 0: asker->looked() will be called, unless the thread is ended
 * before; < 0: no thread. */
int weir__settings_ask(struct weir__names *names, struct weir__settings_asker *asker) WEIR_CHECKED;

/* Settings without files, for a simulation. Returns: NULL: no memory. */
struct weir__name_settings *weir__settings_simulated(const struct weir__names *names);

void weir__settings_drop(struct weir__name_settings *settings); /* NULL is fine */

/* A text that is kept as long as the runtime: the words for a failure. Returns: the text, or a shorter one.
 */
const char *weir__names_words(struct weir__names *names, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
