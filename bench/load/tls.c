/* SPDX-License-Identifier: MIT */
/* tls: a load of TLS connections to 127.0.0.1.
 *
 *     bench-load-tls full PORT PATH CONNECTIONS SECONDS     connect, handshake, GET, close, and again
 *     bench-load-tls resumed PORT PATH CONNECTIONS SECONDS  the same, with the ticket of the one before
 *     bench-load-tls kept PORT PATH CONNECTIONS SECONDS     GET and GET again on the same connections
 *     bench-load-tls sent PORT PATH CONNECTIONS SECONDS     POST a body of 1 GiB and again
 *     bench-load-tls held PORT PATH CONNECTIONS             one GET on each; prints, then holds them
 *
 * Prints JSON: complete answers, bytes of bodies, seconds, resumed handshakes, and what was agreed.
 * Each answer must be 200; anything else ends the program with 1. Certificates are not verified: that is the
 * load's time, not the server's. The load offers TLS 1.3 with one cipher and one group, so that all servers
 * do the same.
 *
 * One thread and epoll, without libweir: a measuring tool must not depend on what it measures.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_BYTES = 2048, EVENTS = 256, SOURCES = 250, AT_ONCE = 64, SENT_BYTES = 1 << 30 };

enum mode { FULL, RESUMED, KEPT, SENT, HELD };

enum step { CONNECTING, SHAKING, ASKING, SENDING_BODY, READING_HEAD, READING_BODY, IDLE };

struct connection {
    SSL *ssl;
    SSL_SESSION *ticket; /* of the connection before */
    int fd, number;
    enum step step;
    size_t head_used;
    uint64_t body_left, body_unsent;
    char head[HEAD_BYTES];
};

static int poller;
static SSL_CTX *tls;
static enum mode mode;
static in_port_t port;
static char request[1024];
static char body[128 << 10]; /* thrown away, or sent */
static uint64_t answers, body_bytes, resumed, handshakes;
static char agreed[128];
static struct connection *connections;
static int count, begun, held;

static void die(const char *what)
{
    fprintf(stderr, "bench-load-tls: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- a connection --- */

/* Connects from one of several addresses, so that ports of closed connections do not run out. */
static void begin(struct connection *c)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = port};
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    int on = 1;

    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(c->number % SOURCES));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
        bind(c->fd, (struct sockaddr *)&from, sizeof from) < 0)
        die("socket");
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        die("connect");
    c->step = CONNECTING;
    c->ssl = SSL_new(tls);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
        SSL_set_tlsext_host_name(c->ssl, "localhost") != 1)
        die("SSL_new");
    if (c->ticket != NULL && SSL_set_session(c->ssl, c->ticket) != 1)
        die("SSL_set_session");
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e) < 0)
        die("epoll_ctl");
}

static void end(struct connection *c)
{
    if (mode == RESUMED) {
        SSL_SESSION_free(c->ticket);
        c->ticket = SSL_get1_session(c->ssl);
    }
    if (SSL_shutdown(c->ssl) < 0)
        die("SSL_shutdown");
    SSL_free(c->ssl);
    close(c->fd);
}

static void shaken(struct connection *c)
{
    bool is_resumed = SSL_session_reused(c->ssl) == 1;

    handshakes++;
    resumed += is_resumed;
    if (is_resumed != (c->ticket != NULL)) {
        fprintf(stderr, "bench-load-tls: handshake %llu %s\n", (unsigned long long)handshakes,
                is_resumed ? "is resumed" : "is not resumed, though there is a ticket");
        exit(1);
    }
    if (agreed[0] == '\0')
        snprintf(agreed, sizeof agreed, "%s %s", SSL_get_version(c->ssl), SSL_get_cipher_name(c->ssl));
    c->step = ASKING;
}

/* The head is whole: reports what of it belongs to the body. */
static void parse(struct connection *c, const char *rest)
{
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    uint64_t behind = (uint64_t)(c->head + c->head_used - rest);

    if (strncmp(c->head, "HTTP/1.1 200 ", 13) != 0 || length == NULL || length > rest) {
        fprintf(stderr, "bench-load-tls: not 200 with a length: %.300s\n", c->head);
        exit(1);
    }
    c->body_left = strtoull(length + strlen("\r\ncontent-length:"), NULL, 10);
    if (behind > c->body_left) {
        fprintf(stderr, "bench-load-tls: %llu bytes too many\n", (unsigned long long)(behind - c->body_left));
        exit(1);
    }
    body_bytes += behind;
    c->body_left -= behind;
    c->step = READING_BODY;
}

static void answered(struct connection *c)
{
    answers++;
    switch (mode) {
    case KEPT:
    case SENT:
        c->step = ASKING;
        break;
    case HELD:
        c->step = IDLE;
        held++;
        if (begun < count)
            begin(&connections[begun++]);
        break;
    case FULL:
    case RESUMED:
        end(c);
        begin(c);
        break;
    }
}

static void take_head(struct connection *c, int bytes)
{
    const char *rest;

    c->head_used += (size_t)bytes;
    c->head[c->head_used] = '\0';
    rest = strstr(c->head, "\r\n\r\n");
    if (rest != NULL)
        parse(c, rest + 4);
    else if (c->head_used == HEAD_BYTES - 1)
        die("too long a head");
}

static void take_body(struct connection *c, int bytes)
{
    body_bytes += (uint64_t)bytes;
    if ((uint64_t)bytes > c->body_left)
        die("too long a body");
    c->body_left -= (uint64_t)bytes;
}

/* Does one step. Returns: the result of SSL_*(); above 0: the next step can follow at once. */
static int advance(struct connection *c)
{
    uint64_t most = c->body_left < sizeof body ? c->body_left : sizeof body;
    int did = 1;

    switch (c->step) {
    case CONNECTING:
        c->step = SHAKING;
        break;
    case SHAKING:
        if ((did = SSL_connect(c->ssl)) > 0)
            shaken(c);
        break;
    case ASKING:
        if ((did = SSL_write(c->ssl, request, (int)strlen(request))) > 0) {
            c->head_used = 0;
            c->body_unsent = mode == SENT ? SENT_BYTES : 0;
            c->step = SENDING_BODY;
        }
        break;
    case SENDING_BODY:
        most = c->body_unsent < sizeof body ? c->body_unsent : sizeof body;
        if (most > 0 && (did = SSL_write(c->ssl, body, (int)most)) > 0) {
            body_bytes += (uint64_t)did;
            c->body_unsent -= (uint64_t)did;
        }
        if (c->body_unsent == 0)
            c->step = READING_HEAD;
        break;
    case READING_HEAD:
        did = SSL_read(c->ssl, c->head + c->head_used, (int)(HEAD_BYTES - 1 - c->head_used));
        if (did > 0)
            take_head(c, did);
        break;
    case READING_BODY:
        if (most > 0 && (did = SSL_read(c->ssl, body, (int)most)) > 0)
            take_body(c, did);
        break;
    case IDLE:
        return 0;
    }
    if (c->step == READING_BODY && c->body_left == 0) {
        answered(c);
        return c->step == ASKING; /* of a connection that begins anew, an event tells */
    }
    return did;
}

static void happened(struct connection *c, uint32_t events)
{
    enum step step = c->step;
    int did, error;

    if (step == IDLE) {
        if ((events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0)
            die("a held connection was closed");
        return;
    }
    if (step == CONNECTING && (events & (EPOLLERR | EPOLLOUT)) != EPOLLOUT)
        return;
    ERR_clear_error();
    errno = 0;
    while ((did = advance(c)) > 0)
        ;
    if (c->step == IDLE || c->step == CONNECTING)
        return;
    error = SSL_get_error(c->ssl, did);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        die(error == SSL_ERROR_ZERO_RETURN ? "the server closed a connection" : "a connection broke");
}

/* --- the program --- */

static void prepare(void)
{
    tls = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(tls, "X25519") != 1)
        die("SSL_CTX_new");
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    if (mode == KEPT) { /* fewer system calls for large bodies */
        SSL_CTX_set_default_read_buffer_len(tls, sizeof body);
        SSL_CTX_set_read_ahead(tls, 1);
    }
    poller = epoll_create1(EPOLL_CLOEXEC);
    connections = calloc((size_t)count, sizeof *connections);
    if (poller < 0 || connections == NULL)
        die("memory");
    for (int i = 0; i < count; i++)
        connections[i].number = i;
}

static void turn(int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(poller, events, EVENTS, timeout_ms);

    for (int i = 0; i < n; i++)
        happened(events[i].data.ptr, events[i].events);
}

static void report(double seconds)
{
    printf("{\"answers\":%llu,\"bytes\":%llu,\"seconds\":%.3f,\"handshakes\":%llu,\"resumed\":%llu,"
           "\"agreed\":\"%s\"}\n",
           (unsigned long long)answers, (unsigned long long)body_bytes, seconds,
           (unsigned long long)handshakes, (unsigned long long)resumed, agreed);
    fflush(stdout);
}

static bool parsed(int argc, char **argv)
{
    static const char *const names[] = {"full", "resumed", "kept", "sent", "held"};
    size_t i = 0;

    while (argc > 1 && i < 5 && strcmp(argv[1], names[i]) != 0)
        i++;
    mode = (enum mode)i;
    if (i == 5 || argc != (mode == HELD ? 5 : 6))
        return false;
    port = htons((in_port_t)atoi(argv[2]));
    if (mode == SENT)
        snprintf(request, sizeof request, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n",
                 argv[3], SENT_BYTES);
    else
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[3]);
    count = atoi(argv[4]);
    return count > 0;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    double start, until;

    if (!parsed(argc, argv)) {
        fprintf(stderr, "usage: bench-load-tls full|resumed|kept|sent PORT PATH CONNECTIONS SECONDS\n"
                        "       bench-load-tls held PORT PATH CONNECTIONS\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    prepare();
    start = now();
    until = mode == HELD ? start + 300 : start + atof(argv[5]);
    while (begun < count && (mode != HELD || begun < AT_ONCE))
        begin(&connections[begun++]);
    while (now() < until && held < count)
        turn(10);
    if (mode == HELD && held < count)
        die("not all connections were answered");
    report(now() - start);
    while (mode == HELD)
        pause();
    return 0;
}
