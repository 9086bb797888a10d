/* SPDX-License-Identifier: MIT */
#include <weir/error.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct entry {
    int code;
    const char *name;
    const char *text;
};

static const struct entry own[] = {
    {WEIR_ECANCELED, "WEIR_ECANCELED", "cancelled"},
    {WEIR_EDEADLINE, "WEIR_EDEADLINE", "deadline exceeded"},
    {WEIR_EBUSY, "WEIR_EBUSY", "busy"},
    {WEIR_ECLOSED, "WEIR_ECLOSED", "closed"},
    {WEIR_EPROTOCOL, "WEIR_EPROTOCOL", "protocol error"},
    {WEIR_ETRUNCATED, "WEIR_ETRUNCATED", "truncated"},
    {WEIR_ETOOLARGE, "WEIR_ETOOLARGE", "too large"},
    {WEIR_EDNS, "WEIR_EDNS", "name has no address"},
    {WEIR_ECONFIG, "WEIR_ECONFIG", "invalid configuration"},
    {WEIR_ELATE, "WEIR_ELATE", "would be too late"},
    {WEIR_ENESTED, "WEIR_ENESTED", "no free worker for a job within a job"},
    {WEIR_ESLOW, "WEIR_ESLOW", "client too slow"},
    {WEIR_ECPU, "WEIR_ECPU", "too much computing time"},
    {WEIR_EIDLE, "WEIR_EIDLE", "idle for too long"},
    {WEIR_EOPEN, "WEIR_EOPEN", "circuit breaker open"},
    {WEIR_ELIMITED, "WEIR_ELIMITED", "too many requests in progress"},
    {WEIR_ETLS, "WEIR_ETLS", "tls failed"},
};

/* Texts for the codes a network program meets, in lower case; libc has the rest. */
static const struct entry kernel[] = {
    {EPERM, NULL, "operation not permitted"},
    {ENOENT, NULL, "no such file or directory"},
    {EINTR, NULL, "interrupted system call"},
    {EIO, NULL, "input/output error"},
    {EBADF, NULL, "bad file descriptor"},
    {EAGAIN, NULL, "resource temporarily unavailable"},
    {ENOMEM, NULL, "out of memory"},
    {EACCES, NULL, "permission denied"},
    {EFAULT, NULL, "bad address"},
    {EBUSY, NULL, "device or resource busy"},
    {EEXIST, NULL, "file exists"},
    {ENODEV, NULL, "no such device"},
    {ENOTDIR, NULL, "not a directory"},
    {EISDIR, NULL, "is a directory"},
    {EINVAL, NULL, "invalid argument"},
    {ENFILE, NULL, "too many open files in system"},
    {EMFILE, NULL, "too many open files"},
    {EFBIG, NULL, "file too large"},
    {ENOSPC, NULL, "no space left on device"},
    {ESPIPE, NULL, "illegal seek"},
    {EROFS, NULL, "read-only file system"},
    {EPIPE, NULL, "broken pipe"},
    {ERANGE, NULL, "out of range"},
    {EDEADLK, NULL, "deadlock avoided"},
    {ENAMETOOLONG, NULL, "file name too long"},
    {ENOSYS, NULL, "not implemented by this kernel"},
    {ELOOP, NULL, "too many symbolic links"},
    {EXDEV, NULL, "outside the root"},
    {EPROTO, NULL, "protocol error"},
    {EOVERFLOW, NULL, "value too large"},
    {ENOTSOCK, NULL, "not a socket"},
    {EMSGSIZE, NULL, "message too long"},
    {EPROTONOSUPPORT, NULL, "protocol not supported"},
    {EOPNOTSUPP, NULL, "operation not supported"},
    {EAFNOSUPPORT, NULL, "address family not supported"},
    {EADDRINUSE, NULL, "address already in use"},
    {EADDRNOTAVAIL, NULL, "address not available"},
    {ENETDOWN, NULL, "network is down"},
    {ENETUNREACH, NULL, "network unreachable"},
    {ECONNABORTED, NULL, "connection aborted"},
    {ECONNRESET, NULL, "connection reset"},
    {ENOBUFS, NULL, "no buffer space"},
    {EISCONN, NULL, "already connected"},
    {ENOTCONN, NULL, "not connected"},
    {ETIMEDOUT, NULL, "connection timed out"},
    {ECONNREFUSED, NULL, "connection refused"},
    {EHOSTDOWN, NULL, "host is down"},
    {EHOSTUNREACH, NULL, "host unreachable"},
    {EALREADY, NULL, "already in progress"},
    {EINPROGRESS, NULL, "in progress"},
    {EDQUOT, NULL, "disk quota exceeded"},
    {ECANCELED, NULL, "operation cancelled"},
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct entry *find(const struct entry *table, size_t n, int code)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i].code == code)
            return &table[i];
    }
    return NULL;
}

/* Returns: the code without its sign; -1 for a positive number, which is a result and no code. */
static int code_of(int err)
{
    return err <= 0 && err >= -WEIR_ETLS ? -err : -1;
}

const char *weir_error_text(int err)
{
    int code = code_of(err);
    const char *text;
    const struct entry *e;

    if (code == 0)
        return "no error";
    e = find(own, COUNT(own), code);
    if (e == NULL)
        e = find(kernel, COUNT(kernel), code);
    if (e != NULL)
        return e->text;
    text = code > 0 ? strerrordesc_np(code) : NULL;
    return text != NULL ? text : "unknown error";
}

const char *weir_error_name(int err)
{
    int code = code_of(err);
    const char *name;
    const struct entry *e;

    if (code == 0)
        return "OK";
    e = find(own, COUNT(own), code);
    if (e != NULL)
        return e->name;
    name = code > 0 ? strerrorname_np(code) : NULL;
    return name != NULL ? name : "?";
}
