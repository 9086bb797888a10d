/* SPDX-License-Identifier: MIT */
#include "metrics/cells_left.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics/collector_parts.h"
#include "metrics/request_cells.h"
#include "metrics/request_totals.h"
#include "metrics/totals.h"

enum { LABELS_MAX = UINT16_MAX + 1 };

int cells_left_make(void)
{
    const int memory = memfd_create("weir-counts", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int err;

    if (memory < 0)
        return -errno;
    if (fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
        return memory;
    err = -errno;
    (void)close(memory);
    return err;
}

/* --- the memory --- */

/* The memory of a process, and the cells in it as those of loops. */
struct left {
    const char *bytes;
    size_t length;
    struct cells_head head;
    struct request_counts counts;
    struct request_counts_loop *loops;
};

/* Returns: 0; -ENOENT: there are no cells; -WEIR_EPROTOCOL. */
static int read_head(struct left *left)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const struct cells_head *head = &left->head;

    if (left->length < sizeof *head)
        return -ENOENT;
    memcpy(&left->head, left->bytes, sizeof *head);
    if (head->label_count == 0 || head->label_count > LABELS_MAX || head->first < sizeof *head ||
        head->first % page != 0 || head->loop_bytes != cells_bytes((size_t)head->label_count, page))
        return -WEIR_EPROTOCOL;
    return head->first < left->length ? 0 : -ENOENT;
}

static int find_loops(struct left *left)
{
    const size_t count = (left->length - left->head.first) / left->head.loop_bytes;

    left->loops = calloc(count + 1, sizeof *left->loops);
    if (left->loops == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const char *cells = left->bytes + left->head.first + i * left->head.loop_bytes;
        left->loops[i].cells = (struct request_cell *)(uintptr_t)cells;
        left->loops[i].next = i + 1 < count ? &left->loops[i + 1] : NULL;
    }
    left->counts.label_count = (size_t)left->head.label_count;
    atomic_init(&left->counts.loops, count > 0 ? left->loops : NULL);
    return 0;
}

static int open_left(struct left *left, int memory)
{
    struct stat is;
    void *bytes;
    int err;

    if (fstat(memory, &is) < 0)
        return -errno;
    if (is.st_size == 0)
        return -ENOENT;
    left->length = (size_t)is.st_size;
    bytes = mmap(NULL, left->length, PROT_READ, MAP_SHARED, memory, 0);
    if (bytes == MAP_FAILED)
        return -errno;
    left->bytes = bytes;
    err = read_head(left);
    return err < 0 ? err : find_loops(left);
}

static void close_left(struct left *left)
{
    free(left->loops);
    if (left->bytes != NULL)
        (void)munmap((void *)(uintptr_t)left->bytes, left->length);
}

/* --- its rows --- */

/* A route as the collector would have it. */
struct reading {
    struct request_totals requests;
    struct breakdown_total breakdown;
    uint64_t route_numbers[ROUTE_NUMBERS], breakdown_numbers[BREAKDOWN_NUMBERS];
    struct snapshot_route route;
};

static void write_route(struct totals_writer *w, const struct left *left, size_t i, struct reading *r)
{
    request_counts_read(&left->counts, i, &r->requests);
    route_numbers(&r->requests, r->route_numbers);
    r->route.requests.meter = &r->requests.took;
    r->route.requests.numbers = r->route_numbers;
    request_counts_read_breakdown(&left->counts, i, &r->breakdown);
    breakdown_numbers(&r->breakdown, r->breakdown_numbers);
    r->route.breakdown.meter = &r->breakdown.run;
    r->route.breakdown.numbers = r->breakdown_numbers;
    request_counts_read_outcomes(&left->counts, i, &r->route.outcomes);
    totals_add_route(w, &r->route);
}

/* Reads a text before the cells. Returns: NULL: it has no end. */
static const char *next_text(const struct left *left, size_t *at)
{
    const char *text = left->bytes + *at;
    const size_t room = left->head.first - *at, length = strnlen(text, room);

    *at += length + 1;
    return length < room ? text : NULL;
}

static int write_routes(struct totals_writer *w, const struct left *left, struct reading *r)
{
    size_t at = sizeof left->head;

    for (size_t i = 0; i < left->counts.label_count; i++) {
        r->route.name = next_text(left, &at);
        r->route.kind = r->route.name != NULL ? next_text(left, &at) : NULL;
        if (r->route.kind == NULL)
            return -WEIR_EPROTOCOL;
        if (r->route.kind[0] == '\0')
            r->route.kind = NULL;
        write_route(w, left, i, r);
    }
    return 0;
}

int cells_left_write(int memory, struct text_out *out)
{
    struct left left = {0};
    struct reading *reading = calloc(1, sizeof *reading);
    struct totals_writer w;
    int err = reading != NULL ? open_left(&left, memory) : -ENOMEM;

    if (err == 0) {
        totals_begin(&w, out);
        err = write_routes(&w, &left, reading);
        totals_end(&w);
    }
    close_left(&left);
    free(reading);
    return err == 0 ? out->err : err;
}
