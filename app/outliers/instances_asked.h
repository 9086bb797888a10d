/* SPDX-License-Identifier: MIT */
/* The addresses of the instances that answered the calls of a gather.
 *
 * Threading: on_exchange, on the loop of the request. Does not wait.
 */
#ifndef APP_OUTLIERS_INSTANCES_ASKED_H
#define APP_OUTLIERS_INSTANCES_ASKED_H

#include <weir/runtime.h>

#include "routes/gather_note.h"

enum { INSTANCE_ADDRESS_BYTES = 128 };

typedef char instance_address[INSTANCE_ADDRESS_BYTES];

/* Looks up the addresses.
 * Owns:    the caller frees the result with free().
 * Returns: one text for each call, empty where it is not known; NULL: none is, or there is no memory. */
instance_address *instances_asked(const struct gather_note *note, weir_runtime *runtime);

#endif
