/* SPDX-License-Identifier: MIT */
/* Making a small JSON document of a large one, by a template whose leaves are JSON pointers (RFC 6901).
 *
 *     {"name": "/user/name", "first": "/items/0", "ids": {"each": "/items", "pick": "/id"}}
 *
 * A text of the template is a pointer, and becomes the value that it points to. An object becomes an object,
 * a list becomes a list. An object with the members "each" and "pick", and no other, becomes a list: the
 * template "pick" for each element of the array that "each" points to, with pointers that begin at the
 * element.
 *
 * Values are copied byte by byte: numbers keep every digit, texts their escapes. If an object has several
 * members of one name, the last counts.
 *
 * Threading: a json_pick is used by one thread at a time.
 */
#ifndef APP_JOBS_JSON_PICK_H
#define APP_JOBS_JSON_PICK_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <weir/buffer.h>
#include <weir/error.h>

enum {
    JSON_PICK_NODES_MAX = 1000, /* of a template */
    JSON_PICK_DEPTH_MAX = 32,   /* its nesting */
    JSON_POINTER_BYTES_MAX = 1024,
    JSON_POINTER_STEPS_MAX = 64,
    JSON_PICK_INPUT_DEPTH = 64, /* default: the deepest nesting of a document */
    JSON_PICK_FAULT_BYTES = 160
};

/* The result of a pointer that finds nothing. */
enum json_missing {
    JSON_MISSING_NULL,  /* null */
    JSON_MISSING_OMIT,  /* no member or element */
    JSON_MISSING_FAULT, /* the document is refused */
    JSON_MISSINGS
};

extern const char *const json_missing_names[JSON_MISSINGS + 1]; /* ended by NULL */

struct json_pick;

/* What was expected in the place of an invalid pointer; NULL when the pointer is valid. */
const char *json_pointer_fault(const char *pointer);

/* Prepares a template.
 * Owns:    end it with json_pick_close(); the template is lent until then.
 * Returns: 0; -EINVAL with a reason in fault; -ENOMEM.
 */
WEIR_CHECKED int json_pick_open(struct json_pick **out, const json_t *template_, enum json_missing missing,
                                char fault[JSON_PICK_FAULT_BYTES]);

/* Called now and then; a negative code ends the work. */
typedef int json_pick_poll(void *arg);

/* Adds the document that the template makes of a document, which is checked up to its end and may be nested
 * `depth` levels deep. poll may be NULL.
 * Returns: 0; -EBADMSG no JSON, -E2BIG nested too deep, both with a reason in fault; else out holds a part:
 * -ENOENT with JSON_MISSING_FAULT, a pointer found nothing, with a reason in fault; -WEIR_ETOOLARGE the room
 * of out; -ENOMEM; what poll returned.
 */
WEIR_CHECKED int json_pick_run(struct json_pick *pick, weir_bytes document, size_t depth, weir_buffer *out,
                               char fault[JSON_PICK_FAULT_BYTES], json_pick_poll *poll, void *arg);

/* NULL is allowed. */
void json_pick_close(struct json_pick *pick);

#endif
