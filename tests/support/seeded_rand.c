/* SPDX-License-Identifier: MIT */
#define OPENSSL_SUPPRESS_DEPRECATED /* of what replaces it there is nothing as short */
#include "support/seeded_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/rand.h>

#include "base/random.h"

static struct weir__random source;
static const RAND_METHOD *usual;

static int draw(unsigned char *data, int bytes)
{
    for (int i = 0; i < bytes; i++)
        data[i] = (unsigned char)weir__random_below(&source, 256);
    return 1;
}

static int is_ready(void)
{
    return 1;
}

static const RAND_METHOD seeded = {.bytes = draw, .pseudorand = draw, .status = is_ready};

void seeded_rand_begin(uint64_t seed)
{
    weir__random_seed(&source, seed);
    usual = RAND_get_rand_method();
    assert_int_equal(RAND_set_rand_method(&seeded), 1);
}

void seeded_rand_end(void)
{
    (void)RAND_set_rand_method(usual);
}
