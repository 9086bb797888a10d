/* SPDX-License-Identifier: MIT */
/* Parts of files as bodies: of every length, to every sink, from disks that are slow or fail. */
#include "http/pump/file_rig.h"
#include "support/child.h"
#include "support/forbid.h"

enum { CACHESTAT = 451 };

enum to { TO_ANSWER, TO_FILTER, TO_LENGTH, TO_CHUNKS };

/* A server that answers with a file, and what came of it. */
struct answering {
    struct rig rig; /* first */
    enum to to;
    weir_body_file part;
    int result; /* of the pump */
    weir_body_pumped pumped;
    int (*test)(struct answering *a);
};

static int answer_file(weir_request *req, weir_response *res, void *state)
{
    struct answering *a = weir_request_data(req);
    const weir_body_source from = {.file = &a->part};
    int err = 0;

    (void)state;
    if (a->to == TO_FILTER)
        err = weir_response_filter_add(res, &passing_filter, NULL);
    if (err == 0 && a->to >= TO_LENGTH)
        err = weir_respond_begin(res, 200, NULL, a->to == TO_LENGTH ? (int64_t)a->part.bytes : -1);
    if (err < 0)
        return err;
    a->result = a->to >= TO_LENGTH
                    ? weir_body_pump(&from, &(weir_body_sink){.response = res}, NULL, &a->pumped)
                    : weir_respond_pump(res, 200, "text/plain", &from, NULL, &a->pumped);
    return a->result;
}

static int answering_test(struct rig *rig)
{
    struct answering *a = (struct answering *)(void *)rig;

    return a->test(a);
}

static struct answering answering;

static const weir_route answering_route = {
    .path = "/*", .handler = answer_file, .data = &answering, .vital = true};

static void answering_run(int (*test)(struct answering *a))
{
    answering = (struct answering){
        .rig = {.routes = &answering_route, .route_count = 1, .test = answering_test}, .test = test};
    run_on_all_transports(rig_main, &answering.rig);
}

/* Asks for a part of the file on the disk. */
static void get_part(struct answering *a, weir_stream *s, const char *method, uint64_t offset, uint64_t bytes,
                     struct answer *answer)
{
    char head[100];

    a->part = (weir_body_file){disk_fd, offset, bytes};
    a->result = 1000;
    (void)snprintf(head, sizeof head, "%s / HTTP/1.1\r\nHost: a\r\n\r\n", method);
    rig_send(s, head);
    read_answer(s, strcmp(method, "HEAD") == 0, answer);
}

static void expect_part(struct answering *a, weir_stream *s, uint64_t offset, uint64_t bytes)
{
    struct answer answer;

    get_part(a, s, "GET", offset, bytes, &answer);
    if (answer.err != 0 || answer.status != 200 || answer.r.bytes != bytes || a->result != 0)
        fail_msg("%llu bytes at %llu, way %d, disk %d: %s, status %d, %zu bytes, result %d",
                 (unsigned long long)bytes, (unsigned long long)offset, (int)a->to, (int)disk.memory,
                 weir_error_name(answer.err), answer.status, answer.r.bytes, a->result);
    assert_int_equal(a->pumped.bytes, bytes);
    assert_int_equal(a->pumped.failed, WEIR_BODY_NEITHER);
    if (a->to == TO_ANSWER)
        assert_non_null(strstr(answer.head, "content-length: "));
}

/* --- every length --- */

static const size_t lengths[] = {0,
                                 1,
                                 4096,
                                 16384,
                                 65535,
                                 65536,
                                 65537,
                                 100000,
#ifndef WITH_TSAN /* which is slow where bytes pass */
                                 1400000,
#endif
                                 (512 << 10) + 16384};

static int every_length(struct answering *a)
{
    weir_stream *s = rig_connect(&a->rig);

    for (int memory = DISK_WARM; memory <= DISK_UNTOLD; memory++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            const off_t offset = (off_t)(i * 5000 % 7777);

            disk_write(offset, lengths[i] + 100); /* more than is asked for */
            disk.memory = (enum disk_memory)memory;
            disk.read_most = i % 3 * 3000;
            a->to = (enum to)(i % 4);
            for (int way = 0; way < 4; way++, a->to = (enum to)((a->to + 1) % 4)) {
                atomic_store(&disk.read_until, 0);
                expect_part(a, s, (uint64_t)offset, lengths[i]);
            }
            if (lengths[i] > 0 && memory != DISK_WARM)
                assert_true(atomic_load(&disk.jobs_reads) >= 4);
            if (lengths[i] < 16384 && memory == DISK_WARM)
                assert_int_equal(atomic_load(&disk.jobs_reads), 0);
        }
    weir_stream_close(s);
    return 0;
}

static int failing_test(struct answering *a);

static void parts_of_every_length_arrive(void **state)
{
    (void)state;
    answering_run(every_length);
}

/* In a process of its own, since the system call stays forbidden. */
static int without_counts(void *arg)
{
    (void)arg;
    if (forbid_call(CACHESTAT, EPERM) < 0)
        return 77;
    answering_run(every_length);
    answering_run(failing_test);
    return 0;
}

static void so_they_do_where_the_kernel_counts_no_pages(void **state)
{
    char said[1000];
    int status = run_in_child(without_counts, NULL, said, sizeof said);

    (void)state;
    if (status == 77 << 8)
        skip();
    if (status != 0)
        fail_msg("%s", said);
}

static int head_test(struct answering *a)
{
    weir_stream *s = rig_connect(&a->rig);
    struct answer answer;

    disk_write(0, 100000);
    for (int memory = DISK_WARM; memory <= DISK_UNTOLD; memory++) {
        disk.memory = (enum disk_memory)memory;
        get_part(a, s, "HEAD", 0, 100000, &answer);
        assert_int_equal(answer.err, 0);
        assert_non_null(strstr(answer.head, "content-length: 100000\r\n"));
        assert_int_equal(a->result, 0);
    }
    assert_int_equal(atomic_load(&disk.jobs_reads) + atomic_load(&disk.loop_reads), 0);
    weir_stream_close(s);
    return 0;
}

static void head_reads_nothing(void **state)
{
    (void)state;
    answering_run(head_test);
}

/* --- files that fail --- */

/* The connection breaks, and the source is at fault. */
static void expect_break(struct answering *a, uint64_t bytes, int result)
{
    weir_stream *s = rig_connect(&a->rig);
    struct answer answer;

    atomic_store(&disk.read_until, 0);
    get_part(a, s, "GET", 0, bytes, &answer);
    if (answer.err == 0)
        fail_msg("way %d, disk %d: the answer came whole, with %zu bytes", (int)a->to, (int)disk.memory,
                 answer.r.bytes);
    assert_int_equal(a->result, result);
    assert_int_equal(a->pumped.failed, WEIR_BODY_SOURCE);
    weir_stream_close(s);
}

static int failing_test(struct answering *a)
{
    static const size_t sizes[] = {70000, 300000, 700000};

    for (int memory = DISK_WARM; memory <= DISK_UNTOLD; memory++)
        for (size_t i = 0; i < 3; i++) {
            disk_write(0, sizes[i]);
            disk.memory = (enum disk_memory)memory;
            for (a->to = TO_ANSWER; a->to <= TO_CHUNKS; a->to++)
                expect_break(a, sizes[i] + 100000, -WEIR_ETRUNCATED); /* shorter than was thought */
            disk.fails_at = 66000;
            for (a->to = TO_ANSWER; a->to <= TO_CHUNKS && memory != DISK_WARM; a->to++)
                expect_break(a, sizes[i], -EIO);
        }
    return 0;
}

static void what_a_file_lacks_breaks_its_answer_off(void **state)
{
    (void)state;
    answering_run(failing_test);
}

static int early_test(struct answering *a)
{
    weir_stream *s = rig_connect(&a->rig);
    struct answer answer;

    disk_write(0, 0);
    for (int memory = DISK_WARM; memory <= DISK_UNTOLD; memory++) {
        disk.memory = (enum disk_memory)memory;
        get_part(a, s, "GET", 0, 100, &answer);
        assert_int_equal(a->result, -WEIR_ETRUNCATED);
        assert_int_equal(answer.status, 400); /* as weir_respond_error() says it; the connection is kept */
        assert_int_equal(answer.err, 0);
    }
    weir_stream_close(s);
    return 0;
}

static void a_file_that_fails_at_once_leaves_room_for_another_answer(void **state)
{
    (void)state;
    answering_run(early_test);
}

static int leaving_test(struct answering *a)
{
    disk_write(0, 3 << 20);
    for (int i = 0; i < 8; i++) {
        weir_stream *s = rig_connect(&a->rig);
        char some[4000];

        disk.memory = (enum disk_memory)(i % 3);
        a->part = (weir_body_file){disk_fd, 0, 3 << 20};
        a->result = 1000;
        rig_send(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(weir_read(s, some, sizeof some) > 0);
        weir_stream_abort(s); /* its loop must not get SIGPIPE */
        while (a->result == 1000)
            assert_int_equal(weir_sleep(weir_us(100)), 0);
        assert_true(a->result == -EPIPE || a->result == -ECONNRESET || a->result == -WEIR_ECANCELED ||
                    a->result == 0);
    }
    return 0;
}

static void clients_may_leave_a_file(void **state)
{
    (void)state;
    answering_run(leaving_test);
}

/* --- files that change --- */

static void cut_file(void)
{
    (void)!ftruncate(disk_fd, 100000);
}

static void grow_file(void)
{
    (void)!pwrite(disk_fd, "more", 4, 900000);
}

static int changing_test(struct answering *a)
{
    for (int memory = DISK_COLD; memory <= DISK_UNTOLD; memory++)
        for (a->to = TO_ANSWER; a->to <= TO_CHUNKS; a->to++) {
            weir_stream *s = rig_connect(&a->rig);

            disk_write(0, 800000);
            disk.memory = (enum disk_memory)memory;
            disk.reads = cut_file;
            expect_break(a, 800000, -WEIR_ETRUNCATED);
            disk_write(0, 800000);
            disk.memory = (enum disk_memory)memory;
            disk.reads = grow_file;
            expect_part(a, s, 0, 800000);
            weir_stream_close(s);
        }
    return 0;
}

static void files_may_shrink_and_grow_while_they_are_sent(void **state)
{
    (void)state;
    answering_run(changing_test);
}

/* --- to streams and backends --- */

struct line {
    weir_stream *near, *far;
    weir_listener *listener;
    size_t received;
    uint64_t bytes_max;
};

static int drain(void *arg)
{
    struct line *l = arg;
    char data[20000];
    ssize_t n;

    while ((n = weir_read(l->far, data, sizeof data)) > 0) {
        check_bytes(data, l->received, (size_t)n);
        l->received += (size_t)n;
    }
    return 0;
}

enum { LINE_BYTES = 750000 };

static int pump_file(void *arg)
{
    struct line *l = arg;
    weir_body_file part = {disk_fd, 0, LINE_BYTES};
    const weir_body_pump_options options = {.bytes_max = 600001};
    weir_body_pumped pumped;
    int err = weir_body_pump(&(weir_body_source){.file = &part}, &(weir_body_sink){.stream = l->near},
                             &options, &pumped);

    if (err < 0)
        return err;
    assert_int_equal(pumped.bytes, 600001);
    part.offset = 600001;
    part.bytes -= 600001;
    return weir_body_pump(&(weir_body_source){.file = &part}, &(weir_body_sink){.stream = l->near}, NULL,
                          NULL);
}

static int line_world(struct torture *t)
{
    struct line l = {0};
    weir_scope scope;
    int result;

    disk_write(0, LINE_BYTES);
    disk.memory = *(enum disk_memory *)t->arg;
    assert_int_equal(weir_listen("127.0.0.1:0", &l.listener), 0);
    assert_int_equal(weir_connect(weir_listener_address(l.listener), &l.near), 0);
    assert_int_equal(weir_accept(l.listener, &l.far), 0);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "far end", drain, &l), 0);
    result = torture_victim(t, pump_file, &l);
    weir_stream_close(l.near);
    (void)weir_scope_close(&scope);
    if (result == 0)
        assert_int_equal(l.received, LINE_BYTES);
    weir_stream_close(l.far);
    weir_listener_close(l.listener);
    disk_close();
    return result;
}

static void pumps_of_files_can_be_cancelled(void **state)
{
    (void)state;
    disk_close();
    for (int memory = DISK_WARM; memory <= DISK_UNTOLD; memory++)
        assert_true(torture_all_transports(line_world, &memory) > 3);
}

/* --- a disk that sleeps --- */

static atomic_int turns; /* of another task of the loop */

/* A read that ends only after the loop has gone on. */
static void wait_for_loop(void)
{
    int before = atomic_load(&turns);

    while (atomic_load(&turns) < before + 3)
        usleep(100);
}

static int turn(void *arg)
{
    (void)arg;
    while (weir_sleep(weir_us(100)) == 0)
        atomic_fetch_add(&turns, 1);
    return 0;
}

static int sleeping_test(struct answering *a)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "another", turn, NULL), 0);
    for (int memory = DISK_COLD; memory <= DISK_UNTOLD; memory++)
        for (a->to = TO_ANSWER; a->to <= TO_CHUNKS; a->to++) {
            weir_stream *s = rig_connect(&a->rig);

            disk_write(0, 300000);
            disk.memory = (enum disk_memory)memory;
            disk.reads = wait_for_loop;
            expect_part(a, s, 0, 300000);
            assert_true(atomic_load(&disk.jobs_reads) > 0);
            weir_stream_close(s);
        }
    weir_scope_leave(&scope);
    return 0;
}

static void a_loop_goes_on_while_a_disk_sleeps(void **state)
{
    (void)state;
    answering = (struct answering){
        .rig = {.routes = &answering_route, .route_count = 1, .test = answering_test, .unrecorded = true},
        .test = sleeping_test};
    assert_int_equal(weir_run(&(weir_options){.io = WEIR_IO_EPOLL}, rig_main, &answering.rig), 0);
    if (io_is_here(WEIR_IO_URING))
        assert_int_equal(weir_run(&(weir_options){.io = WEIR_IO_URING}, rig_main, &answering.rig), 0);
}

/* The kernel counts pages of a run that it reads at this moment: none may be overlooked. */
static int coming_test(struct answering *a)
{
    enum { BYTES = 3 << 20, STEP = 56 << 10 };
    weir_stream *s = rig_connect(&a->rig);

    disk_write(0, BYTES);
    for (long long at = 24 << 10; at + RUN_BYTES < BYTES; at += STEP) {
        atomic_store(&disk.coming, at);
        expect_part(a, s, 0, BYTES);
        if (atomic_load(&disk.coming) != 0)
            fail_msg("the run at %lld was sent before it had come", at);
    }
    weir_stream_close(s);
    return 0;
}

static void a_loop_waits_for_no_run_that_is_coming(void **state)
{
    (void)state;
    answering = (struct answering){
        .rig = {.routes = &answering_route, .route_count = 1, .test = answering_test}, .test = coming_test};
    assert_int_equal(weir_run(&(weir_options){.io = WEIR_IO_EPOLL}, rig_main, &answering.rig), 0);
}

/* --- a pool without room --- */

static int hold(weir_job *job, void *arg)
{
    atomic_int *go = arg;

    (void)job;
    while (atomic_load(go) == 0)
        usleep(100);
    return 0;
}

static int hold_by_job(void *arg)
{
    return weir_offload(weir_pool_blocking(), "holding", hold, arg);
}

static int full_main(void *arg)
{
    atomic_int go = 0;
    struct line l = {0};
    weir_scope scope;
    weir_pool_stats stats;

    (void)arg;
    disk_write(0, LINE_BYTES);
    disk.memory = DISK_UNTOLD;
    assert_int_equal(weir_listen("127.0.0.1:0", &l.listener), 0);
    assert_int_equal(weir_connect(weir_listener_address(l.listener), &l.near), 0);
    assert_int_equal(weir_accept(l.listener, &l.far), 0);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "far end", drain, &l), 0);
    assert_int_equal(weir_spawn(&scope, "holder", hold_by_job, &go), 0);
    do {
        assert_int_equal(weir_sleep(weir_us(100)), 0);
        weir_pool_stats_get(weir_pool_blocking(), &stats, NULL, NULL);
    } while (stats.running < 1);
    assert_int_equal(weir_spawn(&scope, "pump", pump_file, &l), 0);
    assert_int_equal(weir_sleep(weir_ms(5)), 0);
    assert_int_equal(atomic_load(&disk.jobs_reads), 0);
    atomic_store(&go, 1);
    while (l.received < LINE_BYTES)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    weir_stream_close(l.near);
    assert_int_equal(weir_scope_close(&scope), 0);
    weir_stream_close(l.far);
    weir_listener_close(l.listener);
    return 0;
}

static void a_pump_waits_for_its_turn_in_a_full_pool(void **state)
{
    const weir_pool_options pool = {
        .name = "blocking", .work = WEIR_POOL_BLOCKING, .workers = 1, .queue = -1, .wait = weir_seconds(60)};
    const weir_options options = {.io = WEIR_IO_EPOLL, .pools = &pool, .pool_count = 1};

    (void)state;
    assert_int_equal(weir_run(&options, full_main, NULL), 0);
}

/* --- mistakes --- */

static int mistaken_main(void *arg)
{
    weir_listener *l;
    weir_stream *s;
    const weir_body_file bad[] = {{-1, 0, 1}, {0, UINT64_MAX, 0}, {0, 1, INT64_MAX}};
    const weir_body_file good = {0, 0, 0};

    (void)arg;
    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    assert_int_equal(weir_connect(weir_listener_address(l), &s), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            weir_body_pump(&(weir_body_source){.file = &bad[i]}, &(weir_body_sink){.stream = s}, NULL, NULL),
            -EINVAL);
    assert_int_equal(weir_body_pump(&(weir_body_source){.file = &good, .stream = s},
                                    &(weir_body_sink){.stream = s}, NULL, NULL),
                     -EINVAL);
    assert_int_equal(
        weir_body_pump(&(weir_body_source){.file = &good}, &(weir_body_sink){.stream = s}, NULL, NULL), 0);
    weir_stream_close(s);
    weir_listener_close(l);
    return 0;
}

static void parts_that_cannot_be_are_refused(void **state)
{
    (void)state;
    run_everywhere(mistaken_main, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_every_length_arrive),
        cmocka_unit_test(so_they_do_where_the_kernel_counts_no_pages),
        cmocka_unit_test(head_reads_nothing),
        cmocka_unit_test(what_a_file_lacks_breaks_its_answer_off),
        cmocka_unit_test(a_file_that_fails_at_once_leaves_room_for_another_answer),
        cmocka_unit_test(clients_may_leave_a_file),
        cmocka_unit_test(files_may_shrink_and_grow_while_they_are_sent),
        cmocka_unit_test(pumps_of_files_can_be_cancelled),
        cmocka_unit_test(a_loop_goes_on_while_a_disk_sleeps),
        cmocka_unit_test(a_loop_waits_for_no_run_that_is_coming),
        cmocka_unit_test(a_pump_waits_for_its_turn_in_a_full_pool),
        cmocka_unit_test(parts_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
