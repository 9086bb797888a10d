/* SPDX-License-Identifier: MIT */
/* 26_file_server DIRECTORY [ADDRESS]: serves the files below a directory, of any size. Names that begin with
 * a dot, and symbolic links, are not followed: nothing outside is reached, whatever the path. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <weir.h>

/* [open] */
struct opening {
    int root;
    char path[1024]; /* relative, decoded */
    weir_body_file file;
};

static int open_file(weir_job *job, void *arg) /* on a thread of the blocking pool: a disk may be slow */
{
    struct opening *o = arg;
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, /* a pipe is not waited for */
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    long fd = syscall(SYS_openat2, o->root, o->path, &how, sizeof how);
    struct stat status;

    (void)job;
    if (fd < 0)
        return -errno;
    if (fstat((int)fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        close((int)fd);
        return -ENOENT;
    }
    o->file = (weir_body_file){.fd = (int)fd, .bytes = (uint64_t)status.st_size};
    return 0;
}
/* [/open] */

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {{".html", "text/html; charset=utf-8"},
                                           {".css", "text/css; charset=utf-8"},
                                           {".js", "text/javascript; charset=utf-8"},
                                           {".txt", "text/plain; charset=utf-8"},
                                           {".json", "application/json"},
                                           {".svg", "image/svg+xml"},
                                           {".png", "image/png"},
                                           {".jpg", "image/jpeg"},
                                           {".webp", "image/webp"},
                                           {".mp4", "video/mp4"}};
    const char *ending = strrchr(path, '.');

    for (size_t i = 0; ending != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(ending, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

/* Makes a path in the file system of what follows the route's slash; of a folder it is its index. */
static int decode(const char *asked, struct opening *o)
{
    size_t length = strlen(asked);
    int n = length < sizeof o->path - sizeof "index.html"
                ? weir_percent_decode((weir_bytes){asked, length}, o->path, length)
                : -ENOENT;

    if (n < 0 || memchr(o->path, '\0', (size_t)n) != NULL)
        return -ENOENT;
    o->path[n] = '\0';
    if (n == 0 || o->path[n - 1] == '/')
        strcpy(o->path + n, "index.html");
    return o->path[0] == '.' || strstr(o->path, "/.") != NULL ? -ENOENT : 0;
}

static bool is_absent(int err) /* for a client that has no business with the reason */
{
    return err == -ENOENT || err == -ENOTDIR || err == -EXDEV || err == -ELOOP || err == -EACCES ||
           err == -ENAMETOOLONG;
}

/* [handler] */
static int serve_file(weir_request *req, weir_response *res, void *state)
{
    struct opening o = {.root = *(const int *)weir_request_data(req)};
    const weir_body_source from = {.file = &o.file};
    int err = decode(weir_request_param(req, "*"), &o);

    (void)state;
    if (err == 0)
        err = weir_offload(weir_pool_blocking(), "open", open_file, &o);
    if (is_absent(err))
        return weir_respond_fault(res, 404, "not_found", "there is no such file");
    if (err < 0)
        return weir_respond_error(res, err); /* the pool is full: 503 with Retry-After */
    err = weir_response_header_add(res, "x-content-type-options", "nosniff");
    if (err == 0) /* at the pace of the client; it ends when the client has left */
        err = weir_respond_pump(res, 200, type_of(o.path), &from, NULL, NULL);
    close(o.file.fd);
    return err;
}
/* [/handler] */

int main(int argc, char **argv)
{
    weir_server_options options = {.listen = argc > 2 ? argv[2] : "127.0.0.1:8080"};
    int root = open(argc > 1 ? argv[1] : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    weir_route routes[] = {{.path = "/*", .methods = "GET", .handler = serve_file, .data = &root}};

    if (root < 0) {
        perror(argc > 1 ? argv[1] : ".");
        return 1;
    }
    return weir_serve(&options, routes, 1) < 0;
}
