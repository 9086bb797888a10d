/* SPDX-License-Identifier: MIT */
/* Memory that several processes share: blocks found by name, and counts that stay right when a process dies.
 *
 * One process makes the memory and hands its descriptor to the others. Every process that counts in it is a
 * member, with a number that no other living member has. A count is kept as one cell for each member; it is
 * the sum of all. A member writes its own cell alone, so that what a dead member had taken is found, and
 * given back, by the process that calls weir_shared_expel() for it. Nothing in the memory can be left locked
 * by a process that dies.
 *
 * Given to a runtime (weir_options.shared), the memory holds what backends of one name have in common, so
 * that the maxima of <weir/backend.h> are those of all processes together.
 *
 * Threading: any thread.
 */
#ifndef WEIR_SHARED_H
#define WEIR_SHARED_H

#ifndef __cplusplus
#include <stdatomic.h>
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_shared weir_shared;

enum { WEIR_SHARED_MEMBERS_MAX = 64, WEIR_SHARED_NAME_BYTES = 128 };

/* A number that the members of a shared memory keep together, each in a cell of its own. Read and written by
 * the functions below. */
typedef struct weir_shared_count {
#ifdef __cplusplus
    int32_t cells[WEIR_SHARED_MEMBERS_MAX];
#else
    _Atomic int32_t cells[WEIR_SHARED_MEMBERS_MAX];
#endif
} weir_shared_count;

/* Makes shared memory for blocks of so many bytes together, each with 192 more: an anonymous file, of which
 * only those pages exist that are used.
 * Owns:    the caller owns *fd and closes it; the memory exists as long as a process has it open or mapped.
 * Returns: 0; -EINVAL bytes is 0 or above 1 GiB; -ENOMEM, -EMFILE, -ENFILE.
 * Where:   any thread. Does not wait.
 */
int weir_shared_make(size_t bytes, int *fd) WEIR_CHECKED;

/* Maps shared memory as one of its members.
 * Owns:    fd stays the caller's. The caller owns *out and closes it.
 * Takes:   member: 0 … WEIR_SHARED_MEMBERS_MAX - 1.
 * Returns: 0; -EINVAL member, or fd is no shared memory of this version; -EBADF, -ENOMEM.
 * Where:   any thread. Does not wait.
 */
int weir_shared_open(int fd, int member, weir_shared **out) WEIR_CHECKED;

/* Unmaps it, once nothing of it is used any more, and nothing listens. What this member has counted stays.
 * NULL does nothing.
 * Where:   any thread. Does not wait.
 */
void weir_shared_close(weir_shared *shared);

/* Names this member.
 * Returns: its number, as given to weir_shared_open().
 * Where:   any thread. Does not wait.
 */
int weir_shared_member(const weir_shared *shared);

/* Finds a block, or adds it, zeroed. A block begins with so many weir_shared_count and has so many bytes in
 * all, aligned to 64. Blocks stay.
 * Owns:    name is copied. *out belongs to the memory, and is valid until weir_shared_close().
 * Returns: 0; -EINVAL name is empty or too long, or bytes too few for the counts; -WEIR_ECONFIG the block is
 * there with another size; -ENOSPC no room is left.
 * Where:   any thread. Blocks for moments, while another process adds a block.
 */
int weir_shared_block(weir_shared *shared, const char *name, size_t counts, size_t bytes,
                      void **out) WEIR_CHECKED;

/* Takes the one lock of the memory, which weir_shared_block() takes, too: for changing what lies in blocks in
 * several steps, for moments, and not for each request. A process that dies gives it up: what it has changed
 * half is for the next holder to recognize. A holder that is stopped holds up all others, which is logged. A
 * thread that has it neither takes it again nor calls weir_shared_block(): it would wait for itself.
 * Where:   any thread. Blocks while another process has it.
 */
void weir_shared_lock(weir_shared *shared);

/* Gives it up.
 * Where:   the thread that took it.
 */
void weir_shared_unlock(weir_shared *shared);

/* Adds one to a count unless it has reached max.
 * Returns: whether it was added; two members that reach for the last one at the same time may both fail.
 * Where:   any thread. Does not wait.
 */
bool weir_shared_count_try(weir_shared *shared, weir_shared_count *count, int max) WEIR_CHECKED;

/* Adds to a count: a negative number gives back what this member had added.
 * Where:   any thread. Does not wait.
 */
void weir_shared_count_add(weir_shared *shared, weir_shared_count *count, int n);

/* Adds up a count.
 * Returns: the sum of all members; a moment old.
 * Where:   any thread. Does not wait.
 */
int weir_shared_count_sum(weir_shared *shared, weir_shared_count *count);

/* Reads the share of one member in a count.
 * Returns: what it has added.
 * Where:   any thread. Does not wait.
 */
int weir_shared_count_of(const weir_shared_count *count, int member);

/* Gives back all that a member has added to any count: it has died, and is a member no longer. Its number may
 * be given to another process afterwards. Rings all members but this one.
 * Where:   any thread. Does not wait.
 */
void weir_shared_expel(weir_shared *shared, int member);

/* --- waking another member --- */

/* Has the listeners of a member called soon. Harmless when it is stopped, or dead.
 * Where:   any thread. Does not wait.
 */
void weir_shared_ring(weir_shared *shared, int member);

/* Storage for a listener. */
typedef struct weir_shared_listener {
    unsigned char storage[48] __attribute__((aligned(16)));
} weir_shared_listener;

/* Begins to listen for this member's being rung. A thread that this process has for it calls fn(arg) soon
 * after each ring, once for several, and besides four times a second: what a member waits for may have been
 * given up by one that died before it could ring. fn does not wait, nor begin or end to listen; it may post
 * to loops.
 * Owns:    listener is the caller's storage, lent until weir_shared_unlisten().
 * Returns: 0; -EAGAIN no thread could be made.
 * Where:   any thread, but within a listener. Blocks for moments.
 */
int weir_shared_listen(weir_shared *shared, weir_shared_listener *listener, void (*fn)(void *arg),
                       void *arg) WEIR_CHECKED;

/* Ends that. fn is not called any more once this returns.
 * Where:   as weir_shared_listen().
 */
void weir_shared_unlisten(weir_shared *shared, weir_shared_listener *listener);

#ifdef __cplusplus
}
#endif
#endif
