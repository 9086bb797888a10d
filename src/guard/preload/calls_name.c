/* SPDX-License-Identifier: MIT */
/* Name look-ups: hosts, users, groups. */
#include "guard/preload/preload.h"

#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <sys/socket.h>

/* A numeric address, or none, is only parsed. */
static const char *resolves(const char *host, const struct addrinfo *hints)
{
    bool numeric = host == NULL || (hints != NULL && (hints->ai_flags & AI_NUMERICHOST) != 0);

    return numeric ? NULL : "getaddrinfo";
}

GUARDED(int, getaddrinfo,
        (const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out),
        (host, service, hints, out), resolves(host, hints))
GUARDED(int, getnameinfo,
        (const struct sockaddr *address, socklen_t length, char *host, socklen_t host_room, char *service,
         socklen_t service_room, int flags),
        (address, length, host, host_room, service, service_room, flags),
        host == NULL || (flags & NI_NUMERICHOST) != 0 ? NULL : "getnameinfo")
GUARDED(struct hostent *, gethostbyname, (const char *name), (name), "gethostbyname")
GUARDED(struct hostent *, gethostbyname2, (const char *name, int family), (name, family), "gethostbyname2")
GUARDED(struct hostent *, gethostbyaddr, (const void *address, socklen_t length, int family),
        (address, length, family), "gethostbyaddr")
GUARDED(int, gethostbyname_r,
        (const char *name, struct hostent *host, char *data, size_t room, struct hostent **out, int *err),
        (name, host, data, room, out, err), "gethostbyname_r")
GUARDED(int, gethostbyname2_r,
        (const char *name, int family, struct hostent *host, char *data, size_t room, struct hostent **out,
         int *err),
        (name, family, host, data, room, out, err), "gethostbyname2_r")
GUARDED(int, gethostbyaddr_r,
        (const void *address, socklen_t length, int family, struct hostent *host, char *data, size_t room,
         struct hostent **out, int *err),
        (address, length, family, host, data, room, out, err), "gethostbyaddr_r")
GUARDED(int, gai_suspend, (const struct gaicb *const list[], int n, const struct timespec *timeout),
        (list, n, timeout), "gai_suspend")

/* These may ask a directory service. */
GUARDED(struct passwd *, getpwnam, (const char *name), (name), "getpwnam")
GUARDED(struct passwd *, getpwuid, (uid_t id), (id), "getpwuid")
GUARDED(int, getpwnam_r,
        (const char *name, struct passwd *user, char *data, size_t room, struct passwd **out),
        (name, user, data, room, out), "getpwnam_r")
GUARDED(int, getpwuid_r, (uid_t id, struct passwd *user, char *data, size_t room, struct passwd **out),
        (id, user, data, room, out), "getpwuid_r")
GUARDED(struct group *, getgrnam, (const char *name), (name), "getgrnam")
GUARDED(struct group *, getgrgid, (gid_t id), (id), "getgrgid")
GUARDED(int, getgrnam_r, (const char *name, struct group *group, char *data, size_t room, struct group **out),
        (name, group, data, room, out), "getgrnam_r")
GUARDED(int, getgrgid_r, (gid_t id, struct group *group, char *data, size_t room, struct group **out),
        (id, group, data, room, out), "getgrgid_r")
GUARDED(int, getgrouplist, (const char *user, gid_t id, gid_t *groups, int *n), (user, id, groups, n),
        "getgrouplist")
GUARDED(int, initgroups, (const char *user, gid_t id), (user, id), "initgroups")
