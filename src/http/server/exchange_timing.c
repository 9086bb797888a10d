/* SPDX-License-Identifier: MIT */
#include "http/server/exchange_timing.h"

#include "core/account/attribution.h"
#include "http/server/server_timing.h"

weir_duration weir__exchange_close(struct weir__exchange *x)
{
    const struct weir__loop *loop = x->home->loop;

    if (!x->activity.ledger.on)
        return (weir_duration){weir__loop_now_ns(loop) - x->began_ns};
    return (weir_duration){weir__heartbeat_ns(
        &loop->heartbeat, weir__ledger_close(&x->activity.ledger, weir__heartbeat_ticks(&loop->heartbeat)))};
}

static size_t account(struct weir__exchange *x, weir_charge out[WEIR_CHARGES_MAX])
{
    if (!x->activity.ledger.on)
        return 0;
    return weir__ledger_account(&x->activity.ledger, &x->home->loop->heartbeat, out);
}

size_t weir_exchange_charges(const weir_exchange_record *record, weir_charge out[WEIR_CHARGES_MAX])
{
    return record->request != NULL ? account(weir__exchange_of_request(record->request), out) : 0;
}

void weir__exchange_add_timing(struct weir__exchange *x)
{
    char text[WEIR__SERVER_TIMING_BYTES];
    weir_charge *charges = weir__arena_calloc(&x->memory, WEIR_CHARGES_MAX, sizeof *charges);
    weir_duration took = weir__exchange_close(x);

    if (charges == NULL)
        return;
    (void)weir__server_timing_write(text, charges, account(x, charges), took);
    (void)weir_response_header_add(&x->response, "server-timing",
                                   text); /* without memory the response has no such header */
}
