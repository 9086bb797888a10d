#include "access_log.h"

#include <stdbool.h>

size_t access_log_pairs(const weir_exchange_record *record, const char *peer, weir_kv pairs[ACCESS_LOG_PAIRS])
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
    };
    size_t count = 0;
    for (size_t i = 0; i < ACCESS_LOG_PAIRS; i++)
        if (list[i].key)
            pairs[count++] = list[i];
    return count;
}

void access_log_write(const weir_exchange_record *record)
{
    weir_kv pairs[ACCESS_LOG_PAIRS];
    weir_log_write(WEIR_LOG_INFO, "request", pairs,
                   access_log_pairs(record, weir_request_peer(record->request), pairs));
}
