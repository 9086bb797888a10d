/* SPDX-License-Identifier: MIT */
/* Making a small JSON document of a large one, by a template whose leaves are JSON pointers (RFC 6901).
 *
 *     {"name": "/user/name", "first": "/items/0", "ids": {"each": "/items", "pick": "/id"}}
 *
 * Of the template a text is a pointer, and becomes the value it points to; an object and a list become an
 * object and a list; an object with the members "each" and "pick", and no other, becomes a list: the inner
 * template for each element of the array that the pointer finds, with pointers that begin at the element.
 *
 * Values are copied as they came, byte by byte: numbers keep every digit, texts their escapes. Of members of
 * one name the last counts.
 *
 * Threading: a json_pick belongs to whoever uses it, one thread at a time.
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
    JSON_PICK_INPUT_DEPTH = 64, /* nesting of a document that is taken when nothing is asked for */
    JSON_PICK_FAULT_BYTES = 160
};

/* What becomes of a pointer that finds nothing. */
enum json_missing {
    JSON_MISSING_NULL,  /* null */
    JSON_MISSING_OMIT,  /* its member or element is left out */
    JSON_MISSING_FAULT, /* the document is refused */
    JSON_MISSINGS
};

extern const char *const json_missing_names[JSON_MISSINGS + 1]; /* ended by NULL */

struct json_pick;

/* What is wrong with a pointer, in words; NULL: nothing. */
const char *json_pointer_fault(const char *pointer);

/* Makes ready what a template says.
 * Owns:    end it with json_pick_close(); the template is lent until then.
 * Returns: 0; -EINVAL with words in fault; -ENOMEM.
 */
WEIR_CHECKED int json_pick_open(struct json_pick **out, const json_t *template_, enum json_missing missing,
                                char fault[JSON_PICK_FAULT_BYTES]);

/* Asked now and then; returns a negative code to end the work. */
typedef int json_pick_poll(void *arg);

/* Adds what the template makes of a document, which must be valid JSON (weir_json_check). poll may be NULL.
 * Returns: 0; -ENOENT a pointer found nothing that must, in words; -WEIR_ETOOLARGE the room of out; -ENOMEM;
 *          what poll returned. The buffer then holds a part.
 */
WEIR_CHECKED int json_pick_run(struct json_pick *pick, weir_bytes document, weir_buffer *out,
                               char fault[JSON_PICK_FAULT_BYTES], json_pick_poll *poll, void *arg);

/* NULL is nothing. */
void json_pick_close(struct json_pick *pick);

#endif
