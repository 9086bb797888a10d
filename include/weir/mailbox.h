/* SPDX-License-Identifier: MIT */
/* Mailboxes: a bounded queue of items into one loop, from any thread.
 *
 *     weir_mailbox *prices;                                // a task makes it, on its loop
 *     weir_mailbox_open(sizeof(struct price), 1024, &prices);
 *
 *     if (weir_mailbox_try_send(prices, &price) < 0)       // any thread, job or loop: never waits
 *         lost++;
 *
 *     while (weir_mailbox_receive(prices, &price) == 0)    // tasks of the loop that made it
 *         …
 *
 * Threading: any thread sends; tasks of the loop that opened the mailbox receive, and open and close it. A
 * sender whose life the receiving task does not know keeps the mailbox with weir_mailbox_hold(): from then on
 * it may send at any time, also after the close and after the end of weir_run(), and is told that the mailbox
 * is closed. Items of one sender are received in the order in which they were sent. Under simulation only
 * tasks and jobs send.
 *
 * Mistakes end the program with a sentence: receiving on another loop or after the close, a second close, a
 * hold that is released twice. A closed mailbox that no thread holds is recognised for the next 64 closes of
 * mailboxes, channels, streams and the like on its loop; until then a sender without a hold is told that it
 * is closed. After that its memory is freed, and a use is undefined.
 *
 * A channel (<weir/sync.h>) does the same among the tasks of one loop, for less.
 */
#ifndef WEIR_MAILBOX_H
#define WEIR_MAILBOX_H

#include <stddef.h>

#include <weir/error.h>
#include <weir/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_mailbox weir_mailbox;

/* Makes a mailbox for up to capacity items of item_bytes each, which are copied in and out.
 * Owns:    the caller owns the mailbox and closes it on this loop. One that is still open when the loop ends
 *          is closed then, with a line in the log.
 * Returns: 0; -EINVAL capacity or item_bytes is 0; -ENOMEM.
 * Where:   task. Does not wait.
 */
int weir_mailbox_open(size_t item_bytes, size_t capacity, weir_mailbox **out) WEIR_CHECKED;

/* Closes the mailbox: items in it are freed, waiting senders get -WEIR_ECLOSED, and no task may wait to
 * receive. The rest of the memory is kept as long as the mailbox is held. NULL does nothing.
 * Where:   task of its loop. Does not wait.
 */
void weir_mailbox_close(weir_mailbox *m);

/* Keeps the memory of the mailbox, also beyond the close, until weir_mailbox_release(). The thread that
 * starts a sender holds the mailbox for it.
 * Owns:    one hold, which is released once.
 * Returns: m.
 * Where:   any thread that may use m. Does not wait.
 */
weir_mailbox *weir_mailbox_hold(weir_mailbox *m);

/* Gives a hold back. NULL does nothing.
 * Where:   any thread. Does not wait.
 */
void weir_mailbox_release(weir_mailbox *m);

/* Copies one item into the mailbox if there is room.
 * Returns: 0; -WEIR_EBUSY the mailbox is full; -WEIR_ECLOSED it is closed, or was ended.
 * Where:   any thread. Does not wait.
 */
int weir_mailbox_try_send(weir_mailbox *m, const void *item) WEIR_CHECKED;

/* Copies one item into the mailbox, and waits while it is full. Senders that wait are served in the order of
 * their arrival.
 * Returns: 0; -WEIR_ECLOSED the mailbox is closed, or was ended; in a task -WEIR_ECANCELED, -WEIR_EDEADLINE:
 *          then the item is not in the mailbox.
 * Cancel:  leaves the queue at once.
 * Where:   task of any loop, which waits; or job or other thread, which blocks. A job blocks under simulation
 *          never: there a full mailbox is -WEIR_EBUSY.
 */
int weir_mailbox_send(weir_mailbox *m, const void *item) WEIR_CHECKED;

/* Copies one item out of the mailbox, and waits while it is empty.
 * Returns: 0; -WEIR_ECLOSED it was ended and is empty; -WEIR_ECANCELED, -WEIR_EDEADLINE: nothing was taken.
 * Cancel:  leaves the queue at once.
 * Where:   task of its loop. Waits.
 */
int weir_mailbox_receive(weir_mailbox *m, void *item) WEIR_CHECKED;

/* Copies one item out of the mailbox if there is one.
 * Returns: 0; -EAGAIN it is empty; -WEIR_ECLOSED it was ended and is empty.
 * Where:   task of its loop. Does not wait.
 */
int weir_mailbox_try_receive(weir_mailbox *m, void *item) WEIR_CHECKED;

/* Ends the mailbox: sends fail from now on, waiting ones too. Receivers get the items that are
 * left, then -WEIR_ECLOSED.
 * Where:   any thread. Does not wait.
 */
void weir_mailbox_end(weir_mailbox *m);

/* Makes the case of weir_select() that receives from a mailbox, as weir_mailbox_receive() does.
 * Owns:    both are lent until the weir_select() returns.
 * Returns: the case.
 * Where:   task of its loop.
 */
static inline weir_case weir_on_mail(weir_mailbox *m, void *item)
{
    weir_case c = {WEIR_ON_MAIL, m, item};

    return c;
}

#ifdef __cplusplus
}
#endif
#endif
