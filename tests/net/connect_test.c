/* SPDX-License-Identifier: MIT */
/* Connecting: what can go wrong with one address, and the race of several under a simulated network. */
#include "net/address.h"
#include "net/connect.h"
#include "net/net_rig.h"

/* --- one address, on every backend --- */

static int refused(void *arg)
{
    struct unix_place place;
    weir_listener *l;
    weir_stream *s;
    char address[WEIR_ADDRESS_BYTES];

    (void)arg;
    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    strcpy(address, weir_listener_address(l));
    weir_listener_close(l);
    assert_int_equal(weir_connect(address, &s), -ECONNREFUSED);
    assert_int_equal(weir_connect("no-such-host.invalid:80", &s), -WEIR_EDNS);
    assert_int_equal(weir_connect("127.0.0.1", &s), -EINVAL);
    unix_place_open(&place);
    assert_int_equal(weir_connect(place.address, &s), -ENOENT);
    unix_place_close(&place);
    return 0;
}

static void refusals_are_told(void **state)
{
    (void)state;
    run_on_all_transports(refused, NULL);
}

/* --- a Unix socket whose queue is full --- */

enum { CROWD = 5 };

static int connect_in_crowd(void *arg)
{
    weir_stream *s;
    int err = weir_connect(arg, &s);

    if (err == 0)
        weir_stream_close(s);
    return err;
}

/* A queue of so many holds one more; the others find it full until the first are accepted. */
static int full_queue(void *arg)
{
    struct unix_place place;
    weir_listener *l;
    weir_stream *s;
    weir_scope crowd;

    (void)arg;
    unix_place_open(&place);
    assert_int_equal(weir_listener_open(&(weir_listener_options){.address = place.address, .backlog = 1}, &l),
                     0);
    weir_scope_open(&crowd, weir_never(), 0);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(weir_spawn(&crowd, "connecting", connect_in_crowd, place.address), 0);
    assert_int_equal(weir_sleep(weir_ms(1)), 0); /* all have tried, and some in vain */
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(weir_accept(l, &s), 0);
        weir_stream_close(s);
    }
    assert_int_equal(weir_scope_close(&crowd), 0);
    weir_listener_close(l);
    unix_place_close(&place);
    return 0;
}

static void a_full_queue_is_waited_for(void **state)
{
    (void)state;
    run_everywhere(full_queue, NULL);
}

/* --- several addresses, simulated --- */

enum { HOSTS = 4 };

struct field {
    weir_listener *listeners[HOSTS];
    struct weir__address addresses[HOSTS];
};

static struct weir__address literal(const char *text)
{
    struct weir__endpoint e;
    struct weir__address a;

    assert_int_equal(weir__endpoint_parse(text, &e), 0);
    assert_int_equal(weir__address_of_literal(e.host, e.port, &a), 0);
    return a;
}

static void field_open(struct field *f)
{
    static const char *const hosts[] = {"[::1]:700", "10.0.0.1:700", "[::2]:700", "10.0.0.2:700"};

    for (int i = 0; i < HOSTS; i++) {
        assert_int_equal(weir_listen(hosts[i], &f->listeners[i]), 0);
        f->addresses[i] = literal(hosts[i]);
    }
}

static void field_close(struct field *f)
{
    for (int i = 0; i < HOSTS; i++)
        weir_listener_close(f->listeners[i]);
    assert_int_equal(weir_sleep(weir_ms(10)), 0);
    assert_int_equal(weir__sim_stats(this_io()).open_files, 0);
    assert_int_equal(weir__sim_stats(this_io()).pending_ops, 0);
}

static void make(struct field *f, int i, struct weir__sim_options options)
{
    weir__sim_configure_address(this_io(), &f->addresses[i].any, f->addresses[i].len, &options);
}

static struct weir__sim_options dead(void)
{
    struct weir__sim_options o = weir__sim_calm();

    o.connect_stall_per_million = 1000000;
    return o;
}

static struct weir__sim_options refusing(int64_t after_ms)
{
    struct weir__sim_options o = weir__sim_calm();

    o.refuse_per_million = 1000000;
    o.latency_min_ns = o.latency_max_ns = after_ms * 500000;
    return o;
}

static struct weir__sim_options slow(int64_t ms)
{
    struct weir__sim_options o = weir__sim_calm();

    o.latency_min_ns = o.latency_max_ns = ms * 500000;
    return o;
}

/* Connects, and says who won (or the error) and after how many ms. */
static int race(struct field *f, int count, int64_t *ms)
{
    char text[WEIR_ADDRESS_BYTES];
    weir_instant began = weir_now();
    weir_stream *s;
    int winner = weir__connect_first(f->addresses, count, 0, &s);

    *ms = weir_between(began, weir_now()).ns / 1000000;
    if (winner < 0)
        return winner;
    weir__stream_peer(s, text);
    while (strcmp(text, weir_listener_address(f->listeners[winner])) != 0)
        winner++;
    weir__stream_close(s);
    assert_int_equal(weir__sim_stats(this_io()).open_files, HOSTS); /* nothing of the losers is left */
    return winner;
}

static int races(void *arg)
{
    struct field f;
    int64_t ms;

    (void)arg;
    field_open(&f);
    assert_int_equal(race(&f, HOSTS, &ms), 0); /* the first answers: nobody else is asked */
    assert_int_equal(ms, 0);

    make(&f, 0, dead()); /* the first is dead: the second after 250 ms */
    assert_int_equal(race(&f, HOSTS, &ms), 1);
    assert_int_equal(ms, 250);

    make(&f, 1, dead());
    assert_int_equal(race(&f, HOSTS, &ms), 2);
    assert_int_equal(ms, 500);

    make(&f, 0, refusing(20)); /* it refuses: the next does not wait for its time */
    make(&f, 1, slow(0));
    assert_int_equal(race(&f, HOSTS, &ms), 1);
    assert_int_equal(ms, 20);

    make(&f, 0, refusing(300)); /* an earlier one's refusal does not hurry the third: 250 + 250 */
    make(&f, 1, dead());
    assert_int_equal(race(&f, HOSTS, &ms), 2);
    assert_int_equal(ms, 500);

    make(&f, 0, slow(300)); /* the first is slow, and still before the second, which began 250 ms later */
    make(&f, 1, slow(100));
    assert_int_equal(race(&f, HOSTS, &ms), 0);
    assert_int_equal(ms, 300);

    make(&f, 0, slow(400)); /* now it is not */
    assert_int_equal(race(&f, HOSTS, &ms), 1);
    assert_int_equal(ms, 350);

    field_close(&f);
    return 0;
}

static void the_first_to_stand_wins(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++)
        run_simulated(seed, races, NULL);
}

/* Two stand at the same instant, because both answers were held up on their way: one is returned, the other
 * closed. */
static void part(struct field *f, bool on)
{
    for (int i = 0; i < 2; i++)
        weir__sim_partition(this_io(), &f->addresses[i].any, f->addresses[i].len, on);
}

static int hold_up(void *arg)
{
    assert_int_equal(weir_sleep(weir_ms(800)), 0); /* both were asked, none has been answered */
    part(arg, true);
    assert_int_equal(weir_sleep(weir_ms(1200)), 0);
    part(arg, false);
    return 0;
}

static int photo_finish(void *arg)
{
    struct field f;
    int64_t ms;
    int winner;
    weir_scope scope;

    field_open(&f);
    make(&f, 0, slow(1000));
    make(&f, 1, slow(1000));
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "holds up", hold_up, &f);
    winner = race(&f, 2, &ms);
    assert_int_equal(ms, 2500);
    assert_in_range(winner, 0, 1);
    ((int *)arg)[winner]++;
    assert_int_equal(weir_scope_close(&scope), 0);
    field_close(&f);
    return 0;
}

static void of_two_winners_one_is_closed(void **state)
{
    int wins[2] = {0};

    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(40); seed++)
        run_simulated(seed, photo_finish, wins);
    assert_true(seed_is_alone() || (wins[0] > 0 && wins[1] > 0));
}

static int all_fail(void *arg)
{
    struct weir__sim_options timed_out = dead();
    struct field f;
    int64_t ms;

    (void)arg;
    field_open(&f);
    make(&f, 0, refusing(0));
    make(&f, 1, refusing(0));
    assert_int_equal(race(&f, 2, &ms), -ECONNREFUSED);
    assert_int_equal(ms, 0);
    /* The first fails long after the second: the error is that of the last tried all the same. */
    timed_out.connect_timeout_ns = 9000000000;
    make(&f, 0, timed_out);
    assert_int_equal(race(&f, 2, &ms), -ECONNREFUSED);
    assert_int_equal(ms, 9000);
    make(&f, 0, refusing(0));
    make(&f, 1, timed_out);
    assert_int_equal(race(&f, 2, &ms), -ETIMEDOUT);
    field_close(&f);
    return 0;
}

static void the_error_is_of_the_last_tried(void **state)
{
    (void)state;
    run_simulated(1, all_fail, NULL);
}

static int deadline_passes(void *arg)
{
    struct field f;
    int64_t ms;
    weir_scope scope;

    (void)arg;
    field_open(&f);
    for (int i = 0; i < HOSTS; i++)
        make(&f, i, dead());
    for (int limit = 0; limit <= 800; limit += 50) {
        weir_scope_open(&scope, weir_after_ms(limit), 0);
        assert_int_equal(race(&f, HOSTS, &ms), -WEIR_EDEADLINE);
        assert_int_equal(ms, limit);
        assert_int_equal(weir_scope_close(&scope), -WEIR_EDEADLINE);
        assert_int_equal(weir__sim_stats(this_io()).open_files, HOSTS);
    }
    field_close(&f);
    return 0;
}

static void a_deadline_gives_up_all_of_them(void **state)
{
    (void)state;
    run_simulated(1, deadline_passes, NULL);
}

static int out_of_descriptors(void *arg)
{
    struct weir__sim_options few = weir__sim_calm();
    struct field f;
    int64_t ms;

    (void)arg;
    field_open(&f);
    few.files_max = HOSTS;
    weir__sim_configure(this_io(), &few);
    assert_int_equal(race(&f, 1, &ms), -EMFILE);
    assert_int_equal(race(&f, HOSTS, &ms), -EMFILE);
    field_close(&f);
    return 0;
}

static void no_descriptor_is_an_error_of_the_attempt(void **state)
{
    (void)state;
    run_simulated(1, out_of_descriptors, NULL);
}

/* --- cancelled at every wait --- */

static int connect_victim(void *arg)
{
    struct weir__address addresses[] = {literal("127.0.0.1:1"), literal(arg)};
    weir_stream *s;
    int err;

    /* Nobody listens on the first: the race goes on to the second on real kernels too. */
    err = weir__connect_first(addresses, 2, 0, &s);
    if (err == 0)
        weir__stream_close(s);
    return err;
}

static int connect_world(struct torture *t)
{
    weir_listener *l;
    int result;

    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    result = torture_victim(t, connect_victim, (void *)(uintptr_t)weir_listener_address(l));
    weir_listener_close(l);
    return result;
}

static void a_race_can_be_cancelled_anywhere(void **state)
{
    (void)state;
    torture_all_transports(connect_world, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_are_told),
        cmocka_unit_test(a_full_queue_is_waited_for),
        cmocka_unit_test(the_first_to_stand_wins),
        cmocka_unit_test(of_two_winners_one_is_closed),
        cmocka_unit_test(the_error_is_of_the_last_tried),
        cmocka_unit_test(a_deadline_gives_up_all_of_them),
        cmocka_unit_test(no_descriptor_is_an_error_of_the_attempt),
        cmocka_unit_test(a_race_can_be_cancelled_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
