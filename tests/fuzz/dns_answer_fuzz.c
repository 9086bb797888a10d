/* SPDX-License-Identifier: MIT */
/* Raw answers of DNS servers, and the two files that names come from. The input is read as an answer to a
 * question that stands in it, so that the records behind it are reached. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "names/answer.h"
#include "names/hosts.h"
#include "names/resolv_conf.h"

static void try_answer(const uint8_t *bytes, size_t size)
{
    static const char *const names[] = {"a.example", "b.a.example", "x"};
    struct weir__answer out;

    for (size_t i = 0; i < 2 * sizeof names / sizeof names[0]; i++) {
        int err = weir__answer_read(bytes, size, names[i / 2], i % 2 ? WEIR__IPV4 : WEIR__IPV6, &out);
        CHECK(err == 0 || err == -WEIR_EPROTOCOL);
        CHECK((out.type == WEIR__ANSWER_FAILED) == (err < 0) && (out.why != NULL) == (err < 0));
        CHECK((out.type == WEIR__ANSWER_ADDRESSES) == (out.count > 0) && out.count <= WEIR_RESOLVED_MAX);
        CHECK(out.type != WEIR__ANSWER_ADDRESSES || (out.has_ttl && out.ttl_s <= INT32_MAX));
        for (size_t k = 0; k < out.count; k++)
            CHECK(out.ips[k].family == (i % 2 ? WEIR__IPV4 : WEIR__IPV6));
    }
}

static void try_hosts(const char *text, size_t size)
{
    struct weir__ip found[WEIR_RESOLVED_MAX], again[WEIR_RESOLVED_MAX];
    struct weir__hosts index;
    int count = weir__hosts_find(text, size, "a.example", found, WEIR_RESOLVED_MAX), distinct;

    CHECK(weir__hosts_index(text, size, &index) == 0);
    distinct = weir__hosts_look_up(&index, "a.example", 9, again, WEIR_RESOLVED_MAX);
    CHECK(distinct <= count && (distinct > 0) == (count > 0));
    CHECK(count == 0 || weir__ip_compare(&found[0], &again[0]) == 0);
    weir__hosts_free(&index);
}

static void try_conf(const char *text, size_t size)
{
    struct weir__resolv_conf conf;
    char full[WEIR__NAME_BYTES];
    int n = 0;

    weir__resolv_conf_read(text, size, &conf);
    CHECK(conf.server_count >= 1 && conf.server_count <= WEIR__CONF_SERVERS_MAX);
    CHECK(conf.ndots >= 0 && conf.ndots <= WEIR__NDOTS_MAX);
    while (weir__search_name(&conf, "a.example", 9, n, full) > 0) {
        CHECK(strlen(full) <= 253 && strncmp(full, "a.example", 9) == 0);
        n++;
    }
    CHECK(n >= 1 && n <= conf.search_count + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    try_answer(bytes, size);
    if (size <= 4096) {
        try_hosts((const char *)bytes, size);
        try_conf((const char *)bytes, size);
    }
    return 0;
}
