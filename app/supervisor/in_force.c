/* SPDX-License-Identifier: MIT */
#include "supervisor/in_force.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apps/app_check.h"
#include "config/load.h"
#include "routes/table.h"

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno != EINTR)
            return -errno;
        bytes += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Puts the text into memory that has a descriptor. Returns: the descriptor; < 0. */
static int keep(const char *bytes, size_t length)
{
    int err, fd = memfd_create("weir-configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return -errno;
    err = write_all(fd, bytes, length);
    if (err == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        err = -errno;
    if (err == 0)
        return fd;
    (void)close(fd);
    return err;
}

static int read_into(struct in_force *f, const char *file, struct config_faults *faults)
{
    size_t length;
    char *bytes;
    int err = config_read(file, &bytes, &length, faults);

    if (err < 0)
        return err;
    f->text = err = keep(bytes, length);
    if (err >= 0)
        err = config_parse(&f->config, bytes, length, &route_kinds, faults);
    if (err == 0)
        err = app_check(&f->config, faults);
    free(bytes);
    return err;
}

int in_force_read(const char *file, struct config_faults *faults, struct in_force **out)
{
    struct in_force *f = calloc(1, sizeof *f);
    int err;

    *out = NULL;
    if (f == NULL)
        return -ENOMEM;
    f->text = -1;
    f->holders = 1;
    err = read_into(f, file, faults);
    if (err < 0)
        in_force_release(f);
    else
        *out = f;
    return err;
}

struct in_force *in_force_hold(struct in_force *f)
{
    f->holders++;
    return f;
}

void in_force_release(struct in_force *f)
{
    if (f == NULL || --f->holders > 0)
        return;
    if (f->text >= 0)
        (void)close(f->text);
    config_free(&f->config);
    free(f);
}
