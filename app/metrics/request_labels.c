/* SPDX-License-Identifier: MIT */
#include "metrics/request_labels.h"

#include <string.h>

#include <weir/http_server.h>

const char *const request_outlier_reasons[REQUEST_OUTLIER_DROPPED] = {
    [REQUEST_OUTLIER_SLOW] = "slow", [REQUEST_OUTLIER_LEARNED] = "learned"};

const char *const request_methods[REQUEST_METHODS] = {"GET",   "HEAD",    "POST",    "PUT",   "DELETE",
                                                      "PATCH", "OPTIONS", "CONNECT", "TRACE", "other"};

unsigned request_method_index(const char *method)
{
    unsigned i = 0;

    while (i < REQUEST_METHODS - 1 && strcmp(method, request_methods[i]) != 0)
        i++;
    return i;
}

size_t request_refusal_count(void)
{
    size_t count = 0;

    while (count < REQUEST_REFUSALS_MAX && weir_refusal_at(count) != NULL)
        count++;
    return count;
}

size_t request_refusal_index(const char *reason)
{
    size_t i = 0;

    while (i < REQUEST_REFUSALS_MAX - 1 && weir_refusal_at(i + 1) != NULL &&
           strcmp(weir_refusal_at(i)->reason, reason) != 0)
        i++;
    return i;
}
