/* SPDX-License-Identifier: MIT */
/* Reading the raw answer of a DNS server: RFC 1035, 2181, 2308.
 *
 * Only what answers the question is believed: addresses of the asked name, or of the name at the end of its
 * chain of aliases; and the SOA of a zone that this name is in. Whatever else an answer brings is passed
 * over.
 *
 * Threading: pure functions.
 */
#ifndef WEIR__NAMES_ANSWER_H
#define WEIR__NAMES_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/resolver.h>

#include "names/ip.h"

enum {
    WEIR__ALIASES_MAX = 16,  /* of a chain */
    WEIR__RECORDS_MAX = 512, /* of an answer; those behind them are not read */
};

enum weir__answer_type {
    WEIR__ANSWER_ADDRESSES,
    WEIR__ANSWER_NO_ADDRESS, /* the name exists, and has no address of this family */
    WEIR__ANSWER_NO_NAME,
    WEIR__ANSWER_FAILED, /* no answer to the question; why says what came instead */
};

struct weir__answer {
    enum weir__answer_type type;
    bool has_ttl;
    uint32_t ttl_s;  /* the least of the chain and the addresses; without addresses that of the SOA */
    const char *why; /* of a failure; static, or kept as long as the runtime */
    size_t count;
    struct weir__ip ips[WEIR_RESOLVED_MAX];
};

/* Reads the answer to a question for the addresses of a family. name: as asked, without a final dot.
 * Returns: 0; -WEIR_EPROTOCOL it is no answer to that, or is malformed: *out is a failure. */
int weir__answer_read(const void *data, size_t len, const char *name, uint8_t family,
                      struct weir__answer *out);

#endif
