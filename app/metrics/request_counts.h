/* SPDX-License-Identifier: MIT */
/* Counts the requests of the gateway: each loop those it has answered, by route. request_totals.h reads them.
 *
 * Threading: each loop counts into cells of its own, and shares no cache line with another. Any thread may
 * read meanwhile, until request_counts_free().
 */
#ifndef APP_METRICS_REQUEST_COUNTS_H
#define APP_METRICS_REQUEST_COUNTS_H

#include <weir/error.h>
#include <weir/http_server.h>

#include "config/config.h"

struct request_counts;      /* of the gateway */
struct request_counts_loop; /* the cells of one loop */

/* Owns:    config is lent until request_counts_free(). */
WEIR_CHECKED int request_counts_open(const struct config *config, struct request_counts **out);

/* Lets the cells lie in memory that outlives the process (cells_left.h): an empty memfd. Before any loop has
 * cells. Owns: memory is lent until request_counts_free().
 * Returns: 0; an error of writing to it. */
WEIR_CHECKED int request_counts_share(struct request_counts *counts, int memory);

/* Once no loop counts and no thread reads any more. NULL is nothing. */
void request_counts_free(struct request_counts *counts);

/* Cells for the loop this is called on, kept until request_counts_free().
 * Returns: NULL when there is no memory.
 */
struct request_counts_loop *request_counts_loop_open(struct request_counts *counts);

/* Counts an exchange that has ended; its data is its struct config_route. On the loop of the cells. */
void request_counts_add(struct request_counts_loop *loop, const weir_exchange_record *record);

/* Counts a request of a route whose key shared the bucket of its rate with others. On the loop of the cells.
 */
void request_counts_add_rate_shared(struct request_counts_loop *loop, const struct config_route *route);

/* Begins another second, of which breakdown_wants() samples. The reader calls it about once a second. */
void request_counts_next_second(struct request_counts *counts);

#endif
