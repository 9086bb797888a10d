/* SPDX-License-Identifier: MIT */
/* The rules of "auth:" (config/auth.h), applied to a request.
 *
 * Threading: the task of the request.
 */
#ifndef APP_AUTH_ADMIT_H
#define APP_AUTH_ADMIT_H

#include <weir/http_request.h>
#include <weir/http_response.h>

#include "auth/stores.h"
#include "auth/verified.h"

/* Lets a request pass, whose user is then known (weir_request_user()), or refuses it with 401. Passwords are
 * compared by the pool "compute" unless they were right lately.
 * Owns:    all is lent until the function returns.
 * Returns: 0 it may pass; 1 it is answered; as weir_offload() when the pool takes no job, which the server
 *          answers with 503; as weir_respond_fault(); -ENOMEM.
 * Cancel:  ends the wait for the pool; a password that is being compared is awaited.
 * Where:   task. Waits.
 */
WEIR_CHECKED int auth_admit(const struct config_auth *auth, struct auth_store *store,
                            struct verified *verified, weir_request *req, weir_response *res);

#endif
