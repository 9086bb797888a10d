/* SPDX-License-Identifier: MIT */
/* Reading the files of a context, when it is opened, and again when they have changed. */
#ifndef WEIR__TLS_RECHECK_H
#define WEIR__TLS_RECHECK_H

#include <weir/pool.h>

#include "tls/context/context_record.h"
#include "tls/context/fault.h"

/* Reads all files of a new context and makes its content. A job of the blocking pool.
 * Returns: 0; as weir_tls_server_open(). */
int weir__tls_read_all(weir_tls *tls, struct weir__tls_fault *fault) WEIR_CHECKED;

/* Looks at the files of a context, which is the argument, and takes what has changed. A job of the blocking
 * pool, one at a time. Returns: 0; -ENOMEM. */
int weir__tls_look_again(weir_job *job, void *arg);

/* Looks at the files in the background if they were last looked at long ago. A loop of the runtime. */
void weir__tls_recheck(weir_tls *tls);

/* Tells the connections that wait for a look that it is over. */
void weir__tls_looks_over(weir_tls *tls);

#endif
