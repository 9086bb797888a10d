/* SPDX-License-Identifier: MIT */
/* Errors: every function that can fail returns a negative code, or a value >= 0 if it succeeded.
 *
 * Threading: everything here may be called from any thread and does not wait.
 *
 * A code is either a negative errno as the kernel returned it (-ECONNREFUSED, TCP's -ETIMEDOUT, -ENOMEM) or
 * one of Weir's own. Weir's codes lie beyond every errno, so the two cannot be confused: the passed
 * deadline of a scope is -WEIR_EDEADLINE and never the kernel's -ETIMEDOUT.
 */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_CHECKED __attribute__((warn_unused_result))

enum weir_error {
    WEIR_ECANCELED = 5001, /* the scope was cancelled: by its owner, by the failure of a sibling task, or
                              because the client left */
    WEIR_EDEADLINE,  /* the deadline of a scope passed; weir_scope_expired() reports whether it was a given
                        scope's own */
    WEIR_EBUSY,      /* a limit is reached, and the request is refused instead of waiting */
    WEIR_ECLOSED,    /* the channel, stream, server or pool was closed on this side */
    WEIR_EPROTOCOL,  /* the peer violated the protocol: its bytes cannot be parsed, or are ambiguous */
    WEIR_ETRUNCATED, /* the peer closed the connection before the end it had announced */
    WEIR_ETOOLARGE,  /* larger than the limit that applies */
    WEIR_EDNS,       /* the name has no address */
    WEIR_ECONFIG,    /* options that contradict each other, or name something that does not exist */
    WEIR_ELATE,      /* the pool refused the job: it would not end before its caller's deadline */
    WEIR_ENESTED,    /* a job offloaded another job to its own pool, and no worker was free to run it */
    WEIR_ESLOW, /* the client sends its body, or takes its answer, more slowly than the server's limits allow
                 */
    WEIR_ECPU,  /* the job has used the CPU time that one job may use */
    WEIR_EIDLE, /* the peer of a stream has sent, or taken, no byte for the stream's idle timeout */
    WEIR_EOPEN, /* too many requests to the backend have failed: its circuit breaker is open, and refuses */
    WEIR_ELIMITED, /* as many requests to the backend are in progress as there may be */
    WEIR_ETLS,     /* the TLS handshake failed, or the peer violated TLS */
};

/* Describes a code in a few lower-case words: "deadline exceeded", "connection refused".
 * Owns:    the text is static.
 * Returns: never NULL; "unknown error" for an unknown code.
 * Where:   any thread.
 */
const char *weir_error_text(int err);

/* Names a code by its symbol, for logs: "WEIR_EDEADLINE", "ECONNREFUSED".
 * Owns:    the text is static.
 * Returns: never NULL; "?" for an unknown code.
 * Where:   any thread.
 */
const char *weir_error_name(int err);

#ifdef __cplusplus
}
#endif
#endif
