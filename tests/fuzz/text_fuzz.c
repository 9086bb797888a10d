/* SPDX-License-Identifier: MIT */
/* Exported text: what a reader takes is put together again and read again; every fault has its place; a span
 * lies within the text. */
#include <errno.h>
#include <string.h>

#include <weir/address.h>
#include <weir/http_text.h>
#include <weir/stream.h>
#include <weir/url.h>

#include "fuzz/fuzz.h"
#include "net/address.h"

static void check_fault(weir_bytes text, int err, const weir_text_fault *fault)
{
    CHECK(err == 0 || (err == -EINVAL && fault->at <= text.len && fault->expected[0]));
}

static bool lies_in(weir_bytes part, weir_bytes text)
{
    return part.data >= text.data && part.data + part.len <= text.data + text.len;
}

static void try_address(weir_bytes text)
{
    char again[400], copy[400];
    struct weir__endpoint endpoint;
    weir_address address, second;
    weir_text_fault fault = {0};
    int err = weir_address_parse(text, &address, &fault);

    check_fault(text, err, &fault);
    if (text.len < sizeof copy && memchr(text.data, '\0', text.len) == NULL) {
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
        CHECK((weir__endpoint_parse(copy, &endpoint) == 0) == (err == 0));
    }
    if (err < 0)
        return;
    CHECK((address.path.len > 0) != (address.host.len > 0));
    CHECK(lies_in(address.path.len > 0 ? address.path : address.host, text));
    CHECK(weir_address_format(&address, again, sizeof again) > 0);
    CHECK(weir_address_parse(weir_bytes_of(again), &second, NULL) == 0);
    CHECK(weir_bytes_equal(address.host, second.host) && weir_bytes_equal(address.path, second.path) &&
          address.port == second.port && address.host_type == second.host_type);
}

static void try_url(weir_bytes text)
{
    weir_address address;
    weir_text_fault fault = {0};
    weir_url url;
    int err = weir_url_parse(text, &url, &fault);

    check_fault(text, err, &fault);
    if (err < 0)
        return;
    CHECK(lies_in(url.authority, text) && lies_in(url.host, url.authority) && lies_in(url.origin, text));
    CHECK(url.port > 0 && url.target.data[0] == '/' && weir_url_check_target(url.target, NULL) == 0);
    CHECK(weir_bytes_equal(url.path, (weir_bytes){url.target.data, url.path.len}));
    CHECK(url.path.len + (url.query.data != NULL ? url.query.len + 1 : 0) == url.target.len);
    if (memchr(url.authority.data, ':', url.authority.len) != NULL &&
        url.authority.data[url.authority.len - 1] != ']')
        CHECK(weir_address_parse(url.authority, &address, NULL) == 0 && address.port == url.port);
}

static void try_pattern(weir_bytes text)
{
    weir_text_fault fault = {0};
    int err = weir_pattern_check(text, &fault);

    check_fault(text, err, &fault);
    if (err == 0)
        CHECK(weir_pattern_covers(text, text) && weir_pattern_covers(weir_bytes_of("/*"), text));
    check_fault(text, weir_methods_check(text, &fault), &fault);
}

static void try_coding(weir_bytes text)
{
    char *back = malloc(text.len + 1);
    weir_buffer out;
    weir_query_pair pair;
    weir_bytes rest = text, element;
    int n;

    CHECK(back != NULL);
    weir_buffer_init(&out, 8 * text.len + 8);
    CHECK(weir_query_append(&out, weir_bytes_of("n"), text) == 0);
    CHECK(weir_url_check_target((weir_bytes){out.data, out.len}, NULL) == 0);
    rest = (weir_bytes){out.data, out.len};
    CHECK(weir_query_next(&rest, &pair) && rest.len == 0 && pair.has_value);
    n = weir_query_decode(pair.value, back, text.len);
    CHECK(n >= 0 && weir_bytes_equal((weir_bytes){back, (size_t)n}, text));
    n = weir_percent_decode(text, back, text.len);
    CHECK(n == -EINVAL || (n >= 0 && (size_t)n <= text.len));
    n = weir_query_find(text, "n", back, text.len + 1);
    CHECK(n >= -ENOENT || n == -EINVAL);
    weir_buffer_free(&out);
    free(back);
    for (rest = text; weir_query_next(&rest, &pair);)
        CHECK(lies_in(pair.name, text) && lies_in(pair.value, text));
    for (rest = text; weir_list_next(&rest, ',', &element);)
        CHECK(element.len > 0 && lies_in(element, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    weir_bytes text = {(const char *)bytes, size};

    if (size == 0 || size > 4096)
        return 0;
    try_address(text);
    try_url(text);
    try_pattern(text);
    try_coding(text);
    (void)weir_header_is_hop_by_hop(text, text);
    return 0;
}
