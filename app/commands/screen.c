/* SPDX-License-Identifier: MIT */
#include "commands/screen.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <weir/scope.h>

#include "commands/commands.h"
#include "commands/output.h"
#include "text/terminal_text.h"

/* Writes a frame, for a second at most, since keys or a signal may come meanwhile. The rest can be left out:
 * the next frame is whole. */
static void write_frame(const char *data, size_t bytes)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_after(weir_seconds(1)), 0);
    (void)!output_write(data, bytes);
    (void)weir_scope_close(&scope);
}

void screen_enter(struct screen *screen)
{
    static const char begin[] = "\033[?1049h\033[?25l\033[2J";

    if (screen->entered)
        return;
    screen->has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &screen->before) == 0;
    if (screen->has_keys) {
        struct termios keys = screen->before;
        keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        keys.c_cc[VMIN] = 1;
        keys.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    }
    screen->entered = true;
    write_frame(begin, sizeof begin - 1);
}

void screen_leave(struct screen *screen)
{
    static const char end[] = "\033[0m\033[?25h\033[?1049l";
    bool all;

    if (!screen->entered)
        return;
    screen->entered = false;
    all = output_write_last(end, sizeof end - 1);
    if (screen->has_keys)
        tcsetattr(STDIN_FILENO, all ? TCSADRAIN : TCSANOW, &screen->before);
}

/* Each line ends by clearing the rest of the last frame's line, which flickers less than clearing the screen.
 */
void screen_draw(struct screen *screen, weir_bytes frame)
{
    weir_buffer out;
    int err;

    if (!screen->entered)
        return;
    weir_buffer_init(&out, 2 * frame.len + 64);
    err = weir_buffer_append_text(&out, "\033[H");
    for (size_t at = 0; err == 0 && at < frame.len;) {
        const char *end = memchr(frame.data + at, '\n', frame.len - at);
        size_t length = (end != NULL ? (size_t)(end - frame.data) : frame.len) - at;
        const bool last = at + length + 1 >= frame.len;
        err = weir_buffer_append(&out, frame.data + at, length);
        if (err == 0)
            err = weir_buffer_append_text(&out, last ? "\033[K" : "\033[K\n");
        at += length + 1;
    }
    if (err == 0)
        err = weir_buffer_append_text(&out, "\033[J");
    if (err == 0)
        write_frame(out.data, out.len);
    weir_buffer_free(&out);
}

bool screen_size(int *columns, int *rows)
{
    struct winsize size;

    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return false;
    *columns = size.ws_col ? size.ws_col : 80;
    *rows = size.ws_row ? size.ws_row : 24;
    return true;
}

bool screen_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && *value)
            return strcasestr(value, "UTF-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

bool screen_wants_colours(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no_color != NULL && *no_color) &&
           !(term != NULL && strcmp(term, "dumb") == 0);
}

void screen_text_begin(struct terminal_text *out, size_t bytes_max)
{
    terminal_text_init(out, bytes_max);
    out->styled = screen_wants_colours();
    out->utf8 = screen_is_utf8();
}

int screen_text_print(struct terminal_text *out)
{
    const weir_buffer *text = &out->text.text;
    const int code = out->text.err == 0 ? output_print(text->data, text->len) : EXIT_FAILED;

    weir_buffer_free(&out->text.text);
    return code;
}
