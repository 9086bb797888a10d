/* SPDX-License-Identifier: MIT */
#include "commands/options.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/text.h>

#include "commands/commands.h"
#include "commands/usage.h"

enum { OPTIONS_MAX = 32 }; /* of a command */

static const struct option *find(const struct option *options, size_t count, const char *word, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i].name) == length && strncmp(options[i].name, word, length) == 0)
            return &options[i];
    return NULL;
}

static int unknown(const char *command, const struct option *options, size_t count, const char *word)
{
    const char *names[OPTIONS_MAX];
    const char *nearest;

    assert(count <= OPTIONS_MAX);
    for (size_t i = 0; i < count; i++)
        names[i] = options[i].name;
    nearest = weir_text_nearest(word, names, count);
    if (nearest != NULL)
        return usage_error(command, "unknown option '%s', did you mean '%s'?", word, nearest);
    return usage_error(command, "unknown option '%s'", word);
}

static bool read_real(const char *text, double *out)
{
    char *end = NULL;

    errno = 0;
    *out = strtod(text, &end);
    return *text && strchr("0123456789.", *text) != NULL && *end == '\0' && errno == 0 && isfinite(*out);
}

static bool read_number(const char *text, uint64_t *out)
{
    char *end = NULL;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static int read_value(const char *command, const struct option *option, const char *value, void *member)
{
    double real;

    switch (option->type) {
    case OPTION_TEXT:
        *(const char **)member = value;
        return 0;
    case OPTION_LIST: {
        struct option_list *list = member;
        list->items[list->count++] = value;
        return 0;
    }
    case OPTION_NUMBER:
        if (!read_number(value, member))
            return usage_error(command, "%s is '%s', expected a whole number", option->name, value);
        return 0;
    case OPTION_DURATION:
        if (weir_duration_parse(value, member) < 0 || ((weir_duration *)member)->ns <= 0)
            return usage_error(command, "%s is '%s', expected a duration such as 10s or 500ms", option->name,
                               value);
        return 0;
    default:
        break;
    }
    if (!read_real(value, &real) || real < option->min || real > option->max ||
        (option->type == OPTION_INT && real != floor(real)))
        return usage_error(command, "%s is '%s', expected a number from %g to %.9g", option->name, value,
                           option->min, option->max);
    if (option->type == OPTION_INT)
        *(int *)member = (int)real;
    else
        *(double *)member = real;
    return 0;
}

int options_read(const char *command, int argc, char **argv, const struct option *options, size_t count,
                 void *base, struct option_list *rest)
{
    bool only_rest = false;

    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        int code;
        const char *value;
        size_t length;
        const struct option *option;
        void *member;
        if (only_rest || word[0] != '-' || !word[1]) {
            rest->items[rest->count++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_rest = true;
            continue;
        }
        length = strcspn(word, "=");
        option = find(options, count, word, length);
        if (option == NULL)
            return unknown(command, options, count, word);
        member = (char *)base + option->offset;
        value = word[length] == '=' ? word + length + 1 : NULL;
        if (option->type == OPTION_FLAG) {
            if (value != NULL)
                return usage_error(command, "%s takes no value", option->name);
            *(bool *)member = true;
            continue;
        }
        if (value == NULL && ++i == argc)
            return usage_error(command, "%s needs a value", option->name);
        code = read_value(command, option, value != NULL ? value : argv[i], member);
        if (code)
            return code;
    }
    return 0;
}
