/* The access log: one line for each exchange that has ended.
 *
 * Threading: any loop.
 */
#ifndef APP_ACCESS_LOG_H
#define APP_ACCESS_LOG_H

#include <weir/http_server.h>
#include <weir/log.h>

enum { ACCESS_LOG_PAIRS = 9 };

/* The pairs of one line; they borrow from the record and the address of its client. What did not end as it
 * should says so under "ended".
 * Returns: how many.
 */
size_t access_log_pairs(const weir_exchange_record *record, const char *peer,
                        weir_kv pairs[ACCESS_LOG_PAIRS]);

void access_log_write(const weir_exchange_record *record);

#endif
