/* SPDX-License-Identifier: MIT */
#include "app/support/given_json.h"

#include <stdlib.h>
#include <string.h>

#include "support/run.h"

char *given_json_text(const char *text)
{
    char *copy = strdup(text);

    assert_non_null(copy);
    for (char *at = copy; (at = strchr(at, '\'')) != NULL;)
        *at = '"';
    return copy;
}

json_t *read_json(const char *text)
{
    json_error_t why;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &why);

    if (json == NULL)
        fail_msg("%s at %d of %s", why.text, why.position, text);
    return json;
}

json_t *given_json(const char *text)
{
    char *copy = given_json_text(text);
    json_t *json = read_json(copy);

    free(copy);
    return json;
}

const json_t *json_at(const json_t *json, const char *path)
{
    char name[128];

    for (const char *at = path; *at != '\0'; at += *at == '.') {
        const size_t length = strcspn(at, ".");
        const json_t *inner;

        assert_true(length < sizeof name);
        memcpy(name, at, length);
        name[length] = '\0';
        inner =
            json_is_array(json) ? json_array_get(json, strtoul(name, NULL, 10)) : json_object_get(json, name);
        if (inner == NULL)
            fail_msg("there is no '%s' of '%s' in %s", name, path, json_dumps(json, JSON_ENCODE_ANY));
        json = inner;
        at += length;
    }
    return json;
}

double number_at(const json_t *json, const char *path)
{
    const json_t *value = json_at(json, path);

    if (!json_is_number(value))
        fail_msg("'%s' is no number but %s", path, json_dumps(value, JSON_ENCODE_ANY));
    return json_number_value(value);
}

const char *text_at(const json_t *json, const char *path)
{
    const json_t *value = json_at(json, path);

    if (!json_is_string(value))
        fail_msg("'%s' is no text but %s", path, json_dumps(value, JSON_ENCODE_ANY));
    return json_string_value(value);
}
