/* SPDX-License-Identifier: MIT */
#include <weir/log_file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log/log.h"
#include "core/log/log_writer.h"

enum { FILE_MODE = 0640, END_NS = 1000000000 };

struct weir_log_file {
    struct weir__log_writer *writer;
    char *name, *path; /* path NULL: a descriptor was given */
};

/* Not blocking: a FIFO without a reader is refused at once, and one that is full is waited for by the writer,
 * for a while. */
static int open_path(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, FILE_MODE);

    return fd < 0 ? -errno : fd;
}

static int open_descriptor(const weir_log_file_options *options)
{
    int fd = options->path != NULL ? open_path(options->path)
                                   : fcntl(options->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

    return fd == -1 && options->path == NULL ? -errno : fd;
}

static void free_file(weir_log_file *file)
{
    free(file->name);
    free(file->path);
    free(file);
}

/* Returns: NULL without memory. */
static weir_log_file *new_file(const weir_log_file_options *options)
{
    weir_log_file *file = calloc(1, sizeof *file);

    if (file == NULL)
        return NULL;
    file->name = strdup(options->name != NULL ? options->name : "file");
    file->path = options->path != NULL ? strdup(options->path) : NULL;
    if (file->name != NULL && (file->path != NULL || options->path == NULL))
        return file;
    free_file(file);
    return NULL;
}

int weir_log_file_open(const weir_log_file_options *options, weir_log_file **out)
{
    weir_log_file *file = new_file(options);
    struct weir__logger logger;
    int fd, err;

    if (file == NULL)
        return -ENOMEM;
    fd = open_descriptor(options);
    if (fd < 0) {
        free_file(file);
        return fd;
    }
    weir__logger_init(&logger, fd, WEIR_LOG_DEBUG, options->json);
    err = weir__log_writer_open_file(&logger, fd, file->name, &file->writer);
    if (err < 0) {
        free_file(file);
        return err;
    }
    *out = file;
    return 0;
}

void weir_log_file_write(weir_log_file *file, enum weir_log_level level, const char *message,
                         const weir_kv *kvs, size_t n)
{
    weir__log_write_to(file->writer, level, message, kvs, n);
}

int weir_log_file_reopen(weir_log_file *file)
{
    int fd = file->path != NULL ? open_path(file->path) : 0;

    if (fd >= 0 && file->path != NULL)
        weir__log_writer_turn(file->writer, fd);
    return fd < 0 ? fd : 0;
}

uint64_t weir_log_file_dropped(const weir_log_file *file)
{
    return atomic_load_explicit(&file->writer->dropped, memory_order_relaxed);
}

/* The writer keeps using the name if it is left behind. */
void weir_log_file_close(weir_log_file *file)
{
    if (file != NULL && weir__log_writer_close(file->writer))
        free_file(file);
}
