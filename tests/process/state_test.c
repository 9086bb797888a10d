/* SPDX-License-Identifier: MIT */
/* What a process finds when it begins: the state that this program was started with, whatever the runtime has
 * changed in its own. This program is the process, too, with the argument "show". */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/process_rig.h"
#include "support/child.h"
#include "support/forbid.h"

enum { SHOWN_BYTES = 4096 };

struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice_ns, deadline_ns, period_ns;
};

/* --- the process --- */

static void show_status(const char *name)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "re");
    size_t length = strlen(name);

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, length) == 0)
            printf("%s", line);
    if (file != NULL)
        fclose(file);
}

static void show_descriptors(void)
{
    printf("descriptors");
    for (int fd = 0; fd < 2000; fd++) {
        char link[64], to[256] = "";

        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, to, sizeof to - 1) > 0)
            printf(" %d%s%s", fd, strcmp(to, "/dev/null") == 0 ? "=null" : "",
                   fcntl(fd, F_GETFD) & FD_CLOEXEC ? "!" : "");
    }
    printf("\n");
}

static void show_limit(const char *name, int which)
{
    struct rlimit limit;

    (void)getrlimit((__rlimit_resource_t)which, &limit);
    printf("%s %lld %lld\n", name, (long long)limit.rlim_cur, (long long)limit.rlim_max);
}

static int show(void)
{
    struct scheduling attr = {.size = sizeof attr};
    gid_t groups[64];
    char folder[4096];
    int death = -1, count;

    (void)prctl(PR_GET_PDEATHSIG, &death);
    (void)syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0);
    printf("leads %s\n", getsid(0) == getpid() && getpgid(0) == getpid() ? "session and group" : "not");
    printf("dies by %d\n", death);
    printf("nice %d slice %llu slack %d\n", attr.nice, (unsigned long long)attr.slice_ns,
           prctl(PR_GET_TIMERSLACK));
    printf("folder %s\n", getcwd(folder, sizeof folder));
    printf("user %d %d group %d %d", (int)getuid(), (int)geteuid(), (int)getgid(), (int)getegid());
    count = getgroups(64, groups);
    for (int i = 0; i < count; i++)
        printf(" %d", (int)groups[i]);
    printf("\n");
    show_status("SigBlk:");
    show_status("SigIgn:");
    show_descriptors();
    show_limit("files", RLIMIT_NOFILE);
    show_limit("data", RLIMIT_DATA);
    fflush(stdout);
    return 0;
}

/* --- the test --- */

/* What the process says, run with these options. */
static void run_show(weir_process_options *options, struct said *said)
{
    static const char *const argv[] = {"state_test", "show", NULL};
    weir_process *process;
    weir_process_end end;
    weir_scope scope;

    *said = (struct said){{0}, 0, 0};
    options->argv = argv;
    options->program = "/proc/self/exe";
    options->line = note_line;
    options->arg = said;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, options, &process), 0);
    assert_int_equal(weir_process_wait(process, &end), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(end.status, 0);
}

static char found_schedule[128];
static struct rlimit found_files;

/* As this program finds it when it is started. */
static void note_found(void)
{
    struct scheduling attr = {.size = sizeof attr};

    (void)syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0);
    (void)snprintf(found_schedule, sizeof found_schedule, "nice %d slice %llu slack %d|", attr.nice,
                   (unsigned long long)attr.slice_ns, prctl(PR_GET_TIMERSLACK));
    (void)getrlimit(RLIMIT_NOFILE, &found_files);
}

static int finds_usual_state(void *arg)
{
    weir_process_options options = {0};
    struct said said;
    char files[64];
    int open_here = open("/dev/zero", O_RDONLY); /* not close-on-exec */

    (void)arg;
    run_show(&options, &said);
    assert_said(&said, "leads session and group|");
    assert_said(&said, "dies by 9|");
    assert_said(&said, found_schedule);
    assert_said(&said, "SigBlk:\t0000000000000000|");
    assert_said(&said, "SigIgn:\t0000000000000000|");
    assert_said(&said, "descriptors 0=null 1 2|");
    (void)snprintf(files, sizeof files, "files %lld %lld|", (long long)found_files.rlim_cur,
                   (long long)found_files.rlim_max);
    assert_said(&said, files);
    close(open_here);
    return 0;
}

static void a_process_finds_the_usual_state(void **state)
{
    struct rlimit more = found_files;
    sigset_t some, before;

    (void)state;
    more.rlim_cur = more.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &more);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGUSR1, SIG_IGN);
    sigemptyset(&some);
    sigaddset(&some, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &some, &before);
    run_really(finds_usual_state, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGUSR1, SIG_DFL);
    (void)setrlimit(RLIMIT_NOFILE, &found_files);
}

static int finds_limits_and_folder(void *arg)
{
    weir_process_options options = {
        .folder = "/usr", .memory_bytes_max = UINT64_C(1) << 50, .descriptors_max = 77};
    struct said said;

    (void)arg;
    run_show(&options, &said);
    assert_said(&said, "folder /usr|");
    assert_said(&said, "files 77 77|");
    assert_said(&said, "data 1125899906842624 1125899906842624|");
    return 0;
}

static void a_process_has_limits_and_a_folder(void **state)
{
    (void)state;
    run_really(finds_limits_and_folder, NULL);
}

/* --- descriptors --- */

enum { HANDED = 20 };

/* Numbers that clash in every way: each descriptor is wanted under the number of the next. */
static int finds_descriptors(void *arg)
{
    weir_process_options options = {0};
    weir_process_fd fds[HANDED];
    char expected[256] = "descriptors 0=null 1 2";
    struct said said;
    int numbers[HANDED];

    (void)arg;
    for (int i = 0; i < HANDED; i++)
        fds[i].fd = numbers[i] = open("/dev/zero", O_RDONLY); /* not close-on-exec */
    for (int i = 0; i < HANDED; i++) {
        fds[i].as = numbers[(i + 1) % HANDED];
        (void)snprintf(expected + strlen(expected), sizeof expected - strlen(expected), " %d", numbers[i]);
    }
    (void)strcat(expected, "|");
    options.fds = fds;
    options.fd_count = HANDED;
    run_show(&options, &said);
    assert_said(&said, expected);
    for (int i = 0; i < HANDED; i++) /* one under many numbers, among them the highest */
        fds[i] = (weir_process_fd){numbers[0], i < HANDED - 1 ? 3 + 2 * i : 900};
    run_show(&options, &said);
    assert_said(&said, "descriptors 0=null 1 2 3 5 7 9 11 13 15 17 19 21 23 25 27 29 31 33 35 37 39 900|");
    for (int i = 0; i < HANDED; i++)
        close(numbers[i]);
    return 0;
}

static void descriptors_are_handed_over_under_their_numbers(void **state)
{
    (void)state;
    run_really(finds_descriptors, NULL);
}

static int finds_the_same_descriptor(void *arg)
{
    const char *argv[4];
    weir_process_options options = sh(argv, "read a <&5; echo $a; echo back >&6", NULL);
    struct said said = {{0}, 0, 0};
    int to[2], from[2];
    weir_process_fd fds[2];
    weir_process *process;
    weir_process_end end;
    weir_scope scope;
    char got[16] = "";

    (void)arg;
    assert_int_equal(pipe2(to, O_CLOEXEC), 0);
    assert_int_equal(pipe2(from, O_CLOEXEC), 0);
    fds[0] = (weir_process_fd){from[1], 6};
    fds[1] = (weir_process_fd){to[0], 5};
    options.fds = fds;
    options.fd_count = 2;
    options.line = note_line;
    options.arg = &said;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_process_start(&scope, &options, &process), 0);
    assert_int_equal(write(to[1], "word\n", 5), 5);
    assert_int_equal(weir_process_wait(process, &end), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_string_equal(said.text, "out word|");
    assert_int_equal(read(from[0], got, sizeof got - 1), 5);
    assert_string_equal(got, "back\n");
    close(to[0]), close(to[1]), close(from[0]), close(from[1]);
    return 0;
}

static void a_handed_descriptor_is_the_one(void **state)
{
    (void)state;
    run_really(finds_the_same_descriptor, NULL);
}

/* --- on an old kernel, or under a filter, without close_range(2); in a child of this test --- */

static int starts_on_old_kernel(void *arg)
{
    weir_process_options options = {0};
    weir_process_fd fds[] = {{0, 30}};
    struct said said;

    (void)arg;
    (void)dup2(0, 40); /* not close-on-exec */
    options.fds = fds;
    options.fd_count = 1;
    run_show(&options, &said);
    return strstr(said.text, "descriptors 0=null 1 2 30") == NULL || strstr(said.text, " 40") != NULL;
}

static int be_on_old_kernel(void *arg)
{
    weir_options options = {.io = WEIR_IO_EPOLL};

    (void)arg;
    return forbid_call(SYS_close_range, ENOSYS) < 0 ? 77 : weir_run(&options, starts_on_old_kernel, NULL);
}

static void descriptors_are_closed_on_an_old_kernel(void **state)
{
    static char text[4096];
    int status = run_in_child(be_on_old_kernel, NULL, text, sizeof text);

    (void)state;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("status %x: %s", (unsigned)status, text);
}

/* --- without standard streams --- */

static int starts_without_streams(void *arg)
{
    weir_process_options options = {0};
    struct said said;
    int numbers[2];

    (void)arg; /* stderr is the log's */
    for (int i = 0; i < 2; i++) {
        numbers[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
        close(i); /* the pipes of the process get these numbers */
    }
    run_show(&options, &said);
    for (int i = 0; i < 2; i++) {
        (void)dup2(numbers[i], i);
        close(numbers[i]);
    }
    assert_said(&said, "descriptors 0=null 1 2|");
    return 0;
}

static void a_program_without_standard_streams_starts_processes(void **state)
{
    (void)state;
    run_really(starts_without_streams, NULL);
}

/* stdout and stderr of this program, and nothing, told by what the process can write to. */
static int inherits(void *arg)
{
    const char *argv[4];
    weir_process_options options = sh(argv, "echo out; echo err >&2", NULL);
    weir_process *process;
    weir_scope scope;
    char got[64] = "";
    int ends[2], before[2];

    (void)arg;
    for (int i = 0; i < 2; i++) {
        memset(got, 0, sizeof got);
        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        before[0] = dup(1), before[1] = dup(2);
        (void)dup2(ends[1], 1), (void)dup2(ends[1], 2);
        options.output = i == 0 ? WEIR_PROCESS_INHERIT : WEIR_PROCESS_NULL;
        weir_scope_open(&scope, weir_never(), 0);
        (void)!weir_process_start(&scope, &options, &process);
        (void)weir_scope_close(&scope);
        (void)dup2(before[0], 1), (void)dup2(before[1], 2);
        (void)!read(ends[0], got, sizeof got - 1);
        assert_string_equal(got, i == 0 ? "out\nerr\n" : "");
        close(ends[0]), close(ends[1]), close(before[0]), close(before[1]);
    }
    return 0;
}

static void streams_are_inherited_or_none(void **state)
{
    (void)state;
    run_really(inherits, NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_finds_the_usual_state),
        cmocka_unit_test(a_process_has_limits_and_a_folder),
        cmocka_unit_test(descriptors_are_handed_over_under_their_numbers),
        cmocka_unit_test(a_handed_descriptor_is_the_one),
        cmocka_unit_test(descriptors_are_closed_on_an_old_kernel),
        cmocka_unit_test(a_program_without_standard_streams_starts_processes),
        cmocka_unit_test(streams_are_inherited_or_none),
    };

    if (argc > 1 && strcmp(argv[1], "show") == 0)
        return show();
    note_found();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
