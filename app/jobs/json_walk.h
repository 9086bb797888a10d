/* SPDX-License-Identifier: MIT */
/* Walking through a JSON text that is known to be valid, value by value.
 *
 * Threading: pure functions. Each reads only the text within [at, end).
 */
#ifndef APP_JOBS_JSON_WALK_H
#define APP_JOBS_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>

struct json_walk {
    const char *at, *end;
};

/* Goes to the first byte of the text's value. */
void json_walk_begin(struct json_walk *walk);

/* Takes the value that begins at `at`, from its first byte to its last; `at` is behind it then. */
weir_bytes json_walk_value(struct json_walk *walk);

/* Enters the array or object that begins at `at`: goes behind its bracket. */
void json_walk_enter(struct json_walk *walk);

/* In an array, goes to the first byte of the next element; behind the bracket when there is none.
 * Returns: whether there is an element. */
bool json_walk_element(struct json_walk *walk);

/* In an object, goes to the value of the next member, and sets *key to its name with quotes and escapes;
 * behind the bracket when there is none.
 * Returns: whether there is a member. */
bool json_walk_member(struct json_walk *walk, weir_bytes *key);

/* Reports whether a key, with quotes and escapes, is this text. */
bool json_key_is(weir_bytes key, weir_bytes text);

#endif
