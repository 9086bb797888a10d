/* SPDX-License-Identifier: MIT */
/* Writes a request that has ended as the JSON object of an outlier, all but what held its loop.
 *
 * Neither headers nor bodies are in it, and of the query what the access log shows.
 *
 * Threading: on_exchange, on the loop of the request. Does not wait.
 */
#ifndef APP_OUTLIERS_OUTLIER_JSON_H
#define APP_OUTLIERS_OUTLIER_JSON_H

#include <weir/charge.h>
#include <weir/http_server.h>
#include <weir/runtime.h>
#include <weir/trace.h>

#include "config/config.h"
#include "metrics/request_outliers.h"
#include "outliers/outlier.h"

enum { OUTLIER_TARGET_BYTES = 1024 }; /* of the target; a longer one is cut */

/* What is not in the record. */
struct outlier_facts {
    const struct config *config;
    enum request_outlier reason;
    weir_duration limit;
    weir_instant began;      /* by the clock of the loop */
    const weir_trace *trace; /* NULL: none */
    const weir_charge *charges;
    size_t charge_count;
    weir_runtime *runtime; /* whose pools are listed; NULL: none are */
};

/* Begins the object; outlier_json_end() ends it. Errors are in o->text.err. */
void outlier_json_begin(struct outlier *o, const weir_exchange_record *record,
                        const struct outlier_facts *facts);

/* Ends the object. */
void outlier_json_end(struct outlier *o);

#endif
