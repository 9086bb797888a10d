/* The page /stalls: who has held a loop, the latest first.
 *
 * Threading: the admin's loop; no loop of the gateway is asked.
 */
#ifndef APP_ADMIN_STALLS_H
#define APP_ADMIN_STALLS_H

#include "observed.h"
#include "text_out.h"

void admin_stalls_write(struct observed *o, struct text_out *out);

#endif
