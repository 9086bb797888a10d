#include "access_log.h"

#include <stdbool.h>

void access_log_fill(struct access_log_line *line, const weir_exchange_record *record, const char *peer,
                     const weir_trace *trace)
{
    const weir_kv list[ACCESS_LOG_PAIRS] = {
        WEIR_KV("method", record->method),
        WEIR_KV("target", record->target),
        record->route[0] ? WEIR_KV("route", record->route) : weir_kv_none(),
        record->status ? WEIR_KV_INT("status", record->status) : weir_kv_none(),
        record->complete ? weir_kv_none() : WEIR_KV("ended", record->status ? "cut" : "client left"),
        record->request_bytes ? WEIR_KV_INT("received", record->request_bytes) : weir_kv_none(),
        WEIR_KV_INT("sent", record->reply_bytes),
        WEIR_KV_DURATION("took", record->took),
        WEIR_KV("peer", peer),
        trace ? WEIR_KV("trace", weir_trace_format_id(trace, line->trace)) : weir_kv_none(),
    };
    line->count = 0;
    for (size_t i = 0; i < ACCESS_LOG_PAIRS; i++)
        if (list[i].key)
            line->pairs[line->count++] = list[i];
}

void access_log_write(const weir_exchange_record *record)
{
    struct access_log_line line;
    access_log_fill(&line, record, weir_request_peer(record->request), weir_request_trace(record->request));
    weir_log_write(WEIR_LOG_INFO, "request", line.pairs, line.count);
}
