/* SPDX-License-Identifier: MIT */
#include "jobs/image_source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Reads no further than the end of a part, so that each scan of a JPEG takes a read of its own. */
static gint64 read_some(VipsSourceCustom *custom, void *to, gint64 room, void *arg)
{
    struct image_source *s = arg;
    size_t left, n;

    (void)custom;
    if (s->stopped == 0)
        s->stopped = s->poll(s->poll_arg);
    if (s->stopped < 0) {
        errno = ECANCELED;
        return -1;
    }
    while (s->index < s->parts && s->offset == s->part[s->index].bytes) {
        s->index++;
        s->offset = 0;
    }
    if (s->index == s->parts || room <= 0)
        return 0;
    left = s->part[s->index].bytes - s->offset;
    n = (size_t)room < left ? (size_t)room : left;
    memcpy(to, s->part[s->index].at + s->offset, n);
    s->offset += n;
    s->at += (int64_t)n;
    return (gint64)n;
}

static gint64 seek(VipsSourceCustom *custom, gint64 offset, int whence, void *arg)
{
    struct image_source *s = arg;
    int64_t to;

    (void)custom;
    to = offset + (whence == SEEK_CUR ? s->at : whence == SEEK_END ? s->length : 0);
    if (to < 0 || to > s->length)
        return -1;
    s->at = to;
    for (s->index = 0; s->index < s->parts && to >= (int64_t)s->part[s->index].bytes; s->index++)
        to -= (int64_t)s->part[s->index].bytes;
    s->offset = (size_t)to;
    return s->at;
}

VipsSource *image_source_open(struct image_source *source, const struct vips_library *vips,
                              const struct image_head *head, int (*poll)(void *arg), void *poll_arg)
{
    VipsSourceCustom *custom;

    *source =
        (struct image_source){.part = head->part, .parts = head->parts, .poll = poll, .poll_arg = poll_arg};
    for (size_t i = 0; i < head->parts; i++)
        source->length += (int64_t)head->part[i].bytes;
    custom = vips->vips_source_custom_new();
    if (custom == NULL)
        return NULL;
    vips->g_signal_connect_data(custom, "read", G_CALLBACK(read_some), source, NULL, (GConnectFlags)0);
    vips->g_signal_connect_data(custom, "seek", G_CALLBACK(seek), source, NULL, (GConnectFlags)0);
    return &custom->parent_object;
}
