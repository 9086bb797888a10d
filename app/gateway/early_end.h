/* SPDX-License-Identifier: MIT */
/* SIGTERM and SIGINT outside of the time in which a service heeds them.
 *
 * Threading: the main thread.
 */
#ifndef APP_GATEWAY_EARLY_END_H
#define APP_GATEWAY_EARLY_END_H

/* Has SIGTERM and SIGINT end the program at once, with exit code 0, and SIGUSR1 do nothing, which would end
 * it otherwise. For the time before the service and after its drain: nothing is in progress then, and no log
 * is open. */
void end_early(void);

#endif
