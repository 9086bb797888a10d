/* SPDX-License-Identifier: MIT */
/* JSON in C sources, with ' for ": {'a':1}. */
#ifndef TEST_APP_SUPPORT_GIVEN_JSON_H
#define TEST_APP_SUPPORT_GIVEN_JSON_H

#include <jansson.h>

/* Returns: the text as JSON has it, for the caller to free(). */
char *given_json_text(const char *text);

/* Reads it. Fails the test if it is no JSON. Returns: the caller's to json_decref(). */
json_t *given_json(const char *text);

/* Reads JSON as a program wrote it, with its " marks. */
json_t *read_json(const char *text);

/* The member at a path such as "routes.0.last_10s.p50"; fails the test if there is none. */
const json_t *json_at(const json_t *json, const char *path);
double number_at(const json_t *json, const char *path);
const char *text_at(const json_t *json, const char *path);

#endif
