/* SPDX-License-Identifier: MIT */
/* A backend of several processes: maxima, ejection, breaker and keeper are those of all of them; what one
 * that is killed had is given back. */
#include "cluster.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/client/backend/state.h"

enum { CHILDREN = 3, ROOM = 1 << 20, ROUNDS = 20, LOOKS_EACH_MS = 250 };

/* --- a child: it does what its parent says, one letter after the other --- */

enum {
    OPEN = 'o',  /* opens the backend */
    ASK = 'a',   /* asks, and says how it ended */
    BEGIN = 'b', /* begins to ask for what is not answered */
    END = 'e'    /* closes all, and ends */
};

struct child {
    pid_t pid;
    int to, from; /* pipes */
};

struct rig {
    weir_backend_options options;
    const char *url[1];
    char path[160];
    int fd;
    weir_shared *shared; /* the parent's, which is member CHILDREN */
    struct child children[CHILDREN];
    int (*body)(struct rig *rig);
};

/* Of the servers, which are the parent's. */
static int hanging, checks;
static bool fails;
static weir_event go_on;

static struct cluster child_cluster;

static int ask_in_vain(void *arg)
{
    (void)arg;
    (void)ask(&child_cluster, "/hang", NULL);
    return 0;
}

static bool obey(char letter, const struct rig *rig, weir_scope *scope, int *said)
{
    *said = 0;
    switch (letter) {
    case OPEN:
        *said = weir_backend_open(&rig->options, &child_cluster.backend);
        child_cluster.client = client_open(NULL);
        return true;
    case ASK:
        *said = ask(&child_cluster, "/", NULL);
        return true;
    case BEGIN:
        *said = weir_spawn(scope, "asking", ask_in_vain, NULL);
        return true;
    default:
        return false;
    }
}

static int read_when_there(int fd, void *to, size_t bytes)
{
    ssize_t n;

    while ((n = read(fd, to, bytes)) < 0 && errno == EAGAIN)
        if (weir_sleep(weir_us(200)) < 0)
            return -1;
    return n == (ssize_t)bytes ? 0 : -1;
}

struct child_main {
    const struct rig *rig;
    int from, to;
};

static int obey_all(void *arg)
{
    const struct child_main *c = arg;
    weir_scope scope;
    char letter;
    int said;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    while (read_when_there(c->from, &letter, 1) == 0 && obey(letter, c->rig, &scope, &said))
        if (write(c->to, &said, sizeof said) != (ssize_t)sizeof said)
            return 1;
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    if (child_cluster.backend != NULL) {
        weir_backend_close(child_cluster.backend);
        weir_client_close(child_cluster.client);
    }
    return 0;
}

static void be_child(const struct rig *rig, int member, int from, int to)
{
    struct child_main main = {rig, from, to};
    weir_options options = {.io = WEIR_IO_EPOLL, .log_level = WEIR_LOG_ERROR};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || weir_shared_open(rig->fd, member, &options.shared) < 0)
        _exit(1);
    _exit(weir_run(&options, obey_all, &main) == 0 ? 0 : 2);
}

static void begin_child(struct rig *rig, int member)
{
    struct child *c = &rig->children[member];
    int to[2], from[2];

    assert_int_equal(pipe2(to, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(pipe2(from, O_CLOEXEC | O_NONBLOCK), 0);
    c->pid = fork();
    assert_true(c->pid >= 0);
    if (c->pid == 0)
        be_child(rig, member, to[0], from[1]);
    (void)close(to[0]);
    (void)close(from[1]);
    c->to = to[1];
    c->from = from[0];
}

static int tell(struct rig *rig, int member, char letter)
{
    int said;

    assert_int_equal(write(rig->children[member].to, &letter, 1), 1);
    assert_int_equal(read_when_there(rig->children[member].from, &said, sizeof said), 0);
    return said;
}

/* Killed, and expelled, as its supervisor does. */
static void kill_child(struct rig *rig, int member)
{
    assert_int_equal(kill(rig->children[member].pid, SIGKILL), 0);
    assert_int_equal(waitpid(rig->children[member].pid, NULL, 0), rig->children[member].pid);
    rig->children[member].pid = 0;
    weir_shared_expel(rig->shared, member);
}

static void end_child(struct rig *rig, int member)
{
    const char letter = END;
    int status;

    assert_int_equal(write(rig->children[member].to, &letter, 1), 1);
    while (waitpid(rig->children[member].pid, &status, WNOHANG) == 0)
        assert_int_equal(weir_sleep(weir_us(200)), 0);
    assert_int_equal(status, 0);
    rig->children[member].pid = 0;
}

/* --- the parent: it has the server, and is one of the processes that ask --- */

static struct cluster cluster;

static int serve(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0) {
        checks += strncmp(b->request, "GET /healthz", 12) == 0;
        if (strncmp(b->request, "GET /hang", 9) == 0) {
            hanging++;
            (void)!weir_event_wait(&go_on);
            hanging--;
        }
        if (send_text(s, fails ? "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n" : OK_ANSWER) < 0)
            break;
    }
    return 0;
}

static int run_body(void *arg)
{
    struct rig *rig = arg;
    struct backend server;
    int err;

    hanging = checks = 0;
    fails = false;
    weir_event_init(&go_on);
    memset(&cluster, 0, sizeof cluster);
    backend_open_at(&server, rig->url[0], serve, NULL);
    cluster.client = client_open(NULL);
    err = rig->body(rig);
    weir_event_set(&go_on);
    if (cluster.backend != NULL)
        weir_backend_close(cluster.backend);
    weir_client_close(cluster.client);
    backend_close(&server);
    return err;
}

static void open_backend(struct rig *rig)
{
    assert_int_equal(weir_backend_open(&rig->options, &cluster.backend), 0);
}

static void run_processes(weir_backend_options options, int (*body)(struct rig *rig))
{
    struct rig rig = {.options = options, .body = body};
    char folder[] = "/tmp/weir-processes-XXXXXX";

    assert_non_null(mkdtemp(folder));
    (void)snprintf(rig.path, sizeof rig.path, "unix:%s/s", folder);
    rig.url[0] = rig.path;
    rig.options.name = "orders";
    rig.options.urls = rig.url;
    rig.options.url_count = 1;
    assert_int_equal(weir_shared_make(ROOM, &rig.fd), 0);
    for (int i = 0; i < CHILDREN; i++)
        begin_child(&rig, i);
    assert_int_equal(weir_shared_open(rig.fd, CHILDREN, &rig.shared), 0);
    assert_int_equal(weir_run(&(weir_options){.shared = rig.shared}, run_body, &rig), 0);
    for (int i = 0; i < CHILDREN; i++) {
        if (rig.children[i].pid > 0)
            kill_child(&rig, i);
        (void)close(rig.children[i].to);
        (void)close(rig.children[i].from);
    }
    weir_shared_close(rig.shared);
    (void)close(rig.fd);
    (void)unlink(rig.path + 5);
    (void)rmdir(folder);
}

static void until_hanging(int count)
{
    while (hanging < count)
        assert_int_equal(weir_sleep(weir_us(200)), 0);
}

static void until_waiting(int count)
{
    while (see().stats.waiting < count)
        assert_int_equal(weir_sleep(weir_us(200)), 0);
}

static int hang_here(void *arg)
{
    (void)arg;
    (void)ask(&cluster, "/hang", NULL);
    return 0;
}

/* --- maxima --- */

static int common_limit(struct rig *rig)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    assert_int_equal(tell(rig, 0, BEGIN), 0);
    assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_hanging(2);
    assert_int_equal(ask(&cluster, "/", NULL), 0);
    assert_int_equal(weir_spawn(&scope, "asking", hang_here, NULL), 0);
    until_hanging(3);
    assert_int_equal(ask(&cluster, "/", NULL), -WEIR_ELIMITED);
    assert_int_equal(tell(rig, 0, ASK), -WEIR_ELIMITED);
    assert_int_equal(see().stats.in_use, 3);
    assert_int_equal(see().instances[0].in_use, 3);
    kill_child(rig, 0); /* and gives back what it had */
    assert_int_equal(see().stats.in_use, 1);
    assert_int_equal(see().instances[0].in_use, 1);
    assert_int_equal(see().stats.connections, 1);
    assert_int_equal(ask(&cluster, "/", NULL), 0);
    weir_event_set(&go_on);
    (void)weir_scope_close(&scope);
    assert_at_rest(&cluster);
    return 0;
}

static void all_processes_have_one_limit(void **state)
{
    (void)state;
    run_processes((weir_backend_options){.limit = 3}, common_limit);
}

static int wait_for_the_dead(struct rig *rig)
{
    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_hanging(2);
    {
        struct asking asking = {.cluster = &cluster};
        weir_scope scope;
        weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
        assert_int_equal(weir_spawn(&scope, "asking", ask_once, &asking), 0);
        until_waiting(1);
        assert_int_equal(see().stats.connections, 2);
        kill_child(rig, 0);
        (void)weir_scope_close(&scope);
        assert_int_equal(asking.err, 0);
    }
    assert_at_rest(&cluster);
    assert_int_equal(see().stats.connections, 1);
    return 0;
}

static void connections_of_the_dead_are_free(void **state)
{
    (void)state;
    run_processes((weir_backend_options){.connections_max = 2}, wait_for_the_dead);
}

/* The one connection is idle in one process when the other asks. */
static int ask_in_turn(struct rig *rig)
{
    int64_t began = weir_now().ns;

    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(tell(rig, 0, ASK), 0);
        assert_int_equal(ask(&cluster, "/", NULL), 0);
        assert_int_equal(see().stats.connections, 1);
    }
    /* Each was rung for: looking now and then alone would take at least twice as long. */
    assert_true(weir_now().ns - began < INT64_C(1000000) * ROUNDS * LOOKS_EACH_MS);
    return 0;
}

static void an_idle_connection_is_given_up_for_another_process(void **state)
{
    (void)state;
    run_processes((weir_backend_options){.connections_max = 1}, ask_in_turn);
}

static int wait_too_many(struct rig *rig)
{
    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_hanging(1);
    assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_waiting(1);
    assert_int_equal(ask(&cluster, "/", NULL), -WEIR_EBUSY);
    kill_child(rig, 0);
    assert_int_equal(ask(&cluster, "/", NULL), 0);
    assert_at_rest(&cluster);
    return 0;
}

static void all_processes_have_one_maximum_of_waiting(void **state)
{
    (void)state;
    run_processes((weir_backend_options){.connections_max = 1, .waiting_max = 1}, wait_too_many);
}

/* A process that is stopped while it waits holds up nobody for good, and gets its turn when it goes on. */
static int stop_one_that_waits(struct rig *rig)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    assert_int_equal(weir_spawn(&scope, "asking", hang_here, NULL), 0);
    until_hanging(1);
    assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_waiting(1);
    assert_int_equal(kill(rig->children[0].pid, SIGSTOP), 0);
    weir_event_set(&go_on);
    (void)weir_scope_close(&scope);
    for (int i = 0; i < 100; i++)
        assert_int_equal(ask(&cluster, "/", NULL), 0);
    assert_int_equal(kill(rig->children[0].pid, SIGCONT), 0);
    while (see().stats.in_use > 0)
        assert_int_equal(weir_sleep(weir_us(200)), 0);
    assert_at_rest(&cluster);
    return 0;
}

static void a_stopped_process_holds_nobody_up(void **state)
{
    (void)state;
    run_processes((weir_backend_options){.connections_max = 1}, stop_one_that_waits);
}

/* --- what is known of it --- */

static int fail_elsewhere(struct rig *rig)
{
    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    fails = true;
    for (int i = 0; i < 20; i++)
        (void)tell(rig, 0, ASK);
    assert_int_equal(ask(&cluster, "/", NULL), -WEIR_EOPEN);
    assert_true(see().stats.open);
    assert_int_equal(state_of(0), WEIR_INSTANCE_UP);
    kill_child(rig, 0); /* which changes nothing */
    assert_int_equal(ask(&cluster, "/", NULL), -WEIR_EOPEN);
    return 0;
}

static void all_processes_have_one_breaker(void **state)
{
    (void)state;
    run_processes((weir_backend_options){.breaker = {.failed_percent = 50, .open = weir_seconds(60)},
                                         .eject.after = -1},
                  fail_elsewhere);
}

static int eject_elsewhere(struct rig *rig)
{
    struct seen seen;

    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    fails = true;
    for (int i = 0; i < 5; i++)
        (void)tell(rig, 0, ASK);
    assert_int_equal(state_of(0), WEIR_INSTANCE_EJECTED);
    seen = see();
    assert_int_equal(seen.instances[0].failures, 5);
    assert_string_equal(seen.instances[0].last_error, "Internal Server Error");
    return 0;
}

static void all_processes_have_one_ejection(void **state)
{
    (void)state;
    run_processes((weir_backend_options){.eject = {.at_most_percent = 100, .period = weir_seconds(300)}},
                  eject_elsewhere);
}

/* --- the keeper --- */

static void until_checked(int more)
{
    int before = checks;

    while (checks < before + more)
        assert_int_equal(weir_sleep(weir_us(200)), 0);
}

static int keeper_count(int member)
{
    return weir_shared_count_of(&weir__backend_common(cluster.backend)->counts.keeper, member);
}

/* The first keeps; it is killed, and one of the others goes on; and the same when it leaves. */
static int keep_in_turn(struct rig *rig)
{
    int second;

    for (int i = 0; i < CHILDREN; i++) {
        assert_int_equal(tell(rig, i, OPEN), 0);
        until_checked(2);
    }
    open_backend(rig);
    assert_int_equal(keeper_count(0), 1);
    assert_int_equal(keeper_count(1) + keeper_count(2) + keeper_count(CHILDREN), 0);
    kill_child(rig, 0);
    until_checked(3);
    while (keeper_count(1) + keeper_count(2) + keeper_count(CHILDREN) != 1)
        assert_int_equal(weir_sleep(weir_us(200)), 0);
    second = keeper_count(1) == 1 ? 1 : 2;
    end_child(rig, second);
    until_checked(3);
    end_child(rig, 3 - second);
    until_checked(3);
    assert_int_equal(keeper_count(CHILDREN), 1);
    return 0;
}

static void one_process_checks_and_another_goes_on(void **state)
{
    (void)state;
    run_processes((weir_backend_options){.health = {.path = "/healthz", .every = weir_ms(10)}}, keep_in_turn);
}

/* --- other options --- */

static int change_options(struct rig *rig)
{
    const int limit = rig->options.limit;
    uint64_t id;

    assert_int_equal(tell(rig, 0, OPEN), 0);
    for (int i = 0; i < limit; i++)
        assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_hanging(limit);
    open_backend(rig);
    assert_int_equal(see().stats.in_use, limit);
    id = see().stats.shared_id;
    weir_backend_close(cluster.backend);

    rig->options.limit = limit + 1; /* another generation */
    open_backend(rig);
    assert_int_equal(see().stats.in_use, 0);
    assert_true(see().stats.shared_id != id);
    assert_int_equal(ask(&cluster, "/", NULL), 0);
    weir_backend_close(cluster.backend);

    for (int i = 0; i < 200; i++) { /* what nobody uses any more makes room */
        rig->options.limit = limit + 2 + i;
        open_backend(rig);
        assert_int_equal(see().stats.requests, 0);
        assert_int_equal(ask(&cluster, "/", NULL), 0);
        weir_backend_close(cluster.backend);
    }
    rig->options.limit = limit;
    open_backend(rig);
    assert_int_equal(see().stats.in_use, limit);
    assert_int_equal(see().stats.shared_id, id);
    return 0;
}

static void other_options_make_another_backend(void **state)
{
    (void)state;
    run_processes((weir_backend_options){.limit = 2}, change_options);
}

/* What it counted is there for the process that replaces it. */
static int replace(struct rig *rig)
{
    assert_int_equal(tell(rig, 0, OPEN), 0);
    assert_int_equal(tell(rig, 0, ASK), 0);
    assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_hanging(1);
    kill_child(rig, 0);
    open_backend(rig);
    assert_int_equal(see().stats.requests, 2);
    assert_int_equal(see().stats.in_use, 0);
    assert_int_equal(see().stats.instance_count, 1);
    return 0;
}

static void what_is_known_outlives_the_process(void **state)
{
    (void)state;
    run_processes((weir_backend_options){.limit = 2}, replace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_processes_have_one_limit),
        cmocka_unit_test(connections_of_the_dead_are_free),
        cmocka_unit_test(an_idle_connection_is_given_up_for_another_process),
        cmocka_unit_test(all_processes_have_one_maximum_of_waiting),
        cmocka_unit_test(a_stopped_process_holds_nobody_up),
        cmocka_unit_test(all_processes_have_one_breaker),
        cmocka_unit_test(all_processes_have_one_ejection),
        cmocka_unit_test(one_process_checks_and_another_goes_on),
        cmocka_unit_test(other_options_make_another_backend),
        cmocka_unit_test(what_is_known_outlives_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
