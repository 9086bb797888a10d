/* SPDX-License-Identifier: MIT */
/* What a task waits for, in words.
 *
 * A wait is given a class, a constant; a thread that reads the task from outside composes the words. So a
 * wait stores two pointers, and text is formatted only when it is read.
 *
 * Threading: describe() runs on the reading thread, which may be any, while the loop goes on. Its arguments
 * are copies; it follows pointers by weir__peek() alone. What it writes counts only if the task is found to
 * have been in this wait all the time: then what the wait points to was there, and did not change but by what
 * the loop does to a wait that lasts.
 */
#ifndef WEIR__WAIT_H
#define WEIR__WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/charge.h>

#include "core/peek.h"

struct weir__ledger;
struct weir__loop;
struct weir__task;

enum { WEIR__WAIT_WORDS_BYTES = 192 };

/* The reader's side of a description. */
struct weir__look {
    struct weir__peek peek;
    struct weir__loop *here; /* the loop of the reading thread; or NULL */
    int64_t now_ns;          /* by the clock of the loop of the task */
};

struct weir__wait_words {
    char text[WEIR__WAIT_WORDS_BYTES];
    /* When not NULL: a queue, by its address, and a number that is the greater the later the task came to it.
     * The reader that has seen all of them adds ", 3rd of 9". */
    const void *queue;
    uint64_t ticket;
};

struct weir__wait_class {
    const char *words; /* a literal, without particulars: "reading from a stream" */
    /* Writes the particulars: "reading from 10.0.0.7:443". task: a copy, in this wait. Returns: false: they
     * can't be read. NULL: there are none. */
    bool (*describe)(const struct weir__look *look, const struct weir__task *task,
                     struct weir__wait_words *out);
    uint8_t
        charge; /* enum weir_charge_category: what its time is charged to, unless the task says otherwise */
    /* Charges the wait in parts once it is over, on the loop. NULL: it is charged to the above. */
    void (*charge_parts)(const struct weir__task *task, struct weir__ledger *ledger);
};

#endif
