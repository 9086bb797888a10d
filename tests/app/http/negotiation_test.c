/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "http/negotiation.h"

enum { OFFERS = 4 };

/* "a b c" become offers, in this order. */
static size_t offer(const char *names, char room[64], struct negotiation_offer offers[OFFERS])
{
    size_t count = 0;

    strcpy(room, names);
    for (char *name = strtok(room, " "); name != NULL; name = strtok(NULL, " "))
        negotiation_offer_init(&offers[count++], name);
    return count;
}

static const char *chosen(const char *header, const char *names, char room[64])
{
    struct negotiation_offer offers[OFFERS];
    size_t count = offer(names, room, offers);
    const struct negotiation_offer *best;

    negotiation_read(weir_bytes_of(header), offers, count);
    best = negotiation_choose(offers, count);
    return best != NULL ? best->name : "none";
}

static void the_greatest_weight_is_chosen(void **state)
{
    static const struct {
        const char *header, *offers, *wanted;
    } table[] = {
        {"gzip", "br zstd gzip", "gzip"},
        {"gzip, deflate, br, zstd", "br zstd gzip", "br"},
        {"gzip;q=1.0, br;q=0.5", "br zstd gzip", "gzip"},
        {"gzip;q=0.5, br;q=0.50", "br zstd gzip", "br"},
        {"br;q=0, *", "br zstd gzip", "zstd"},
        {"*, br;q=0", "br zstd gzip", "zstd"},
        {"*;q=0", "br zstd gzip", "none"},
        {"*;q=0, gzip", "br zstd gzip", "gzip"},
        {"", "br zstd gzip", "none"},
        {"identity", "br zstd gzip", "none"},
        {" ,, GZip ; q=0.001 ,", "br zstd gzip", "gzip"},
        {"gzip;q=0.000", "gzip", "none"},
        {"gzip;q=1.001", "gzip", "none"},
        {"gzip;q=2", "gzip", "none"},
        {"gzip;q=0.1234", "gzip", "none"},
        {"gzip;q=", "gzip", "none"},
        {"gzip;q=-1", "gzip", "none"},
        {"gzip;q=1.", "gzip", "gzip"},
        {"gzipp", "gzip", "none"},
        {"text/html,image/avif,image/webp,*/*;q=0.8", "image/webp image/jpeg", "image/webp"},
        {"image/webp;q=0.5,image/*", "image/webp image/jpeg", "image/jpeg"},
        {"image/*;q=0.5,image/webp", "image/jpeg image/webp", "image/webp"},
        {"IMAGE/PNG", "image/webp image/png", "image/png"},
        {"text/*", "image/webp", "none"},
        {"*", "image/webp", "none"},
        {"image/webp;x=\"a,b;q=0\";q=0.3, image/png;q=0.2", "image/png image/webp", "image/webp"},
        {"image/webp;x=\"\\\"", "image/webp", "image/webp"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char room[64];
        assert_string_equal(chosen(table[i].header, table[i].offers, room), table[i].wanted);
    }
}

static void what_is_not_named_is_told_from_what_is_refused(void **state)
{
    struct negotiation_offer offers[OFFERS];
    char room[64];
    size_t count = offer("identity gzip br", room, offers);

    (void)state;
    negotiation_read(weir_bytes_of("identity;q=0, br;q=0.25"), offers, count);
    assert_int_equal(offers[0].weight, 0);
    assert_int_equal(offers[1].weight, NEGOTIATION_UNNAMED);
    assert_int_equal(offers[2].weight, 250);
}

static void several_headers_are_one_list(void **state)
{
    struct negotiation_offer offers[OFFERS];
    char room[64];
    size_t count = offer("br gzip", room, offers);

    (void)state;
    negotiation_read(weir_bytes_of("br;q=0.1"), offers, count);
    negotiation_read(weir_bytes_of("*;q=0.9"), offers, count);
    assert_int_equal(offers[0].weight, 100);
    assert_int_equal(offers[1].weight, 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greatest_weight_is_chosen),
        cmocka_unit_test(what_is_not_named_is_told_from_what_is_refused),
        cmocka_unit_test(several_headers_are_one_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
