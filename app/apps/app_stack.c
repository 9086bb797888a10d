/* SPDX-License-Identifier: MIT */
#include "apps/app_stack.h"

#include <stdio.h>
#include <string.h>

struct words {
    const char *at;
    size_t length;
};

/* --- pieces of text that are not ended by a NUL --- */

static bool begins_with(struct words text, const char *what)
{
    size_t n = strlen(what);

    return text.length >= n && memcmp(text.at, what, n) == 0;
}

static struct words skip(struct words text, size_t n)
{
    return (struct words){text.at + n, text.length - n};
}

static const char *find(struct words text, const char *what)
{
    return memmem(text.at, text.length, what, strlen(what));
}

/* Takes the next line off text; false: there is no whole one. */
static bool next_line(struct words *text, struct words *line)
{
    const char *end = memchr(text->at, '\n', text->length);

    if (end == NULL)
        return false;
    *line = (struct words){text->at, (size_t)(end - text->at)};
    *text = skip(*text, line->length + 1);
    return true;
}

/* Keeps the end of what is too long: of a path, that says more. */
static void keep(struct words text, char *out, size_t room)
{
    size_t n = 0;

    if (text.length >= room)
        text = skip(text, text.length - (room - 1));
    for (; n < text.length; n++)
        out[n] = text.at[n] >= ' ' && text.at[n] < 0x7f ? text.at[n] : '?';
    out[n] = '\0';
}

/* --- a frame --- */

/* Where packages of a language lie: what comes after is told, and is not the application's own. */
static const char *after_packages(struct words file)
{
    static const char *const folders[] = {"/site-packages/", "/dist-packages/", "/node_modules/"};

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        const char *at = find(file, folders[i]);
        if (at != NULL)
            return at + strlen(folders[i]);
    }
    return NULL;
}

static const char *after_folder(struct words file, const char *folder)
{
    size_t n = strlen(folder);

    while (n > 0 && folder[n - 1] == '/')
        n--;
    if (file.length <= n + 1 || memcmp(file.at, folder, n) != 0 || file.at[n] != '/')
        return NULL;
    return file.at + n + 1;
}

/* The last folder and the name. */
static const char *after_all_but_two(struct words file)
{
    int slashes = 0;

    for (const char *at = file.at + file.length; at > file.at; at--)
        if (at[-1] == '/' && ++slashes == 2)
            return at;
    return file.at;
}

static void keep_file(struct words file, const char *folder, struct app_frame *frame)
{
    const char *from = after_packages(file), *inside = after_folder(file, folder);

    frame->own = from == NULL && (inside != NULL || file.at[0] != '/') && !begins_with(file, "node:") &&
                 file.at[0] != '<';
    if (from == NULL)
        from = inside != NULL ? inside : after_all_but_two(file);
    keep(skip(file, (size_t)(from - file.at)), frame->file, sizeof frame->file);
}

/* '  File "PATH", line N in FUNCTION' */
static bool read_frame(struct words line, const char *folder, struct app_frame *out)
{
    static const char opening[] = "  File \"", between[] = "\", line ";
    const char *end;
    int digits = 0;

    *out = (struct app_frame){0};
    if (!begins_with(line, opening))
        return false;
    line = skip(line, sizeof opening - 1);
    end = find(line, between);
    if (end == NULL || end == line.at)
        return false;
    keep_file((struct words){line.at, (size_t)(end - line.at)}, folder, out);
    line = skip(line, (size_t)(end - line.at) + sizeof between - 1);
    for (; line.length > 0 && *line.at >= '0' && *line.at <= '9' && digits < 8;
         line = skip(line, 1), digits++)
        out->line = out->line * 10 + (*line.at - '0');
    if (!begins_with(line, " in "))
        return false;
    line = skip(line, 4);
    if (line.length >= sizeof out->function)
        line.length = sizeof out->function - 1;
    keep(line, out->function, sizeof out->function);
    return true;
}

/* --- the stack --- */

/* What follows the line that says which thread is the current one. */
static struct words current_thread(struct words text)
{
    const char *at = find(text, "Current thread 0x");

    if (at != NULL && (at == text.at || at[-1] == '\n'))
        text = skip(text, (size_t)(at - text.at));
    return text;
}

/* Modules in which a thread waits for work: those of Python, and of Node's timers and polling there are none.
 */
static bool is_idle(const struct app_frame *frame)
{
    static const char *const places[] = {"selectors.py", "asyncore.py"};
    const char *slash = strrchr(frame->file, '/');
    const char *name = slash != NULL ? slash + 1 : frame->file;

    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (!frame->own && strcmp(name, places[i]) == 0)
            return true;
    return false;
}

void app_stack_read(const char *text, size_t length, const char *folder, struct app_stack *out)
{
    struct words rest = current_thread((struct words){text, length}), line;
    bool own = false;

    *out = (struct app_stack){0};
    while (out->depth < APP_STACK_FRAMES_MAX && next_line(&rest, &line)) {
        struct app_frame *frame = &out->frames[out->depth];
        if (!read_frame(line, folder, frame)) {
            if (out->depth > 0)
                break;
            continue;
        }
        if (frame->own && !own)
            out->culprit = out->depth;
        own |= frame->own;
        out->depth++;
    }
    out->idle = out->depth > 0 && is_idle(&out->frames[0]);
}
