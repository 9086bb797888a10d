/* SPDX-License-Identifier: MIT */
/* What systemd is told, at a stand-in for its socket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/notify.h"
#include "support/run.h"

/* Listens where systemd would. name: of an abstract socket, after '@', or a path. */
static int stand_in(const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memcpy(at.sun_path, name, length);
    if (name[0] == '@')
        at.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&at, (socklen_t)(sizeof at.sun_family + length)), 0);
    (void)setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static void expect(int fd, const char *message)
{
    char got[1024];
    ssize_t n = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);

    assert_true(n > 0);
    got[n] = '\0';
    assert_string_equal(got, message);
}

static void tell_all(int fd)
{
    struct notify *n = notify_new();
    char got[256], longest[2048];
    unsigned long long us;
    ssize_t length;

    assert_non_null(n);
    assert_null(getenv("NOTIFY_SOCKET")); /* not for its children */
    notify_ready(n, "serving");
    expect(fd, "READY=1\nSTATUS=serving");
    notify_reloading(n);
    length = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);
    got[length > 0 ? length : 0] = '\0';
    assert_int_equal(sscanf(got, "RELOADING=1\nMONOTONIC_USEC=%llu\n", &us), 1);
    assert_true(us > 0 && us <= (unsigned long long)weir_now().ns / 1000);
    notify_stopping(n, "draining");
    expect(fd, "STOPPING=1\nSTATUS=draining");
    notify_watchdog(n);
    expect(fd, "WATCHDOG=1");
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    notify_ready(n, longest);
    assert_true(recv(fd, longest, sizeof longest, MSG_DONTWAIT) > 100); /* cut */
    notify_free(n);
}

static void systemd_is_told(void **state)
{
    char path[] = "/tmp/weir-notify-XXXXXX", abstract[64];
    int fd;

    (void)state;
    assert_non_null(mkdtemp(path));
    assert_int_equal(rmdir(path), 0);
    fd = stand_in(path);
    tell_all(fd);
    (void)close(fd);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(abstract, sizeof abstract, "@weir-notify-%d", (int)getpid());
    fd = stand_in(abstract);
    tell_all(fd);
    (void)close(fd);
}

/* A socket that is full for a moment costs no state: the latest is sent when there is room. */
static void what_has_no_room_is_sent_later(void **state)
{
    char name[64], got[64];
    struct notify *n;
    int fd;

    (void)state;
    (void)snprintf(name, sizeof name, "@weir-notify-full-%d", (int)getpid());
    fd = stand_in(name);
    n = notify_new();
    assert_non_null(n);
    for (int i = 0; i < 10000; i++) /* more than any queue holds */
        notify_watchdog(n);
    notify_reloading(n);
    notify_ready(n, "serving");
    notify_again(n);
    while (recv(fd, got, sizeof got, MSG_DONTWAIT) > 0)
        assert_memory_equal(got, "WATCHDOG=1", strlen("WATCHDOG=1"));
    notify_again(n);
    expect(fd, "READY=1\nSTATUS=serving");
    notify_again(n);
    assert_true(recv(fd, got, sizeof got, MSG_DONTWAIT) < 0); /* once */
    notify_free(n);
    (void)close(fd);
}

static void nobody_is_told(void **state)
{
    static const char *const useless[] = {"", "relative", "/", "@", "/no/such/socket"};
    char longest[200];
    struct notify *n;

    (void)state;
    (void)unsetenv("NOTIFY_SOCKET");
    assert_null(notify_new());
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++) {
        (void)setenv("NOTIFY_SOCKET", useless[i], 1);
        n = notify_new();
        notify_ready(n, "serving"); /* harmless in any case */
        notify_free(n);
    }
    memset(longest, '/', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    (void)setenv("NOTIFY_SOCKET", longest, 1);
    assert_null(notify_new());
    notify_ready(NULL, "");
    notify_reloading(NULL);
    notify_stopping(NULL, "");
    notify_watchdog(NULL);
    notify_again(NULL);
    assert_int_equal(notify_watchdog_every(NULL).ns, 0);
}

static int64_t every_ns(const char *usec, const char *pid)
{
    struct notify *n;
    int64_t ns;

    (void)setenv("NOTIFY_SOCKET", "@anybody", 1);
    (void)setenv("WATCHDOG_USEC", usec, 1);
    if (pid != NULL)
        (void)setenv("WATCHDOG_PID", pid, 1);
    n = notify_new();
    ns = notify_watchdog_every(n).ns;
    notify_free(n);
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
    return ns;
}

static void the_watchdog_is_fed_twice_in_its_time(void **state)
{
    char own[16];

    (void)state;
    (void)snprintf(own, sizeof own, "%d", (int)getpid());
    assert_int_equal(every_ns("30000000", own), weir_seconds(15).ns);
    assert_int_equal(every_ns("30000000", NULL), weir_seconds(15).ns);
    assert_int_equal(every_ns("30000000", "1"), 0); /* of another process */
    assert_int_equal(every_ns("0", NULL), 0);
    assert_int_equal(every_ns("-5", NULL), 0);
    assert_int_equal(every_ns("3s", NULL), 0);
    assert_int_equal(every_ns("99999999999999999999", NULL), 0);
    assert_int_equal(every_ns("18446744073709551615", NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(systemd_is_told),
        cmocka_unit_test(what_has_no_room_is_sent_later),
        cmocka_unit_test(nobody_is_told),
        cmocka_unit_test(the_watchdog_is_fed_twice_in_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
