/* SPDX-License-Identifier: MIT */
/* What a route leaves for on_exchange, by weir_request_note(): the first member of every note.
 *
 * Threading: belongs to the task of its request, then to on_exchange.
 */
#ifndef APP_ROUTES_ROUTE_NOTE_H
#define APP_ROUTES_ROUTE_NOTE_H

enum route_note_kind { ROUTE_NOTE_GATHER, ROUTE_NOTE_PROXY };

struct route_note {
    int kind; /* enum route_note_kind */
};

/* Reports whether there is a note, of that kind. */
static inline _Bool route_note_is(const void *note, enum route_note_kind kind)
{
    return note != (void *)0 && ((const struct route_note *)note)->kind == (int)kind;
}

#endif
