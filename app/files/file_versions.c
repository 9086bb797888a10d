/* SPDX-License-Identifier: MIT */
#include "files/file_versions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The close of a file may block (FUSE), so a job does it, unless there are too many. */
static void close_later(struct file_holdings *h, int fd)
{
    if (h->closing_count < h->closing_room) {
        h->closing[h->closing_count++] = fd;
        return;
    }
    (void)h->calls->close(fd);
    h->descriptors--;
}

static void write_facts(struct file_version *v, const struct stat *about)
{
    v->file.bytes = (uint64_t)about->st_size;
    v->file.modified = about->st_mtim;
    (void)snprintf(v->file.etag, sizeof v->file.etag, "\"%" PRIx64 "-%" PRIx64 ".%09lx\"",
                   (uint64_t)about->st_size, (uint64_t)about->st_mtim.tv_sec,
                   (unsigned long)about->st_mtim.tv_nsec);
    http_date(about->st_mtim.tv_sec, v->file.last_modified);
}

struct file_version *file_version_of(struct file_holdings *h, struct file_load *load)
{
    struct file_version *v = malloc(sizeof *v);

    h->descriptors += load->fd >= 0;
    if (v == NULL) {
        free(load->content);
        if (load->fd >= 0)
            close_later(h, load->fd);
        return NULL;
    }
    *v = (struct file_version){.about = load->about, .settled = load->settled, .users = 1};
    write_facts(v, &load->about);
    v->file.content = load->content;
    v->file.fd = load->fd;
    h->content_bytes += load->content != NULL ? v->file.bytes : 0;
    return v;
}

void file_version_release(struct file_holdings *h, struct file_version *v)
{
    if (--v->users > 0)
        return;
    if (v->file.content != NULL)
        h->content_bytes -= v->file.bytes;
    if (v->file.fd >= 0)
        close_later(h, v->file.fd);
    weir_header_block_free(v->file.fields);
    free((char *)(uintptr_t)v->file.content);
    free(v);
}

void file_holdings_lend(struct file_holdings *h, struct file_load *load)
{
    while (h->closing_count > 0 && load->close_count < FILE_LOAD_CLOSES_MAX)
        load->closes[load->close_count++] = h->closing[--h->closing_count];
    h->descriptors -= load->close_count;
}

void file_holdings_take_back(struct file_holdings *h, struct file_load *load)
{
    h->descriptors += load->close_count;
    while (load->close_count > 0)
        close_later(h, load->closes[--load->close_count]);
}
