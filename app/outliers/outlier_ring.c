/* SPDX-License-Identifier: MIT */
#include "outliers/outlier_ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_BYTES = 240 << 10 };

struct outlier_ring {
    pthread_mutex_t lock;
    struct outlier **items; /* oldest first */
    size_t count, keep;
    size_t bytes, bytes_max;
    size_t *of_route; /* how many, by number of the route */
    size_t routes;
};

int outlier_ring_open(size_t keep, size_t bytes_max, size_t routes, struct outlier_ring **out)
{
    struct outlier_ring *ring = calloc(1, sizeof *ring);

    if (ring == NULL)
        return -ENOMEM;
    ring->keep = keep;
    ring->bytes_max = bytes_max;
    ring->routes = routes;
    ring->items = calloc(keep, sizeof(struct outlier *));
    ring->of_route = calloc(routes + 1, sizeof *ring->of_route);
    pthread_mutex_init(&ring->lock, NULL);
    if (ring->items == NULL || ring->of_route == NULL) {
        outlier_ring_close(ring);
        return -ENOMEM;
    }
    *out = ring;
    return 0;
}

void outlier_ring_close(struct outlier_ring *ring)
{
    if (ring == NULL)
        return;
    for (size_t i = 0; i < ring->count; i++)
        outlier_free(ring->items[i]);
    pthread_mutex_destroy(&ring->lock);
    free(ring->of_route);
    free(ring->items);
    free(ring);
}

/* --- room --- */

/* What it takes of the memory. */
static size_t bytes_of(const struct outlier *o)
{
    return sizeof *o + o->text.text.cap;
}

static void remove_at(struct outlier_ring *ring, size_t at)
{
    struct outlier *o = ring->items[at];

    ring->count--;
    memmove(ring->items + at, ring->items + at + 1, (ring->count - at) * sizeof(struct outlier *));
    ring->bytes -= bytes_of(o);
    ring->of_route[o->route]--;
    outlier_free(o);
}

/* The oldest of the route that has the most; of several such routes, of the one whose oldest is older. */
static size_t next_to_go(const struct outlier_ring *ring)
{
    size_t most = 0, at = 0;

    for (size_t i = 0; i < ring->routes; i++)
        if (ring->of_route[i] > most)
            most = ring->of_route[i];
    while (ring->of_route[ring->items[at]->route] < most)
        at++;
    return at;
}

void outlier_ring_add(struct outlier_ring *ring, struct outlier *o)
{
    pthread_mutex_lock(&ring->lock);
    while (ring->count > 0 && (ring->count == ring->keep || ring->bytes + bytes_of(o) > ring->bytes_max))
        remove_at(ring, next_to_go(ring));
    ring->items[ring->count++] = o;
    ring->bytes += bytes_of(o);
    ring->of_route[o->route]++;
    pthread_mutex_unlock(&ring->lock);
}

/* --- reading --- */

void outlier_ring_write_list(struct outlier_ring *ring, struct text_out *out)
{
    text_out_add(out, "[");
    pthread_mutex_lock(&ring->lock);
    for (size_t i = ring->count; i-- > 0 && out->text.len < LIST_BYTES;) {
        const struct outlier *o = ring->items[i];
        text_out_add(out, i + 1 < ring->count ? ",{" : "{");
        text_out_bytes(out, o->text.text.data + o->line_at, o->line_bytes);
        text_out_add(out, "}");
    }
    pthread_mutex_unlock(&ring->lock);
    text_out_add(out, "]\n");
}

bool outlier_ring_write(struct outlier_ring *ring, const char *id, struct text_out *out)
{
    size_t at = 0;
    bool found;

    pthread_mutex_lock(&ring->lock);
    while (at < ring->count && strcmp(ring->items[at]->id, id) != 0)
        at++;
    found = at < ring->count;
    if (found)
        text_out_bytes(out, ring->items[at]->text.text.data, ring->items[at]->text.text.len);
    pthread_mutex_unlock(&ring->lock);
    if (found)
        text_out_add(out, "\n");
    return found;
}
