/* SPDX-License-Identifier: MIT */
#include "apps/helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "text/proc_file.h"

enum { HELLO_BYTES = 128, ANSWER_BYTES = 64 << 10, STATUS_BYTES = 4096, QUIET_MS = 6, BACKLOG = 128 };

/* A process that has connected. */
struct helper {
    int fd;
    int memory; /* the file that its stack is written to; -1: none yet, or it answers by itself */
    pid_t pid;
    int signal;
    bool greeted;
    size_t said; /* bytes of the hello so far */
    char hello[HELLO_BYTES];
};

struct helpers {
    int listener;
    unsigned asked;
    size_t count;
    struct helper all[HELPERS_MAX];
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    char answer[ANSWER_BYTES];
};

const char *helpers_path(char *out, size_t room, const char *folder)
{
    int n = snprintf(out, room, "%s/helpers.sock", folder);

    return n > 0 && (size_t)n < room ? out : NULL;
}

/* --- the socket --- */

/* Nobody but this user connects, whatever umask this program was started with: the folder lets others
 * through, and before it listens nobody is let in. */
static int bind_and_listen(int fd, const struct sockaddr_un *address)
{
    const struct sockaddr *name = (const struct sockaddr *)address;

    if (bind(fd, name, sizeof *address) < 0 || chmod(address->sun_path, 0600) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    return 0;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, err;

    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    (void)unlink(path);
    err = bind_and_listen(fd, &address);
    if (err == 0)
        return fd;
    close(fd);
    return err;
}

int helpers_open(const char *path, struct helpers **out)
{
    struct helpers *h = calloc(1, sizeof *h);

    if (h == NULL)
        return -ENOMEM;
    h->listener = listen_at(path);
    if (h->listener < 0) {
        int err = h->listener;
        free(h);
        return err;
    }
    memcpy(h->path, path, strlen(path) + 1);
    *out = h;
    return 0;
}

static void forget(struct helpers *h, size_t at)
{
    close(h->all[at].fd);
    if (h->all[at].memory >= 0)
        close(h->all[at].memory);
    h->all[at] = h->all[--h->count];
}

void helpers_close(struct helpers *h)
{
    if (h == NULL)
        return;
    while (h->count > 0)
        forget(h, h->count - 1);
    close(h->listener);
    (void)unlink(h->path);
    free(h);
}

size_t helpers_count(const struct helpers *h)
{
    return h->count;
}

/* --- hello --- */

/* A file of memory never keeps its reader waiting, whatever the application does with it. */
static bool is_memory(int fd)
{
    return fcntl(fd, F_GET_SEALS) >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

static void take_files(struct helper *helper, struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        size_t bytes = c->cmsg_len - CMSG_LEN(0);
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + at, sizeof fd);
            if (helper->memory < 0 && is_memory(fd))
                helper->memory = fd;
            else
                close(fd);
        }
    }
}

/* Returns: false: it is no hello. */
static bool read_hello(struct helper *helper)
{
    char language[17];
    int end = 0;

    helper->greeted = true;
    return sscanf(helper->hello, "weir-app 1 %16[a-z] %d%n", language, &helper->signal, &end) == 2 &&
           helper->hello[end] == '\0' &&
           (helper->signal == 0 ||
            (helper->signal >= SIGRTMIN && helper->signal <= SIGRTMAX && helper->memory >= 0));
}

/* Reads what a new helper says, in as many pieces as it comes. Returns: false: it is to be forgotten. */
static bool hear(struct helper *helper)
{
    char control[CMSG_SPACE(4 * sizeof(int))], *end;
    struct iovec room = {helper->hello + helper->said, sizeof helper->hello - 1 - helper->said};
    struct msghdr message = {
        .msg_iov = &room, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(helper->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    take_files(helper, &message);
    helper->said += (size_t)n;
    helper->hello[helper->said] = '\0';
    end = memchr(helper->hello, '\n', helper->said);
    if (end != NULL)
        *end = '\0';
    return n > 0 && (end != NULL ? read_hello(helper) : helper->said < sizeof helper->hello - 1);
}

/* Answers that come late are read here, and dropped. */
static bool is_there(struct helpers *h, struct helper *helper)
{
    ssize_t n = recv(helper->fd, h->answer, sizeof h->answer, MSG_DONTWAIT);

    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Returns: false: nobody waits to be taken in. */
static bool take_in(struct helpers *h)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    int fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return false;
    if (h->count == HELPERS_MAX || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        close(fd);
    else
        h->all[h->count++] = (struct helper){.fd = fd, .memory = -1, .pid = peer.pid};
    return true;
}

void helpers_look(struct helpers *h)
{
    for (int i = 0; i < BACKLOG && take_in(h); i++)
        ;
    for (size_t i = h->count; i-- > 0;)
        if (!(h->all[i].greeted ? is_there(h, &h->all[i]) : hear(&h->all[i])))
            forget(h, i);
}

/* --- asking by a signal --- */

static void pause_ms(int ms)
{
    const struct timespec time = {0, ms * 1000000L};

    (void)nanosleep(&time, NULL);
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whether a signal has a handler in the process. Without one it would end it. */
static bool catches(pid_t pid, int number)
{
    char path[64], text[STATUS_BYTES];
    unsigned long long caught = 0;
    const char *line;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    (void)proc_file_read(path, text, sizeof text);
    line = strstr(text, "\nSigCgt:");
    return line != NULL && sscanf(line, "\nSigCgt: %llx", &caught) == 1 && (caught >> (number - 1) & 1) != 0;
}

static off_t size_of(int fd)
{
    struct stat file;

    return fstat(fd, &file) == 0 ? file.st_size : 0;
}

/* The file and its position are shared with the process, which writes where we have set it to. */
static bool begin_anew(int fd)
{
    return lseek(fd, 0, SEEK_SET) == 0 && ftruncate(fd, 0) == 0;
}

/* Waits until something has been written, and nothing more for a moment: the handler does not say when it
 * has ended. */
static size_t wait_for_text(struct helpers *h, int fd)
{
    const int64_t until_ms = now_ms() + HELPERS_PATIENCE_MS;
    int64_t changed_ms = now_ms();
    off_t size = 0;
    ssize_t n;

    while (now_ms() < until_ms && (size == 0 || now_ms() < changed_ms + QUIET_MS)) {
        off_t is = size_of(fd);
        if (is != size)
            changed_ms = now_ms();
        size = is;
        pause_ms(1);
    }
    n = pread(fd, h->answer, sizeof h->answer, 0);
    return n > 0 ? (size_t)n : 0;
}

static size_t ask_by_signal(struct helpers *h, const struct helper *helper, pid_t tid)
{
    if (!catches(helper->pid, helper->signal) || !begin_anew(helper->memory))
        return 0;
    if (syscall(SYS_tgkill, helper->pid, tid, helper->signal) < 0)
        return 0;
    return wait_for_text(h, helper->memory);
}

/* --- asking by a message --- */

/* Cuts an answer down to what stands below its first line. Returns: whether it is whole. */
static bool answer_is_whole(struct helpers *h, const char *first, size_t length, size_t *skip)
{
    const char *begin = memmem(h->answer, length, first, strlen(first));

    if (begin == NULL)
        return false;
    *skip = (size_t)(begin - h->answer) + strlen(first);
    return memmem(h->answer + *skip, length - *skip, "\n\n", 2) != NULL ||
           (length > *skip && h->answer[*skip] == '\n');
}

static size_t ask_by_message(struct helpers *h, const struct helper *helper)
{
    const int64_t until_ms = now_ms() + HELPERS_PATIENCE_MS;
    struct pollfd readable = {.fd = helper->fd, .events = POLLIN};
    char question[32];
    size_t length = 0, skip = 0;
    int64_t left_ms;
    int n = snprintf(question, sizeof question, "stack %u\n", ++h->asked);

    if (send(helper->fd, question, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) != n)
        return 0;
    while ((left_ms = until_ms - now_ms()) > 0 && length < sizeof h->answer &&
           poll(&readable, 1, (int)left_ms) > 0) {
        ssize_t got = recv(helper->fd, h->answer + length, sizeof h->answer - length, MSG_DONTWAIT);
        if (got <= 0)
            return 0;
        length += (size_t)got;
        if (answer_is_whole(h, question, length, &skip)) {
            memmove(h->answer, h->answer + skip, length - skip);
            return length - skip;
        }
    }
    return 0;
}

void helpers_stack(struct helpers *h, pid_t pid, pid_t tid, const char *folder, struct app_stack *out)
{
    size_t length = 0;

    *out = (struct app_stack){0};
    helpers_look(h);
    for (size_t i = 0; i < h->count && length == 0; i++) {
        const struct helper *helper = &h->all[i];
        if (!helper->greeted || helper->pid != pid)
            continue;
        length = helper->signal != 0 ? ask_by_signal(h, helper, tid) : ask_by_message(h, helper);
    }
    app_stack_read(h->answer, length, folder, out);
}
