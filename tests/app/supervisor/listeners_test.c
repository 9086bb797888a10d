/* SPDX-License-Identifier: MIT */
/* The listening sockets of a supervisor: which stay open, which are systemd's, and why one can't be had. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/load.h"
#include "routes/table.h"
#include "supervisor/listeners.h"
#include "support/child.h"
#include "support/run.h"

#define ROUTES "routes:\n  - {path: /, respond: {body: x}}\n"

/* --- configurations, and what becomes of them --- */

struct opened {
    struct config config;
    int fds[8];
    char faults[2048];
};

static void note(void *arg, const char *line)
{
    char *text = arg;
    size_t length = strlen(text);

    (void)snprintf(text + length, 2048 - length, "%s\n", line);
}

/* Returns: as listeners_open(). */
static int open_all(struct listeners *l, const char *listen, struct opened *o)
{
    struct start_addresses addresses;
    struct config_faults faults;
    char text[1024];
    int length = snprintf(text, sizeof text, "listen: %s\n" ROUTES, listen), err;

    *o = (struct opened){.faults = ""};
    config_faults_open(&faults, "file");
    assert_int_equal(config_parse(&o->config, text, (size_t)length, &route_kinds, &faults), 0);
    assert_int_equal(listeners_resolve(&o->config, &faults, &addresses), 0);
    err = listeners_open(l, &addresses, o->fds);
    start_addresses_close(&addresses);
    config_faults_each(&faults, true, note, o->faults);
    return err;
}

static void open_fine(struct listeners *l, const char *listen, struct opened *o)
{
    if (open_all(l, listen, o) < 0)
        fail_msg("%s", o->faults);
    listeners_keep(l, &o->config);
}

static void open_faulty(struct listeners *l, const char *listen, const char *fault)
{
    struct opened o;

    assert_int_equal(open_all(l, listen, &o), -WEIR_ECONFIG);
    if (strstr(o.faults, fault) == NULL)
        fail_msg("%s: no '%s'", o.faults, fault);
    config_free(&o.config);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* A socket of another program: it has no listener before listen(2). */
static int occupy(int family, char text[WEIR_ADDRESS_BYTES])
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    socklen_t length = sizeof name;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (family == AF_UNIX) {
        (void)snprintf(path.sun_path, sizeof path.sun_path, "%s", text + sizeof "unix:" - 1);
        assert_int_equal(bind(fd, (struct sockaddr *)&path, sizeof path), 0);
    } else {
        assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
        (void)snprintf(text, WEIR_ADDRESS_BYTES, "127.0.0.1:%d", ntohs(name.sin_port));
    }
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

/* --- over reloads --- */

static void sockets_stay_while_their_addresses_do(void **state)
{
    struct listeners *l = listeners_new();
    struct opened first, second, third;

    (void)state;
    open_fine(l, "[\"127.0.0.1:0\", \"127.0.0.1:0\", \"[::1]:0\"]", &first);
    assert_int_not_equal(first.fds[0], first.fds[1]);
    assert_memory_equal(listeners_address(l, first.fds[0]), "127.0.0.1:", 10);
    assert_memory_equal(listeners_address(l, first.fds[2]), "[::1]:", 6);
    assert_null(strstr(listeners_address(l, first.fds[0]), ":0"));
    assert_string_equal(listeners_address(l, 9999), "");

    open_fine(l, "[\"[0:0::1]:0\", \"localhost:0\"]", &second); /* the same, by other names */
    assert_int_equal(second.fds[0], first.fds[2]);
    assert_int_equal(second.fds[1], first.fds[0]);
    assert_false(is_open(first.fds[1]));

    assert_int_equal(open_all(l, "[\"127.0.0.1:0\", \"127.0.0.1:0\"]", &third), 0); /* a reload that fails */
    assert_int_equal(third.fds[0], first.fds[0]);
    listeners_keep(l, &second.config);
    assert_false(is_open(third.fds[1]));
    assert_true(is_open(second.fds[0]) && is_open(second.fds[1]));

    listeners_keep(l, NULL);
    assert_false(is_open(second.fds[0]) || is_open(second.fds[1]));
    listeners_free(l);
    listeners_free(NULL);
    config_free(&first.config);
    config_free(&second.config);
    config_free(&third.config);
}

/* --- faults --- */

static void what_can_not_be_listened_on_is_a_fault_with_its_place(void **state)
{
    struct listeners *l = listeners_new();
    char taken[WEIR_ADDRESS_BYTES], text[WEIR_ADDRESS_BYTES * 3], port[16];
    int other = occupy(AF_INET, taken);
    struct opened o;

    (void)state;
    (void)snprintf(port, sizeof port, "%s", strchr(taken, ':') + 1);
    open_fine(l, "127.0.0.1:0", &o); /* later ones are not waited for */
    (void)snprintf(text, sizeof text, "[\"127.0.0.1:0\", \"%s\"]", taken);
    open_faulty(l, text, "file:1:25: ");
    open_faulty(l, text, "is taken by another program; stop it, or choose another port with listen");
    open_faulty(l, "no-such-host.invalid:0", "no-such-host.invalid:0 cannot be listened on");
    open_faulty(l, "192.0.2.1:0", "this machine has no such address");
    (void)snprintf(text, sizeof text, "[\"localhost:%s\", \"127.0.0.1:%s\"]", port, port);
    open_faulty(l, text, "expected an address of its own; 'localhost");
    (void)snprintf(text, sizeof text, "[\"127.0.0.1:0\", \"0.0.0.0:%s\"]",
                   strchr(listeners_address(l, o.fds[0]), ':') + 1);
    open_faulty(l, text, "is taken by another program"); /* port 0 was asked for, so it isn't known as ours */
    open_faulty(l, "unix:/proc/x.sock", "its folder '/proc' cannot hold sockets");
    open_faulty(l, "systemd:web",
                "systemd has passed no socket 'web', expected the name of one that it has: none");
    assert_true(is_open(o.fds[0])); /* all the while */
    (void)close(other);
    listeners_free(l);
    config_free(&o.config);
}

static void an_address_of_the_configuration_in_force_excludes_others(void **state)
{
    struct listeners *l = listeners_new();
    char free_port[WEIR_ADDRESS_BYTES], text[WEIR_ADDRESS_BYTES];
    struct opened o;

    (void)state;
    (void)close(occupy(AF_INET, free_port));
    open_fine(l, free_port, &o);
    (void)snprintf(text, sizeof text, "0.0.0.0:%s", strchr(free_port, ':') + 1);
    open_faulty(l, text, "while the configuration in force has 127.0.0.1:");
    listeners_free(l);
    config_free(&o.config);
}

/* --- Unix sockets --- */

static void the_file_of_a_socket_goes_with_it_and_another_program_s_stays(void **state)
{
    char folder[] = "/tmp/weir-listeners-XXXXXX", address[WEIR_ADDRESS_BYTES];
    struct listeners *l = listeners_new();
    struct opened o;
    int other;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(address, sizeof address, "unix:%s/s", folder);
    (void)close(occupy(AF_UNIX, address)); /* a dead program has left its socket */
    open_fine(l, address, &o);
    assert_string_equal(listeners_address(l, o.fds[0]), address);
    listeners_keep(l, NULL);
    assert_int_equal(access(address + 5, F_OK), -1);
    config_free(&o.config);

    other = occupy(AF_UNIX, address);
    open_faulty(l, address, "is taken by another program that listens there");
    assert_int_equal(access(address + 5, F_OK), 0);
    (void)close(other);
    open_fine(l, address, &o);
    assert_int_equal(unlink(address + 5), 0); /* another program takes the path over */
    other = occupy(AF_UNIX, address);
    listeners_free(l);
    assert_int_equal(access(address + 5, F_OK), 0);
    (void)close(other);
    config_free(&o.config);
    assert_int_equal(unlink(address + 5), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* --- systemd --- */

enum { PASSED = 4 };

/* What systemd would pass: two sockets of one name, one of another, one that does not listen. In a child,
 * since the numbers of the descriptors are given. */
static void pass(char addresses[PASSED][WEIR_ADDRESS_BYTES], const char *names, int pid_off)
{
    char text[16];
    int fds[PASSED];

    for (int i = 0; i < PASSED; i++) {
        int fd = i < PASSED - 1 ? occupy(AF_INET, addresses[i]) : socket(AF_INET, SOCK_DGRAM, 0);
        fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3 + PASSED);
        (void)close(fd);
    }
    for (int i = 0; i < PASSED; i++)
        assert_int_equal(dup2(fds[i], 3 + i), 3 + i);
    (void)snprintf(text, sizeof text, "%d", (int)getpid() + pid_off);
    (void)setenv("LISTEN_PID", text, 1);
    (void)setenv("LISTEN_FDS", "4", 1);
    if (names != NULL)
        (void)setenv("LISTEN_FDNAMES", names, 1);
}

static int take_passed(void *arg)
{
    char addresses[PASSED][WEIR_ADDRESS_BYTES], text[WEIR_ADDRESS_BYTES * 2];
    struct listeners *l;
    struct opened o;

    (void)arg;
    pass(addresses, "web:other:web:odd", 0);
    l = listeners_new();
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_FDNAMES"));
    assert_int_equal(fcntl(3, F_GETFD), FD_CLOEXEC);
    (void)snprintf(text, sizeof text, "[\"systemd:web\", \"%s\", \"systemd:web\"]", addresses[1]);
    open_fine(l, text, &o);
    assert_int_equal(o.fds[0], 3);
    assert_int_equal(o.fds[1], 4); /* by its address */
    assert_int_equal(o.fds[2], 5);
    assert_string_equal(listeners_address(l, 3), addresses[0]);
    config_free(&o.config);
    open_faulty(l, "systemd:web", "expected 'systemd:web' once for each");
    open_faulty(l, "[\"systemd:web\", \"systemd:web\", \"systemd:web\"]",
                "systemd has passed 2 of 'systemd:web', expected it as often in listen");
    open_faulty(l, "systemd:odd", "'systemd:odd' is not a listening stream socket");
    open_faulty(l, "systemd:wep",
                "systemd has passed no socket 'wep', expected the name of one that it has: 'web'");
    (void)snprintf(text, sizeof text, "0.0.0.0:%s", strchr(addresses[1], ':') + 1);
    open_faulty(l, text, "which systemd has passed; expected 'systemd:other'");
    open_fine(l, "systemd:other", &o); /* what no configuration has now is kept for the next */
    assert_int_equal(o.fds[0], 4);
    assert_true(is_open(3) && is_open(5));
    listeners_free(l);
    assert_false(is_open(3) || is_open(4));
    config_free(&o.config);
    return 0;
}

static int leave_passed(void *arg)
{
    char addresses[PASSED][WEIR_ADDRESS_BYTES];
    struct listeners *l;

    pass(addresses, arg, 1); /* for another process */
    l = listeners_new();
    open_faulty(l, "systemd:web", "none");
    assert_non_null(getenv("LISTEN_PID"));
    listeners_free(l);
    assert_true(is_open(3));
    return 0;
}

static int take_too_few_names(void *arg)
{
    char addresses[PASSED][WEIR_ADDRESS_BYTES];
    struct listeners *l;
    struct opened o;

    (void)arg;
    pass(addresses, "a", 0);
    l = listeners_new();
    open_fine(l, "systemd:a", &o);
    assert_int_equal(o.fds[0], 3);
    return 0;
}

static void in_child(int (*fn)(void *arg), void *arg)
{
    char said[8192];

    if (run_in_child(fn, arg, said, sizeof said) != 0)
        fail_msg("%s", said);
}

static void what_systemd_passes_is_taken_by_name_and_by_address(void **state)
{
    (void)state;
    in_child(take_passed, NULL);
    in_child(leave_passed, (void *)(uintptr_t) "web:web:web:web");
    in_child(take_too_few_names, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_stay_while_their_addresses_do),
        cmocka_unit_test(what_can_not_be_listened_on_is_a_fault_with_its_place),
        cmocka_unit_test(an_address_of_the_configuration_in_force_excludes_others),
        cmocka_unit_test(the_file_of_a_socket_goes_with_it_and_another_program_s_stays),
        cmocka_unit_test(what_systemd_passes_is_taken_by_name_and_by_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
