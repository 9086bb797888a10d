/* SPDX-License-Identifier: MIT */
/* Writes which tasks held the loop of a request meanwhile, with their stacks, as the watch has reported them.
 *
 * Threading: the recorder's thread, while it holds the runtime.
 */
#ifndef APP_OUTLIERS_STALLS_DURING_H
#define APP_OUTLIERS_STALLS_DURING_H

#include <weir/runtime.h>

#include "outliers/outlier.h"

/* Adds the member "stalls" to the object. runtime NULL: the list is empty.
 * Takes:   after: what the watch calls a stall; its reports are not more exact. */
void stalls_during_write(struct outlier *o, weir_runtime *runtime, weir_duration after);

#endif
