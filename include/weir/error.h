/* SPDX-License-Identifier: MIT */
/* Errors: every function that can fail returns a negative code, or >= 0 when it did what it says.
 *
 * Threading: everything here may be called from any thread and waits for nothing.
 *
 * A code is either a negative errno as the kernel gave it (-ECONNREFUSED, -ETIMEDOUT of TCP, -ENOMEM) or one
 * of Weir's own, which lie beyond every errno so that they can't be confused: a passed deadline of yours is
 * -WEIR_EDEADLINE and never the kernel's -ETIMEDOUT.
 */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_CHECKED __attribute__((warn_unused_result))

enum weir_error {
    WEIR_ECANCELED =
        5001, /* the scope was cancelled: by its owner, by a sibling's failure, or because the client left */
    WEIR_EDEADLINE,  /* the deadline of a scope passed; weir_scope_cause() says whose */
    WEIR_EBUSY,      /* a limit is reached and this asks to be refused rather than to wait */
    WEIR_ECLOSED,    /* the channel, stream or server was closed on this side */
    WEIR_EPROTOCOL,  /* the peer broke the protocol: its bytes can't be understood, or could be read two ways
                      */
    WEIR_ETRUNCATED, /* the peer closed before the end it had announced */
    WEIR_ETOOLARGE,  /* larger than the limit set for it */
    WEIR_EDNS,       /* the name has no address */
    WEIR_ECONFIG,    /* options that contradict each other or name something that does not exist */
    WEIR_ELATE,   /* a pool would not be done with the job before its caller's deadline, so it did not take it
                   */
    WEIR_ENESTED, /* a job asked the pool it runs in for another one, and no worker was free to run it */
    WEIR_ESLOW, /* the client sends its body, or takes its answer, too slowly for the limits of the server */
    WEIR_ECPU,  /* a job has used the CPU time that one may have */
};

/* Says in a few lower-case words what a code means: "deadline exceeded", "connection refused".
 * Owns:    the text is static and lives for ever.
 * Returns: never NULL; an unknown code gives "unknown error".
 * Where:   any thread.
 */
const char *weir_error_text(int err);

/* The symbolic name of a code, for logs: "WEIR_EDEADLINE", "ECONNREFUSED".
 * Owns:    the text is static and lives for ever.
 * Returns: never NULL; an unknown code gives "?".
 * Where:   any thread.
 */
const char *weir_error_name(int err);

#ifdef __cplusplus
}
#endif
#endif
