/* SPDX-License-Identifier: MIT */
#include "config/environment.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/buffer.h>
#include <weir/json.h>

static const char forms[] = "${NAME}, ${NAME:-default}, or $$ for a dollar";

bool environment_has(const char *written, size_t length)
{
    for (size_t i = 0; i + 1 < length; i++)
        if (written[i] == '$' && (written[i + 1] == '$' || written[i + 1] == '{'))
            return true;
    return false;
}

/* --- a variable --- */

/* "${NAME:-default}" as it is written. */
struct variable {
    const char *name, *fallback; /* fallback NULL: there is none */
    size_t name_length, fallback_length;
    size_t length; /* of all of it */
};

static size_t name_length(const char *text, size_t left)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    size_t n = 0;

    while (n < left && text[n] != '\0' && strchr(letters, text[n]) != NULL)
        n++;
    return n > 0 && text[0] >= '0' && text[0] <= '9' ? 0 : n;
}

/* Takes apart what begins with "${". Returns: NULL, or what is wrong with it. */
static const char *take_apart(const char *text, size_t left, struct variable *out)
{
    const char *end = memchr(text, '}', left);
    const char *rest;

    if (end == NULL)
        return "is not closed";
    *out = (struct variable){.name = text + 2, .length = (size_t)(end + 1 - text)};
    out->name_length = name_length(out->name, (size_t)(end - out->name));
    rest = out->name + out->name_length;
    if (out->name_length == 0)
        return "has no name of letters, digits and '_'";
    if (rest == end)
        return NULL;
    if (end - rest < 2 || rest[0] != ':' || rest[1] != '-')
        return "is written in another way";
    out->fallback = rest + 2;
    out->fallback_length = (size_t)(end - out->fallback);
    if (memmem(out->fallback, out->fallback_length, "${", 2) != NULL)
        return "has a variable in its default";
    return NULL;
}

/* --- filling --- */

struct filling {
    struct environment_reader *reader;
    const char *written;
    size_t length;
    weir_buffer text;
    struct environment_splice *splices; /* room for as many as there are dollars */
    size_t count;
    bool filled, faulty;
};

__attribute__((format(printf, 3, 4))) static void fault(struct filling *f, size_t at, const char *format, ...)
{
    char text[FAULT_TEXT_BYTES];
    va_list args;

    f->faulty = true;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    config_fault(f->reader->faults, f->reader->place(f->reader->arg, at), "%s", text);
}

/* Appends a default, in which "$$" is a dollar. */
static int append_default(struct filling *f, const struct variable *v)
{
    int err = 0;

    for (size_t i = 0; i < v->fallback_length && err == 0; i++) {
        err = weir_buffer_append_byte(&f->text, v->fallback[i]);
        if (v->fallback[i] == '$' && i + 1 < v->fallback_length && v->fallback[i + 1] == '$')
            i++;
    }
    return err;
}

static int append_value(struct filling *f, const struct variable *v, size_t at)
{
    const char *name = config_take_text(f->reader->memory, v->name, v->name_length);
    const char *value = name != NULL ? getenv(name) : NULL;
    size_t length = value != NULL ? strlen(value) : 0;

    if (name == NULL)
        return -ENOMEM;
    f->filled = true;
    if (length == 0 && v->fallback != NULL)
        return append_default(f, v);
    if (value == NULL) {
        fault(f, at, "the environment has no '%s', expected it to be set, or a default: ${%.64s:-default}",
              name, name);
        return 0;
    }
    if (length > f->reader->left) {
        fault(f, at, "the value of '%s' is too large, expected at most 1 MiB from the environment in all",
              name);
        return 0;
    }
    if (!weir_utf8_is_valid(value, length)) {
        fault(f, at, "the value of '%s' in the environment is not text, expected UTF-8", name);
        return 0;
    }
    f->reader->left -= length;
    return weir_buffer_append(&f->text, value, length);
}

/* Replaces what begins at written[at]: "$$" or "${". Returns: its length; < 0. */
static int replace(struct filling *f, size_t at)
{
    const char *text = f->written + at;
    struct environment_splice *splice = &f->splices[f->count];
    struct variable v = {.length = 2};
    const char *wrong = text[1] == '{' ? take_apart(text, f->length - at, &v) : NULL;
    int err = 0;

    *splice = (struct environment_splice){.at = f->text.len, .written_at = at, .written_length = v.length};
    if (wrong != NULL) {
        fault(f, at, "'%.*s' %s, expected %s", (int)(f->length - at < 40 ? f->length - at : 40), text, wrong,
              forms);
        return 2;
    }
    err = text[1] == '{' ? append_value(f, &v, at) : weir_buffer_append_byte(&f->text, '$');
    splice->length = f->text.len - splice->at;
    f->count++;
    return err < 0 ? err : (int)v.length;
}

static int fill(struct filling *f)
{
    size_t at = 0;

    while (at < f->length) {
        const char *dollar = memchr(f->written + at, '$', f->length - at);
        size_t plain = dollar != NULL ? (size_t)(dollar - f->written) - at : f->length - at;
        bool starts = dollar != NULL && (dollar[1] == '$' || dollar[1] == '{'); /* a NUL is behind the text */
        int err;

        plain += dollar != NULL && !starts; /* a lone dollar stays */
        err = weir_buffer_append(&f->text, f->written + at, plain);
        at += plain;
        if (err == 0 && starts) {
            err = replace(f, at);
            at += err > 0 ? (size_t)err : 0;
        }
        if (err < 0)
            return -ENOMEM;
    }
    return f->faulty ? -WEIR_ECONFIG : 0;
}

static size_t count_dollars(const char *text, size_t length)
{
    size_t n = 0;

    for (size_t i = 0; i < length; i++)
        n += text[i] == '$';
    return n;
}

int environment_fill(struct environment_reader *reader, const char *written, size_t length,
                     struct environment_text *out)
{
    struct filling f = {.reader = reader, .written = written, .length = length};
    int err;

    weir_buffer_init(&f.text, length + reader->left + 1);
    f.splices = config_take(reader->memory, count_dollars(written, length) * sizeof *f.splices);
    err = f.splices != NULL ? fill(&f) : -ENOMEM;
    if (err == 0) {
        *out = (struct environment_text){
            .length = f.text.len,
            .splices = f.splices,
            .splice_count = f.count,
            .filled = f.filled,
            .text = config_take_text(reader->memory, f.text.len > 0 ? f.text.data : "", f.text.len)};
        err = out->text != NULL ? 0 : -ENOMEM;
    }
    weir_buffer_free(&f.text);
    return err;
}

size_t environment_written_offset(const struct environment_splice *splices, size_t count, size_t at)
{
    size_t text_end = 0, written_end = 0; /* of the splice before */

    for (size_t i = 0; i < count && at >= splices[i].at; i++) {
        if (at < splices[i].at + splices[i].length)
            return splices[i].written_at;
        text_end = splices[i].at + splices[i].length;
        written_end = splices[i].written_at + splices[i].written_length;
    }
    return written_end + (at - text_end);
}
