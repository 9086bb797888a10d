/* SPDX-License-Identifier: MIT */
/* Going through a JSON text that is known to be valid, value by value.
 *
 * Threading: pure functions. Each takes a text within [at, end) and looks at nothing beyond.
 */
#ifndef APP_JOBS_JSON_WALK_H
#define APP_JOBS_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/buffer.h>

struct json_walk {
    const char *at, *end;
};

/* To the first byte of the text's value. */
void json_walk_begin(struct json_walk *walk);

/* The value that begins at `at`, from its first byte to its last; at is behind it then. */
weir_bytes json_walk_value(struct json_walk *walk);

/* Goes into an array or object that begins at `at`, behind its bracket. */
void json_walk_enter(struct json_walk *walk);

/* In an array: whether another element follows; `at` is then at its first byte. Else behind the bracket. */
bool json_walk_element(struct json_walk *walk);

/* In an object: whether another member follows; *key is its name with quotes and escapes, and `at` at its
 * value. */
bool json_walk_member(struct json_walk *walk, weir_bytes *key);

/* Whether a key, with quotes and escapes, says this text. */
bool json_key_is(weir_bytes key, weir_bytes text);

#endif
