/* SPDX-License-Identifier: MIT */
/* Helpers of applications: that of Python and that of Node, and some that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/helpers.h"

static char folder[64], path[128];
static struct helpers *helpers;

static int open_all(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/weir-helpers-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_non_null(helpers_path(path, sizeof path, folder));
    assert_int_equal(helpers_open(path, &helpers), 0);
    return 0;
}

static int close_all(void **state)
{
    char file[128];

    (void)state;
    helpers_close(helpers);
    assert_int_equal(access(path, F_OK), -1);
    (void)snprintf(file, sizeof file, "%s/app", folder);
    (void)unlink(file);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static void wait_for_helpers(size_t count)
{
    for (helpers_look(helpers); helpers_count(helpers) != count; helpers_look(helpers))
        usleep(1000);
}

/* The folder lets others through when an application has another user. */
static void the_socket_is_private_whatever_the_umask(void **state)
{
    const mode_t mask = umask(0);
    struct helpers *other;
    struct stat about;
    char at[140];

    (void)state;
    (void)snprintf(at, sizeof at, "%s/other", folder);
    assert_int_equal(helpers_open(at, &other), 0);
    (void)umask(mask);
    assert_int_equal(stat(at, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    helpers_close(other);
}

/* --- real applications --- */

static pid_t application(const char *program, const char *option, const char *text)
{
    char file[128];
    FILE *out;
    pid_t pid;

    (void)snprintf(file, sizeof file, "%s/app", folder);
    out = fopen(file, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)setenv("WEIR_APP_SOCKET", path, 1);
        (void)setenv("PYTHONPATH", "share", 1);
        (void)setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setpgid(0, 0);
        if (option != NULL)
            execlp(program, program, "--require", option, file, (char *)NULL);
        execlp(program, program, file, (char *)NULL);
        _exit(127);
    }
    (void)setpgid(pid, pid);
    return pid;
}

static void end(pid_t pid)
{
    int status;

    assert_int_equal(kill(-pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* it had not ended by itself */
}

/* Asks until the culprit is this function: before, the application is still being started. */
static struct app_stack wait_for_function(pid_t pid, pid_t tid, const char *function)
{
    struct app_stack stack;

    do {
        helpers_stack(helpers, pid, tid, folder, &stack);
        assert_int_not_equal(waitpid(pid, NULL, WNOHANG), pid); /* it has not ended */
    } while (stack.depth == 0 || strcmp(stack.frames[stack.culprit].function, function) != 0);
    return stack;
}

#define REGEX_PYTHON                                                                                         \
    "import re\n"                                                                                            \
    "def regex():\n"                                                                                         \
    "    re.match('(a+)+$', 'a' * 60 + '!')\n"

static void python_holding_its_lock_names_its_line(void **state)
{
    pid_t pid = application("python3", NULL, "import weir_app\n" REGEX_PYTHON "regex()\n");
    struct app_stack stack = wait_for_function(pid, pid, "regex");

    (void)state;
    assert_string_equal(stack.frames[stack.culprit].file, "app");
    assert_int_equal(stack.frames[stack.culprit].line, 4);
    /* again and again: what was written before is gone */
    for (int i = 0; i < 3; i++)
        (void)wait_for_function(pid, pid, "regex");
    end(pid);
    wait_for_helpers(0);
}

/* The process forks after it has loaded the helper, as servers do that load applications beforehand. */
static void a_forked_child_has_a_helper_of_its_own(void **state)
{
    pid_t pid = application("python3", NULL,
                            "import weir_app, os, time\n" REGEX_PYTHON "if os.fork() == 0:\n"
                            "    regex()\n"
                            "def parent():\n"
                            "    time.sleep(1000)\n"
                            "parent()\n");
    char children[64], text[64] = "";
    FILE *in;
    pid_t child;

    (void)state;
    (void)wait_for_function(pid, pid, "parent");
    wait_for_helpers(2);
    (void)snprintf(children, sizeof children, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    in = fopen(children, "r");
    assert_non_null(in);
    assert_non_null(fgets(text, sizeof text, in));
    fclose(in);
    child = (pid_t)strtol(text, NULL, 10);
    (void)wait_for_function(child, child, "regex");
    (void)wait_for_function(pid, pid, "parent");
    end(pid);
    wait_for_helpers(0);
}

/* The thread that is asked for is named, whichever is the main one. */
static void a_thread_of_python_is_found(void **state)
{
    pid_t pid = application("python3", NULL,
                            "import weir_app, threading, time\n"
                            "def quiet():\n"
                            "    time.sleep(1000)\n"
                            "def other():\n"
                            "    open(__file__ + '.tid', 'w').write(str(threading.get_native_id()))\n"
                            "    while True: pass\n"
                            "threading.Thread(target=other).start()\n"
                            "quiet()\n");
    char file[160], text[32] = "";
    pid_t tid = 0;

    (void)state;
    (void)snprintf(file, sizeof file, "%s/app.tid", folder);
    while (tid == 0) {
        FILE *in = fopen(file, "r");
        if (in != NULL) {
            tid = fgets(text, sizeof text, in) != NULL ? (pid_t)strtol(text, NULL, 10) : 0;
            fclose(in);
        }
        usleep(1000);
    }
    unlink(file);
    (void)wait_for_function(pid, pid, "quiet");
    (void)wait_for_function(pid, tid, "other");
    end(pid);
    wait_for_helpers(0);
}

static void node_names_its_line(void **state)
{
    pid_t pid = application("node", "./share/weir_app.cjs",
                            "function regex() {\n"
                            "  /^(a+)+$/.test('a'.repeat(60) + '!');\n"
                            "}\n"
                            "setTimeout(regex, 50);\n");
    struct app_stack stack = wait_for_function(pid, pid, "regex");

    (void)state;
    assert_string_equal(stack.frames[stack.culprit].file, "app");
    assert_int_equal(stack.frames[stack.culprit].line, 2);
    end(pid);
    wait_for_helpers(0);
}

static void without_weir_the_helpers_do_nothing(void **state)
{
    (void)state;
    assert_int_equal(system("env -u WEIR_APP_SOCKET PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=share python3 -c "
                            "'import os, weir_app; assert \"SigCgt\" and not weir_app._state'"),
                     0);
    assert_int_equal(
        system("env WEIR_APP_SOCKET=/nowhere PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=share python3 -c "
               "'import os, weir_app; assert not weir_app._state; os.fork()'"),
        0);
    assert_int_equal(system("env -u WEIR_APP_SOCKET node --require ./share/weir_app.cjs -e 0"), 0);
    assert_int_equal(system("env WEIR_APP_SOCKET=/nowhere node --require ./share/weir_app.cjs -e 0"), 0);
}

/* --- lies --- */

static int connected(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text, size_t length, int passed)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec bytes = {(char *)(uintptr_t)text, length};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

    if (passed >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.head = (struct cmsghdr){CMSG_LEN(sizeof passed), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &passed, sizeof passed);
    }
    assert_int_equal(sendmsg(fd, &message, 0), (ssize_t)length);
}

static bool is_forgotten(int fd)
{
    char byte;

    helpers_look(helpers);
    helpers_look(helpers);
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

static void what_is_no_hello_is_forgotten(void **state)
{
    static const char *const texts[] = {
        "GET / HTTP/1.1\r\n",
        "weir-app 2 python 50\n",
        "weir-app 1 python\n",
        "weir-app 1 python 12\n", /* SIGUSR2 */
        "weir-app 1 python 50\n", /* no file */
        "weir-app 1 node 0 x\n",
        "weir-app 1 node -1\n",
        "weir-app 1 node 99999999999\n",
        "\n",
    };
    char zeros[200] = "";
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fd = connected();
        say(fd, texts[i], strlen(texts[i]), -1);
        assert_true(is_forgotten(fd));
        close(fd);
    }
    fd = connected();
    say(fd, zeros, sizeof zeros, -1);
    assert_true(is_forgotten(fd));
    close(fd);
    assert_int_equal(helpers_count(helpers), 0);
}

/* A descriptor of a pipe, or of a file that can only be read, could keep the reader waiting. */
static void files_that_are_no_memory_are_not_taken(void **state)
{
    char hello[64];
    int pipes[2], fd, file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    (void)state;
    (void)snprintf(hello, sizeof hello, "weir-app 1 python %d\n", SIGRTMIN + 3);
    assert_int_equal(pipe(pipes), 0);
    fd = connected();
    say(fd, hello, strlen(hello), pipes[0]);
    assert_true(is_forgotten(fd));
    close(fd);
    fd = connected();
    say(fd, hello, strlen(hello), file);
    assert_true(is_forgotten(fd));
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
    close(file);
}

static void a_hello_may_come_in_pieces(void **state)
{
    int fd = connected();

    (void)state;
    say(fd, "weir-", 5, -1);
    assert_false(is_forgotten(fd));
    say(fd, "app 1 node 0\n", 13, -1);
    assert_false(is_forgotten(fd));
    assert_int_equal(helpers_count(helpers), 1);
    close(fd);
    wait_for_helpers(0);
}

/* This program has no handler for the signal that it announced: it would die of it. */
static void no_signal_is_sent_that_has_no_handler(void **state)
{
    struct app_stack stack;
    char hello[64];
    int fd = connected(), memory = memfd_create("test", MFD_CLOEXEC);

    (void)state;
    (void)snprintf(hello, sizeof hello, "weir-app 1 python %d\n", SIGRTMIN + 3);
    say(fd, hello, strlen(hello), memory);
    helpers_stack(helpers, getpid(), getpid(), folder, &stack);
    assert_int_equal(helpers_count(helpers), 1);
    assert_int_equal(stack.depth, 0);
    close(fd);
    close(memory);
    wait_for_helpers(0);
}

static int written_to = -1;

static void write_endlessly(int number)
{
    char text[4096];

    (void)number;
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 1000; i++)
        if (write(written_to, text, sizeof text) < 0)
            return;
}

/* Text without end, in a file that cannot be made empty. */
static void a_signal_that_brings_garbage_brings_nothing(void **state)
{
    struct sigaction action = {.sa_handler = write_endlessly};
    struct app_stack stack;
    char hello[64];
    int fd = connected();

    (void)state;
    written_to = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(sigaction(SIGRTMIN + 3, &action, NULL), 0);
    (void)snprintf(hello, sizeof hello, "weir-app 1 python %d\n", SIGRTMIN + 3);
    say(fd, hello, strlen(hello), written_to);
    helpers_stack(helpers, getpid(), getpid(), folder, &stack);
    assert_int_equal(stack.depth, 0);
    assert_int_equal(fcntl(written_to, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    helpers_stack(helpers, getpid(), getpid(), folder, &stack);
    assert_int_equal(stack.depth, 0);
    close(fd);
    close(written_to);
    signal(SIGRTMIN + 3, SIG_DFL);
    wait_for_helpers(0);
}

struct liar {
    int fd;
    const char *answer; /* NULL: none */
    size_t times;
};

static void *lie(void *arg)
{
    struct liar *liar = arg;
    char question[64] = "";
    ssize_t n = recv(liar->fd, question, sizeof question - 1, 0);

    if (n <= 0 || liar->answer == NULL)
        return NULL;
    for (size_t i = 0; i < liar->times; i++)
        if (send(liar->fd, liar->answer, strlen(liar->answer), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
    if (liar->times == 1)
        (void)send(liar->fd, question, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
    return NULL;
}

static size_t depth_from_liar(const char *answer, size_t times)
{
    struct liar liar = {connected(), answer, times};
    struct app_stack stack;
    pthread_t thread;

    say(liar.fd, "weir-app 1 node 0\n", 18, -1);
    assert_int_equal(pthread_create(&thread, NULL, lie, &liar), 0);
    helpers_stack(helpers, getpid(), getpid(), folder, &stack);
    (void)shutdown(liar.fd, SHUT_RDWR); /* ends its wait for a question */
    (void)pthread_join(thread, NULL);
    close(liar.fd);
    wait_for_helpers(0);
    return stack.depth;
}

static void answers_to_nothing_are_dropped(void **state)
{
    (void)state;
    assert_int_equal(depth_from_liar(NULL, 0), 0);
    assert_int_equal(depth_from_liar("stack 99999\n  File \"/a.js\", line 1 in f\n\n", 1), 0);
    assert_int_equal(depth_from_liar("  File \"/a.js\", line 1 in f\n", 100000),
                     0); /* no end, and more than there is room */
    assert_int_equal(depth_from_liar("\n\n\n", 1), 0);
}

static void there_are_not_too_many(void **state)
{
    int fds[64];

    (void)state;
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        fds[i] = connected();
    wait_for_helpers(sizeof fds / sizeof *fds);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
    wait_for_helpers(0);
}

static void a_folder_that_is_too_long_has_no_socket(void **state)
{
    struct helpers *none;
    char room[20], long_path[300];

    (void)state;
    assert_null(helpers_path(room, sizeof room, "/tmp/weir-12345678"));
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(helpers_open(long_path, &none), -ENAMETOOLONG);
    assert_int_equal(helpers_open("/nowhere/at/all", &none), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_socket_is_private_whatever_the_umask),
        cmocka_unit_test(python_holding_its_lock_names_its_line),
        cmocka_unit_test(a_forked_child_has_a_helper_of_its_own),
        cmocka_unit_test(a_thread_of_python_is_found),
        cmocka_unit_test(node_names_its_line),
        cmocka_unit_test(without_weir_the_helpers_do_nothing),
        cmocka_unit_test(what_is_no_hello_is_forgotten),
        cmocka_unit_test(files_that_are_no_memory_are_not_taken),
        cmocka_unit_test(a_hello_may_come_in_pieces),
        cmocka_unit_test(no_signal_is_sent_that_has_no_handler),
        cmocka_unit_test(a_signal_that_brings_garbage_brings_nothing),
        cmocka_unit_test(answers_to_nothing_are_dropped),
        cmocka_unit_test(there_are_not_too_many),
        cmocka_unit_test(a_folder_that_is_too_long_has_no_socket),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
