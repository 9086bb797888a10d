/* SPDX-License-Identifier: MIT */
/* The grammar of JSON: what a reader takes at its place. Each returns false at the first byte that is wrong,
 * and the reader is there then.
 *
 * Threading: pure functions over the caller's memory.
 */
#ifndef WEIR_BASE_JSON_GRAMMAR_H
#define WEIR_BASE_JSON_GRAMMAR_H

#include <weir/json.h>

void weir__json_skip_space(weir_json_reader *r);

/* Takes a string, a number, true, false or null. */
bool weir__json_take_scalar(weir_json_reader *r);

/* Takes a value whole. */
bool weir__json_take_whole(weir_json_reader *r);

/* Takes the key of a member and its colon, and spaces before both. *key: the string, with its quotes. */
bool weir__json_take_key(weir_json_reader *r, weir_bytes *key);

/* Goes down a level, behind the bracket that was taken; err is -WEIR_ETOOLARGE if that is too deep. */
bool weir__json_enter(weir_json_reader *r, bool object);

/* Reports whether the innermost level, of which there is one, is an object. */
bool weir__json_in_object(const weir_json_reader *r);

#endif
