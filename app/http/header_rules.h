/* SPDX-License-Identifier: MIT */
/* The rules of "headers:" (config/header_rules.h), applied.
 *
 * Threading: the task of the request.
 */
#ifndef APP_HTTP_HEADER_RULES_H
#define APP_HTTP_HEADER_RULES_H

#include <stdbool.h>

#include <weir/http_client.h>
#include <weir/http_request.h>
#include <weir/http_response.h>

#include "config/header_rules.h"

/* Reports whether rules replace or remove a header: it is not passed on as it is. '_' counts as '-'. */
bool header_rules_find(const struct config_header_rules *rules, weir_bytes name);

/* The same; most routes have no rules. */
static inline bool header_rules_name(const struct config_header_rules *rules, weir_bytes name)
{
    return rules->count > 0 && header_rules_find(rules, name);
}

/* Lists the headers that rules set. A value that needs what the request has not is left out.
 * Owns:    out has room for rules->count; texts live as long as the handler runs.
 * Returns: how many there are; -ENOMEM.
 */
WEIR_CHECKED int header_rules_set(const struct config_header_rules *rules, weir_request *req,
                                  weir_header *out);

/* Has rules applied to the answer, when its head is known: that of a handler, of a failure, of a refusal. To
 * be called before other filters are added, so that the rules come last.
 * Owns:    rules are lent until the exchange has ended.
 * Returns: 0; as weir_response_filter_add(); -ENOMEM.
 */
WEIR_CHECKED int header_rules_answer(const struct config_header_rules *rules, weir_request *req,
                                     weir_response *res);

#endif
