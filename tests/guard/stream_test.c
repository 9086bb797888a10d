/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "guard/sins.h"

ssize_t __read_chk(int fd, void *data, size_t bytes, size_t room);
ssize_t __recv_chk(int fd, void *data, size_t bytes, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *data, size_t bytes, size_t room, int flags, struct sockaddr *from,
                       socklen_t *length);

/* --- pipes --- */

static void with_pipe(int flags, ssize_t (*call)(int in, int out))
{
    int ends[2];

    make_pipe(ends, flags);
    assert_int_equal(call(ends[0], ends[1]), 1);
    close(ends[0]);
    close(ends[1]);
}

static char byte;
static const struct iovec piece = {&byte, 1};

static ssize_t read_it(int in, int out)
{
    (void)out;
    return read(in, &byte, 1);
}

static ssize_t readv_it(int in, int out)
{
    (void)out;
    return readv(in, &piece, 1);
}

static ssize_t write_it(int in, int out)
{
    (void)in;
    return write(out, "x", 1);
}

static ssize_t writev_it(int in, int out)
{
    (void)in;
    return writev(out, &piece, 1);
}

static ssize_t vmsplice_it(int in, int out)
{
    (void)in;
    return vmsplice(out, &piece, 1, 0);
}

static ssize_t vmsplice_it_now(int in, int out)
{
    (void)in;
    return vmsplice(out, &piece, 1, SPLICE_F_NONBLOCK);
}

static void reads(void)
{
    with_pipe(0, read_it);
}

static void reads_now(void)
{
    with_pipe(O_NONBLOCK, read_it);
}

static void reads_pieces(void)
{
    with_pipe(0, readv_it);
}

static void reads_pieces_now(void)
{
    with_pipe(O_NONBLOCK, readv_it);
}

static void writes(void)
{
    with_pipe(0, write_it);
}

static void writes_now(void)
{
    with_pipe(O_NONBLOCK, write_it);
}

static void writes_pieces(void)
{
    with_pipe(0, writev_it);
}

static void writes_pieces_now(void)
{
    with_pipe(O_NONBLOCK, writev_it);
}

static void gives_pages(void)
{
    with_pipe(0, vmsplice_it);
}

static void gives_pages_now(void)
{
    with_pipe(0, vmsplice_it_now);
}

static void pipes_are_caught_when_they_block(void **state)
{
    static const struct sin sins[] = {
        {"read", "weir_wait_fd(fd, POLLIN)", reads, reads_now},
        {"readv", "weir_wait_fd(fd, POLLIN)", reads_pieces, reads_pieces_now},
        {"write", "weir_wait_fd(fd, POLLOUT)", writes, writes_now},
        {"writev", "weir_wait_fd(fd, POLLOUT)", writes_pieces, writes_pieces_now},
        {"vmsplice", "weir_write()", gives_pages, gives_pages_now},
    };

    (void)state;

    need_guard();
    check_sins(sins, sizeof sins / sizeof sins[0]);
}

/* --- sockets --- */

static void with_sockets(int flags, ssize_t (*call)(int socket, int flags))
{
    int ends[2];

    make_sockets(ends, SOCK_DGRAM);
    assert_int_equal(call(ends[0], flags), 1);
    close(ends[0]);
    close(ends[1]);
}

static ssize_t recv_it(int socket, int flags)
{
    return recv(socket, &byte, 1, flags);
}

static ssize_t recvfrom_it(int socket, int flags)
{
    return recvfrom(socket, &byte, 1, flags, NULL, NULL);
}

static struct msghdr message_of_one(void)
{
    return (struct msghdr){.msg_iov = (struct iovec *)(uintptr_t)&piece, .msg_iovlen = 1};
}

static ssize_t recvmsg_it(int socket, int flags)
{
    struct msghdr message = message_of_one();

    return recvmsg(socket, &message, flags);
}

static ssize_t recvmmsg_it(int socket, int flags)
{
    struct mmsghdr message = {.msg_hdr = message_of_one()};

    return recvmmsg(socket, &message, 1, flags, NULL);
}

static ssize_t send_it(int socket, int flags)
{
    return send(socket, "x", 1, flags);
}

static ssize_t sendto_it(int socket, int flags)
{
    return sendto(socket, "x", 1, flags, NULL, 0);
}

static ssize_t sendmsg_it(int socket, int flags)
{
    struct msghdr message = message_of_one();

    return sendmsg(socket, &message, flags);
}

static ssize_t sendmmsg_it(int socket, int flags)
{
    struct mmsghdr message = {.msg_hdr = message_of_one()};

    return sendmmsg(socket, &message, 1, flags);
}

#define ON_SOCKETS(name)                                                                                     \
    static void name##s(void)                                                                                \
    {                                                                                                        \
        with_sockets(0, name##_it);                                                                          \
    }                                                                                                        \
    static void name##s_now(void)                                                                            \
    {                                                                                                        \
        with_sockets(MSG_DONTWAIT, name##_it);                                                               \
    }

ON_SOCKETS(recv)
ON_SOCKETS(recvfrom)
ON_SOCKETS(recvmsg)
ON_SOCKETS(recvmmsg)
ON_SOCKETS(send)
ON_SOCKETS(sendto)
ON_SOCKETS(sendmsg)
ON_SOCKETS(sendmmsg)

static void sockets_are_caught_when_they_block(void **state)
{
    static const struct sin sins[] = {
        {"recv", "weir_read()", recvs, recvs_now},
        {"recvfrom", "weir_read()", recvfroms, recvfroms_now},
        {"recvmsg", "weir_read()", recvmsgs, recvmsgs_now},
        {"recvmmsg", "weir_read()", recvmmsgs, recvmmsgs_now},
        {"send", "weir_write()", sends, sends_now},
        {"sendto", "weir_write()", sendtos, sendtos_now},
        {"sendmsg", "weir_write()", sendmsgs, sendmsgs_now},
        {"sendmmsg", "weir_write()", sendmmsgs, sendmmsgs_now},
    };

    (void)state;

    need_guard();
    check_sins(sins, sizeof sins / sizeof sins[0]);
}

static void reads_socket_that_never_waits(void)
{
    int ends[2];

    make_sockets(ends, SOCK_STREAM | SOCK_NONBLOCK);
    assert_int_equal(recv(ends[0], &byte, 1, 0), 1);
    assert_int_equal(read(ends[0], &byte, 1), -1);
    assert_int_equal(errno, EAGAIN); /* errno of the call, not of the guard's own calls */
    close(ends[0]);
    close(ends[1]);
}

static void the_flag_of_the_descriptor_counts(void **state)
{
    uint64_t before;

    (void)state;

    need_guard();
    before = caught();
    in_task(reads_socket_that_never_waits);
    assert_int_equal(caught(), before);
}

/* --- checked forms, where the compiler knows the size of a buffer --- */

static ssize_t checked_read_it(int in, int out)
{
    (void)out;
    return __read_chk(in, &byte, 1, 1);
}

static ssize_t checked_recv_it(int socket, int flags)
{
    return __recv_chk(socket, &byte, 1, 1, flags);
}

static ssize_t checked_recvfrom_it(int socket, int flags)
{
    return __recvfrom_chk(socket, &byte, 1, 1, flags, NULL, NULL);
}

static void makes_checked_calls(void)
{
    with_pipe(0, checked_read_it);
    with_pipe(O_NONBLOCK, checked_read_it);
    with_sockets(0, checked_recv_it);
    with_sockets(MSG_DONTWAIT, checked_recv_it);
    with_sockets(0, checked_recvfrom_it);
    with_sockets(MSG_DONTWAIT, checked_recvfrom_it);
}

static void checked_forms_are_the_same_calls(void **state)
{
    uint64_t was[3], before;

    (void)state;

    need_guard();
    before = caught();
    was[0] = weir_guard_call_count("read");
    was[1] = weir_guard_call_count("recv");
    was[2] = weir_guard_call_count("recvfrom");
    in_task(makes_checked_calls);
    assert_int_equal(weir_guard_call_count("read"), was[0] + 1);
    assert_int_equal(weir_guard_call_count("recv"), was[1] + 1);
    assert_int_equal(weir_guard_call_count("recvfrom"), was[2] + 1);
    assert_int_equal(caught(), before + 3);
}

/* --- connecting --- */

static struct sockaddr_un here;

static int listener(int flags)
{
    static unsigned number;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

    here = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(here.sun_path + 1, sizeof here.sun_path - 1, "weir-guard-%d-%u", (int)getpid(), ++number);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static int client(int flags)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&here, sizeof here), 0);
    return fd;
}

static void accept_with(int flags, bool as_accept4)
{
    int fd = listener(flags), peer = client(SOCK_NONBLOCK);
    int got = as_accept4 ? accept4(fd, NULL, NULL, SOCK_CLOEXEC) : accept(fd, NULL, NULL);

    assert_true(got >= 0);
    close(got);
    close(peer);
    close(fd);
}

static void accepts(void)
{
    accept_with(0, false);
}

static void accepts_now(void)
{
    accept_with(SOCK_NONBLOCK, false);
}

static void accepts4(void)
{
    accept_with(0, true);
}

static void accepts4_now(void)
{
    accept_with(SOCK_NONBLOCK, true);
}

static void connects(void)
{
    int fd = listener(SOCK_NONBLOCK);

    close(client(0));
    close(fd);
}

/* Non-blocking sockets; and datagrams, whose connect only sets an address. */
static void connects_now(void)
{
    int fd = listener(SOCK_NONBLOCK), other = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    close(client(SOCK_NONBLOCK));
    assert_int_equal(connect(other, (const struct sockaddr *)&here, sizeof here), -1);
    close(other);
    close(fd);
}

static void connecting_is_caught_when_it_blocks(void **state)
{
    static const struct sin sins[] = {
        {"accept", "weir_accept()", accepts, accepts_now},
        {"accept4", "weir_accept()", accepts4, accepts4_now},
        {"connect", "weir_connect()", connects, connects_now},
    };

    (void)state;

    need_guard();
    check_sins(sins, sizeof sins / sizeof sins[0]);
}

/* --- from one descriptor to another --- */

static ssize_t splice_it(int in, int out)
{
    ssize_t moved;
    int to[2];

    (void)out;
    make_pipe(to, 0);
    moved = splice(in, NULL, to[1], NULL, 1, 0);
    close(to[0]);
    close(to[1]);
    return moved;
}

static ssize_t splice_it_now(int in, int out)
{
    ssize_t moved;
    int to[2];

    (void)out;
    make_pipe(to, 0);
    moved = splice(in, NULL, to[1], NULL, 1, SPLICE_F_NONBLOCK);
    close(to[0]);
    close(to[1]);
    return moved;
}

static ssize_t tee_it(int in, int out)
{
    ssize_t moved;
    int to[2];

    (void)out;
    make_pipe(to, 0);
    moved = tee(in, to[1], 1, 0);
    close(to[0]);
    close(to[1]);
    return moved;
}

static ssize_t tee_it_now(int in, int out)
{
    ssize_t moved;
    int to[2];

    (void)out;
    make_pipe(to, 0);
    moved = tee(in, to[1], 1, SPLICE_F_NONBLOCK);
    close(to[0]);
    close(to[1]);
    return moved;
}

static void splices(void)
{
    with_pipe(0, splice_it);
}

static void splices_now(void)
{
    with_pipe(0, splice_it_now);
}

static void tees(void)
{
    with_pipe(0, tee_it);
}

static void tees_now(void)
{
    with_pipe(0, tee_it_now);
}

static int file_with_a_byte(void)
{
    int fd = disk_file();

    weir_guard_allow allow;
    weir_guard_allow_begin(&allow, "pwrite:file");
    assert_int_equal(pwrite(fd, "x", 1, 0), 1);
    weir_guard_allow_end(&allow);
    return fd;
}

static void send_file_to(int flags)
{
    int ends[2], fd = file_with_a_byte();

    make_sockets(ends, SOCK_STREAM | flags);
    assert_int_equal(sendfile(ends[0], fd, NULL, 1), 1);
    close(ends[0]);
    close(ends[1]);
    close(fd);
}

static void sends_file(void)
{
    send_file_to(0);
}

static void sends_file_from_disk(void)
{
    send_file_to(SOCK_NONBLOCK);
}

static void sends_file64_from_disk(void)
{
    int ends[2], fd = file_with_a_byte();

    make_sockets(ends, SOCK_STREAM | SOCK_NONBLOCK);
    assert_int_equal(sendfile64(ends[0], fd, NULL, 1), 1);
    close(ends[0]);
    close(ends[1]);
    close(fd);
}

static void splices_from_disk(void)
{
    int ends[2], fd = file_with_a_byte();

    make_pipe(ends, O_NONBLOCK);
    assert_int_equal(splice(fd, NULL, ends[1], NULL, 1, 0), 1);
    close(ends[0]);
    close(ends[1]);
    close(fd);
}

static void copies_file(void)
{
    int from = file_with_a_byte(), to = disk_file();

    (void)!copy_file_range(from, NULL, to, NULL, 1, 0); /* not all file systems support it */
    close(from);
    close(to);
}

static void moving_is_caught(void **state)
{
    static const struct sin sins[] = {
        {"splice", "weir_write()", splices, splices_now},
        {"tee", "weir_write()", tees, tees_now},
        {"sendfile", "weir_write()", sends_file, NULL},
        {"sendfile:file", "weir_offload", sends_file_from_disk, NULL},
        {"splice:file", "weir_offload", splices_from_disk, NULL},
        {"copy_file_range:file", "weir_offload", copies_file, NULL},
    };
    uint64_t before;

    (void)state;

    need_guard();
    check_sins(sins, sizeof sins / sizeof sins[0]);
    before = weir_guard_call_count("sendfile:file");
    in_task(sends_file64_from_disk);
    assert_int_equal(weir_guard_call_count("sendfile:file"), before + 1);
}

/* --- what is neither --- */

static void uses_what_does_not_wait(void)
{
    uint64_t one = 1;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), event = eventfd(0, EFD_CLOEXEC);
    int proc = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

    assert_int_equal(write(null, "x", 1), 1);
    assert_int_equal(read(null, &byte, 1), 0);
    assert_int_equal(write(event, &one, sizeof one),
                     (ssize_t)sizeof one); /* there is room for 2^64 - 2 more */
    assert_int_equal(read(proc, &byte, 1), 1);
    assert_int_equal(read(-1, &byte, 1), -1);
    assert_int_equal(errno, EBADF);
    close(null);
    close(event);
    close(proc);
}

static void reads_event(void)
{
    uint64_t value;
    int event = eventfd(1, EFD_CLOEXEC);

    assert_int_equal(read(event, &value, sizeof value), (ssize_t)sizeof value);
    close(event);
}

static void reads_terminal(void)
{
    int ours, theirs;

    assert_int_equal(openpty(&ours, &theirs, NULL, NULL, NULL), 0);
    assert_int_equal(write(ours, "\n", 1), 1);
    assert_int_equal(read(theirs, &byte, 1), 1);
    close(ours);
    close(theirs);
}

static void other_descriptors_are_told_apart(void **state)
{
    uint64_t before, read_before;

    (void)state;

    need_guard();
    before = caught();
    in_task(uses_what_does_not_wait);
    assert_int_equal(caught(), before);
    read_before = weir_guard_call_count("read");
    in_task(reads_event);
    assert_int_equal(weir_guard_call_count("read"), read_before + 1);
    in_task(reads_terminal);
    assert_int_equal(weir_guard_call_count("read"), read_before + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipes_are_caught_when_they_block),
        cmocka_unit_test(sockets_are_caught_when_they_block),
        cmocka_unit_test(the_flag_of_the_descriptor_counts),
        cmocka_unit_test(checked_forms_are_the_same_calls),
        cmocka_unit_test(connecting_is_caught_when_it_blocks),
        cmocka_unit_test(moving_is_caught),
        cmocka_unit_test(other_descriptors_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
