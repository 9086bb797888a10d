/* SPDX-License-Identifier: MIT */
#include "process/options.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/reserved.h"

enum { SIGNAL_MAX = 64, FIRST_OWN = 3 };

static const weir_duration grace_default = {INT64_C(10000000000)};

/* --- what is right --- */

static bool are_right(const weir_process_fd *fds, size_t count)
{
    if (count > WEIR_PROCESS_FDS_MAX || (count > 0 && fds == NULL))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (fds[i].as < FIRST_OWN)
            return false;
        for (size_t k = 0; k < i; k++)
            if (fds[k].as == fds[i].as)
                return false;
    }
    return true;
}

int weir__process_options_check(const weir_process_options *o)
{
    if (!weir__reserved_is_zero(o->reserved, sizeof o->reserved) || o->argv == NULL || o->argv[0] == NULL ||
        o->descriptors_max < 0 || (int)o->output < WEIR_PROCESS_LINES || o->output > WEIR_PROCESS_NULL ||
        o->stop_signal < 0 || o->stop_signal > SIGNAL_MAX || !are_right(o->fds, o->fd_count))
        return -EINVAL;
    return 0;
}

/* --- the copy --- */

/* Copies one thing behind the other. Without memory it only measures. */
struct copier {
    char *memory;
    size_t used;
};

static void *copy(struct copier *c, const void *from, size_t bytes, size_t alignment)
{
    size_t at = (c->used + alignment - 1) / alignment * alignment;

    c->used = at + bytes;
    if (c->memory == NULL || from == NULL)
        return NULL;
    return memcpy(c->memory + at, from, bytes);
}

static const char *copy_text(struct copier *c, const char *text)
{
    return copy(c, text, text != NULL ? strlen(text) + 1 : 0, 1);
}

static const char *const *copy_texts(struct copier *c, const char *const *texts)
{
    const char **copies;
    size_t count = 0;

    while (texts[count] != NULL)
        count++;
    copies = copy(c, texts, (count + 1) * sizeof *texts, _Alignof(char *));
    for (size_t i = 0; i < count; i++) {
        const char *text = copy_text(c, texts[i]);

        if (copies != NULL)
            copies[i] = text;
    }
    return copies;
}

static const char *name_of(const weir_process_options *o)
{
    const char *slash = strrchr(o->argv[0], '/');

    if (o->name != NULL && *o->name != '\0')
        return o->name;
    return slash != NULL && slash[1] != '\0' ? slash + 1 : o->argv[0];
}

static const char *const *env_of(const weir_process_options *o)
{
    static const char *const nothing[] = {NULL};

    if (o->env != NULL)
        return o->env;
    return environ != NULL ? (const char *const *)environ : nothing;
}

/* Copies what options point to. */
static void copy_all(struct copier *c, const weir_process_options *o, weir_process_options *out)
{
    out->argv = copy_texts(c, o->argv);
    out->env = copy_texts(c, env_of(o));
    out->fds = copy(c, o->fds, o->fd_count * sizeof *o->fds, _Alignof(weir_process_fd));
    out->program = copy_text(c, o->program);
    out->name = copy_text(c, name_of(o));
    out->folder = copy_text(c, o->folder);
    out->user = copy_text(c, o->user);
}

weir_process_options *weir__process_options_copy(const weir_process_options *options)
{
    struct copier c = {.used = sizeof *options};
    weir_process_options measured = *options, *out;

    copy_all(&c, options, &measured);
    c.memory = malloc(c.used);
    if (c.memory == NULL)
        return NULL;
    c.used = sizeof *options;
    out = (weir_process_options *)(void *)c.memory;
    *out = *options;
    copy_all(&c, options, out);
    if (out->stop_signal == 0)
        out->stop_signal = SIGTERM;
    if (out->grace.ns == 0)
        out->grace = grace_default;
    return out;
}
