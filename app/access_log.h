/* The access log: one line for each exchange that has ended.
 *
 * Threading: any loop.
 */
#ifndef APP_ACCESS_LOG_H
#define APP_ACCESS_LOG_H

#include <weir/http_server.h>
#include <weir/log.h>
#include <weir/trace.h>

enum { ACCESS_LOG_PAIRS = 10 };

/* What a line says, with the texts that stand nowhere else. Not to be moved once filled. */
struct access_log_line {
    size_t count;
    weir_kv pairs[ACCESS_LOG_PAIRS];
    char trace[WEIR_TRACE_ID_BYTES];
};

/* Fills one line, which borrows from the record and the address of its client. What did not end as it should
 * says so under "ended". trace may be NULL.
 */
void access_log_fill(struct access_log_line *line, const weir_exchange_record *record, const char *peer,
                     const weir_trace *trace);

void access_log_write(const weir_exchange_record *record);

#endif
