/* SPDX-License-Identifier: MIT */
/* The choice of an instance, and the table of instances, without a network. */
#include "support/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client/backend/balance.h"
#include "http/client/backend/instances.h"

enum { KEYS = 10000 };

typedef char address[WEIR__INSTANCE_ADDRESS_BYTES];

struct fixture {
    struct weir__backend_common common;
    address addresses[WEIR__INSTANCES_MAX + 8];
    uint64_t hashes[WEIR__INSTANCES_MAX];
    uint8_t here[WEIR__INSTANCES_MAX];
    int count;
};

static struct fixture *fixture_of(int count)
{
    struct fixture *f = calloc(1, sizeof *f);
    int left_out;

    assert_non_null(f);
    atomic_store(&f->common.processes, 1);
    for (int i = 0; i < count; i++)
        (void)snprintf(f->addresses[i], sizeof f->addresses[i], "10.0.0.%d:80", i + 1);
    assert_int_equal(weir__instances_set(&f->common, 0, (const address *)f->addresses, count, 1, &left_out),
                     count > 0);
    assert_int_equal(left_out, 0);
    f->count = count;
    for (int i = 0; i < count; i++) {
        f->here[i] = (uint8_t)i;
        f->hashes[i] = weir__balance_hash_of(f->common.instances[i].address);
    }
    return f;
}

static struct weir__candidates candidates_of(const struct fixture *f)
{
    struct weir__candidates c;

    weir__balance_candidates(&f->common, f->here, f->count, &c);
    return c;
}

static int set(struct fixture *f, int url, const char *const *texts, int count)
{
    address list[16] = {{0}};
    int left_out;

    for (int i = 0; i < count; i++)
        strcpy(list[i], texts[i]);
    return weir__instances_set(&f->common, url, (const address *)list, count, 5, &left_out);
}

static void the_less_loaded_of_two_is_chosen(void **state)
{
    struct fixture *f = fixture_of(4);
    struct weir__candidates c = candidates_of(f);
    struct weir__random random;
    int chosen[4] = {0};

    (void)state;
    weir__random_seed(&random, 7);
    for (int i = 0; i < 4; i++)
        atomic_store(&f->common.counts.of_instance[i].cells[0], i);
    for (int i = 0; i < KEYS; i++)
        chosen[weir__balance_least(&f->common, &c, &random)]++;
    assert_int_equal(chosen[3], 0); /* the busiest loses each draw */
    /* 3, 2 and 1 of the 6 pairs */
    assert_true(abs(chosen[0] - KEYS / 2) < KEYS / 20 && abs(chosen[1] - KEYS / 3) < KEYS / 20);
    free(f);
}

static void requests_in_progress_stay_even(void **state)
{
    struct fixture *f = fixture_of(10);
    struct weir__candidates c = candidates_of(f);
    struct weir__random random;
    int most = 0, least = KEYS;

    (void)state;
    weir__random_seed(&random, 3);
    for (int i = 0; i < KEYS; i++)
        atomic_fetch_add(&f->common.counts.of_instance[weir__balance_least(&f->common, &c, &random)].cells[0],
                         1);
    for (int i = 0; i < 10; i++) {
        int n = atomic_load(&f->common.counts.of_instance[i].cells[0]);
        most = n > most ? n : most;
        least = n < least ? n : least;
    }
    assert_true(most - least <= 6); /* one draw alone: about 100 */
    free(f);
}

static void all_take_turns(void **state)
{
    struct fixture *f = fixture_of(3);
    struct weir__candidates c = candidates_of(f);
    int chosen[3] = {0};

    (void)state;
    for (int i = 0; i < 9; i++)
        chosen[weir__balance_round_robin(&f->common, &c, 0)]++;
    assert_true(chosen[0] == 3 && chosen[1] == 3 && chosen[2] == 3);
    free(f);
}

/* One that does not answer has its share of a limit, and not all of it. */
static void an_instance_with_its_share_of_a_limit_is_passed_over(void **state)
{
    struct fixture *f = fixture_of(3);
    struct weir__candidates c = candidates_of(f);
    int chosen = 0;

    (void)state;
    atomic_store(&f->common.counts.of_instance[1].cells[0], 4);
    for (int i = 0; i < 9; i++)
        assert_int_not_equal(weir__balance_round_robin(&f->common, &c, 10), 1);
    for (int i = 0; i < 9; i++)
        chosen += weir__balance_round_robin(&f->common, &c, 13) == 1;
    assert_int_equal(chosen, 3);
    atomic_store(&f->common.counts.of_instance[0].cells[0], 4);
    atomic_store(&f->common.counts.of_instance[2].cells[0], 4);
    assert_in_range(weir__balance_round_robin(&f->common, &c, 10), 0, 2); /* all have: it has sunk */
    free(f);
}

static void a_key_moves_only_from_the_instance_that_goes(void **state)
{
    struct fixture *f = fixture_of(10);
    struct weir__candidates all = candidates_of(f), fewer;
    int chosen[10] = {0}, moved = 0;

    (void)state;
    atomic_store(&f->common.instances[4].health, 1); /* down */
    fewer = candidates_of(f);
    assert_int_equal(fewer.count, 9);
    for (int i = 0; i < KEYS; i++) {
        char key[16];
        int before, after;
        (void)snprintf(key, sizeof key, "%d", i);
        before = weir__balance_hash(f->hashes, &all, key);
        after = weir__balance_hash(f->hashes, &fewer, key);
        chosen[before]++;
        assert_int_not_equal(after, 4);
        if (before != after)
            moved++;
        assert_true(before == after || before == 4);
    }
    assert_int_equal(moved, chosen[4]);
    for (int i = 0; i < 10; i++)
        assert_true(abs(chosen[i] - KEYS / 10) < KEYS / 50);
    free(f);
}

static void the_order_of_addresses_does_not_matter_to_a_key(void **state)
{
    static const char *const texts[] = {"10.0.0.3:80", "10.0.0.1:80", "10.0.0.2:80"};
    struct fixture *f = fixture_of(3), *g = fixture_of(0);
    struct weir__candidates c = candidates_of(f), d;

    (void)state;
    assert_true(set(g, 0, texts, 3));
    g->count = 3;
    for (int i = 0; i < 3; i++) {
        g->here[i] = (uint8_t)i;
        g->hashes[i] = weir__balance_hash_of(g->common.instances[i].address);
    }
    d = candidates_of(g);
    for (int i = 0; i < 100; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%d", i);
        assert_string_equal(f->common.instances[weir__balance_hash(f->hashes, &c, key)].address,
                            g->common.instances[weir__balance_hash(g->hashes, &d, key)].address);
    }
    free(f);
    free(g);
}

static void all_are_candidates_when_none_is_used(void **state)
{
    struct fixture *f = fixture_of(2);
    struct weir__candidates c;

    (void)state;
    atomic_store(&f->common.instances[0].health, 1);
    c = candidates_of(f);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.numbers[0], 1);
    assert_false(c.panics);
    atomic_store(&f->common.instances[1].eject, 1);
    c = candidates_of(f);
    assert_int_equal(c.count, 2);
    assert_true(c.panics);
    free(f);
}

/* --- the table --- */

static void addresses_come_go_and_come_back(void **state)
{
    static const char *const first[] = {"a:1", "b:1"}, *const second[] = {"b:1", "c:1"};
    struct fixture *f = fixture_of(0);
    struct weir__instance *a = &f->common.instances[0], *b = &f->common.instances[1];
    uint32_t generation;

    (void)state;
    assert_true(set(f, 0, first, 2));
    assert_false(set(f, 0, first, 2));
    assert_int_equal(atomic_load(&f->common.here), 2);
    atomic_store(&f->common.counts.of_instance[0].cells[0], 1);
    atomic_store(&a->eject, 1);
    atomic_store(&f->common.ejected, 1);
    generation = a->generation;
    assert_true(set(f, 0, second, 2));
    assert_int_equal(a->presence, WEIR__INSTANCE_GONE);
    assert_int_equal(atomic_load(&f->common.ejected), 0);
    assert_string_equal(f->common.instances[2].address, "c:1");
    assert_int_equal(b->presence, WEIR__INSTANCE_HERE);
    assert_true(set(f, 0, first, 2)); /* a comes back to its place, as another generation */
    assert_int_equal(a->presence, WEIR__INSTANCE_HERE);
    assert_int_equal(a->generation, generation + 1);
    assert_int_equal(atomic_load(&f->common.counts.of_instance[0].cells[0]), 1);
    assert_int_equal(atomic_load(&f->common.here), 2);
    free(f);
}

static void an_address_of_two_urls_is_one_instance(void **state)
{
    static const char *const both[] = {"a:1", "b:1"};
    struct fixture *f = fixture_of(0);
    const struct weir__instance *a = &f->common.instances[0];

    (void)state;
    assert_true(set(f, 0, both, 1));
    assert_true(set(f, 1, both, 2));
    assert_int_equal(a->generation, 1);
    assert_int_equal(atomic_load(&f->common.here), 2);
    assert_false(set(f, 1, both, 2));
    assert_true(set(f, 0, both, 0)); /* one of them still has it, and says now what it is asked for */
    assert_int_equal(a->generation, 2);
    assert_int_equal(atomic_load(&f->common.here), 2);
    assert_true(set(f, 0, both, 1)); /* and it comes back */
    assert_int_equal(a->generation, 3);
    assert_true(set(f, 0, both, 0));
    assert_true(set(f, 1, both, 0));
    assert_int_equal(atomic_load(&f->common.here), 0);
    free(f);
}

static void a_full_table_leaves_addresses_out_until_there_is_room(void **state)
{
    struct fixture *f = fixture_of(WEIR__INSTANCES_MAX);
    int left_out;

    (void)state;
    for (int i = 0; i < 8; i++)
        (void)snprintf(f->addresses[WEIR__INSTANCES_MAX + i], sizeof(address), "10.1.0.%d:80", i);
    assert_false(weir__instances_set(&f->common, 1, (const address *)&f->addresses[WEIR__INSTANCES_MAX], 8, 9,
                                     &left_out));
    assert_int_equal(left_out, 8);
    atomic_store(&f->common.counts.of_instance[0].cells[0], 1);
    /* 10 go, of which one is in use; their places are not taken by what comes in the next version */
    assert_true(weir__instances_set(&f->common, 0, (const address *)&f->addresses[10],
                                    WEIR__INSTANCES_MAX - 10, 9, &left_out));
    assert_false(weir__instances_set(&f->common, 1, (const address *)&f->addresses[WEIR__INSTANCES_MAX], 8, 9,
                                     &left_out));
    assert_int_equal(left_out, 8);
    assert_true(weir__instances_set(&f->common, 0, (const address *)&f->addresses[11],
                                    WEIR__INSTANCES_MAX - 11, 9, &left_out));
    assert_true(weir__instances_set(&f->common, 1, (const address *)&f->addresses[WEIR__INSTANCES_MAX], 8, 9,
                                    &left_out));
    assert_int_equal(left_out, 0);
    assert_string_equal(f->common.instances[0].address, "10.0.0.1:80"); /* a request is in progress there */
    assert_int_equal(f->common.instances[0].presence, WEIR__INSTANCE_GONE);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_less_loaded_of_two_is_chosen),
        cmocka_unit_test(requests_in_progress_stay_even),
        cmocka_unit_test(all_take_turns),
        cmocka_unit_test(an_instance_with_its_share_of_a_limit_is_passed_over),
        cmocka_unit_test(a_key_moves_only_from_the_instance_that_goes),
        cmocka_unit_test(the_order_of_addresses_does_not_matter_to_a_key),
        cmocka_unit_test(all_are_candidates_when_none_is_used),
        cmocka_unit_test(addresses_come_go_and_come_back),
        cmocka_unit_test(an_address_of_two_urls_is_one_instance),
        cmocka_unit_test(a_full_table_leaves_addresses_out_until_there_is_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
