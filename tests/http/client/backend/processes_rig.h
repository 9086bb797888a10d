/* SPDX-License-Identifier: MIT */
/* Several processes that have one backend open: children, which do what their parent says, and the parent,
 * which has the server, and asks as well. To be included by one file of a test.
 *
 * Threading: one loop in each process.
 */
#ifndef TEST_HTTP_CLIENT_BACKEND_PROCESSES_RIG_H
#define TEST_HTTP_CLIENT_BACKEND_PROCESSES_RIG_H

#include "cluster.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/client/backend/state.h"

enum { ROOM = 1 << 20, CHILDREN_MAX = 8 };

/* --- a child: it does what its parent says, one letter after the other --- */

enum {
    OPEN = 'o',  /* opens the backend */
    ASK = 'a',   /* asks, and says how it ended */
    BEGIN = 'b', /* begins to ask for what is not answered */
    LIVE = 'l',  /* asks again and again, and gives up now and then, until it is killed */
    REST = 'r',  /* does nothing: what it has begun has been brought to a wait */
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
    weir_shared *shared; /* the parent's, whose number is child_count */
    struct child children[CHILDREN_MAX];
    int child_count;
    int (*body)(struct rig *rig);
};

static uint64_t seed = 1; /* of what processes draw */

/* Of the servers, which are the parent's. */
static int hanging, checks;
static bool fails;
static weir_event go_on;

static struct cluster child_cluster;

static inline int ask_in_vain(void *arg)
{
    (void)arg;
    (void)ask(&child_cluster, "/hang", NULL);
    return 0;
}

enum { LIVES = 6 };

static inline int live(void *arg)
{
    (void)arg;
    while (weir_cancelled() == 0) {
        weir_scope scope;
        weir_scope_open(&scope, weir_after(weir_us((int64_t)weir_random_below(4000))), 0);
        (void)ask(&child_cluster, weir_random_below(4) == 0 ? "/hang" : "/", NULL);
        (void)weir_scope_close(&scope);
        (void)weir_yield();
    }
    return 0;
}

static inline bool obey(char letter, const struct rig *rig, weir_scope *scope, int *said)
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
    case LIVE:
        for (int i = 0; i < LIVES && *said == 0; i++)
            *said = weir_spawn(scope, "living", live, NULL);
        return true;
    case REST:
        return true;
    default:
        return false;
    }
}

static inline int read_when_there(int fd, void *to, size_t bytes)
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

static inline int obey_all(void *arg)
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

static inline void be_child(const struct rig *rig, int member, int from, int to)
{
    struct child_main main = {rig, from, to};
    weir_options options = {
        .io = WEIR_IO_EPOLL, .log_level = WEIR_LOG_ERROR, .seed = seed * CHILDREN_MAX + (uint64_t)member + 1};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || weir_shared_open(rig->fd, member, &options.shared) < 0)
        _exit(1);
    _exit(weir_run(&options, obey_all, &main) == 0 ? 0 : 2);
}

static inline void begin_child(struct rig *rig, int member)
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

static inline int tell(struct rig *rig, int member, char letter)
{
    int said;

    assert_int_equal(write(rig->children[member].to, &letter, 1), 1);
    assert_int_equal(read_when_there(rig->children[member].from, &said, sizeof said), 0);
    return said;
}

/* Killed, and expelled, as its supervisor does. */
static inline void kill_child(struct rig *rig, int member)
{
    assert_int_equal(kill(rig->children[member].pid, SIGKILL), 0);
    assert_int_equal(waitpid(rig->children[member].pid, NULL, 0), rig->children[member].pid);
    rig->children[member].pid = 0;
    weir_shared_expel(rig->shared, member);
}

static inline void end_child(struct rig *rig, int member)
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

static inline int serve(struct backend *b, weir_stream *s, int number)
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

static inline int run_body(void *arg)
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

static inline void open_backend(struct rig *rig)
{
    assert_int_equal(weir_backend_open(&rig->options, &cluster.backend), 0);
}

static inline void run_processes(int children, weir_backend_options options, int (*body)(struct rig *rig))
{
    struct rig rig = {.options = options, .body = body, .child_count = children};
    char folder[] = "/tmp/weir-processes-XXXXXX";

    assert_non_null(mkdtemp(folder));
    (void)snprintf(rig.path, sizeof rig.path, "unix:%s/s", folder);
    rig.url[0] = rig.path;
    rig.options.name = "orders";
    rig.options.urls = rig.url;
    rig.options.url_count = 1;
    assert_int_equal(weir_shared_make(ROOM, &rig.fd), 0);
    for (int i = 0; i < children; i++)
        begin_child(&rig, i);
    assert_int_equal(weir_shared_open(rig.fd, children, &rig.shared), 0);
    assert_int_equal(weir_run(&(weir_options){.shared = rig.shared, .seed = seed}, run_body, &rig), 0);
    for (int i = 0; i < children; i++) {
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

static inline void until_hanging(int count)
{
    while (hanging < count)
        assert_int_equal(weir_sleep(weir_us(200)), 0);
}

static inline void until_waiting(int count)
{
    while (see().stats.waiting < count)
        assert_int_equal(weir_sleep(weir_us(200)), 0);
}

static inline int hang_here(void *arg)
{
    (void)arg;
    (void)ask(&cluster, "/hang", NULL);
    return 0;
}

#endif
