/* SPDX-License-Identifier: MIT */
/* Trailers, read as server and client do: the input stands behind the last chunk. In one piece and byte by
 * byte the lines are the same, and what is split out of them could be sent again and is then read the same.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "http/message/chars.h"
#include "http/message/chunked.h"
#include "http/message/trailers.h"

enum { INPUT_MAX = 3 * WEIR__HTTP_TRAILER_BYTES_MAX, FIELDS_MAX = WEIR__HTTP_TRAILER_BYTES_MAX / 2 };

struct outcome {
    int last; /* the step or error it ended with */
    size_t used, len;
    char lines[2 * WEIR__HTTP_TRAILER_BYTES_MAX]; /* the maximum does not count LFs */
};

static void decode(const char *data, size_t len, size_t piece, struct outcome *out)
{
    struct weir__http_chunked d = {.keeps_trailers = true};
    weir_bytes run;
    size_t used;

    out->used = out->len = 0;
    out->last = weir__http_chunked_next(&d, "0\r\n", 3, &used, &run);
    CHECK(out->last == WEIR__HTTP_CHUNK_MORE && used == 3 && run.len == 0);
    while (out->used < len && out->last >= 0 && out->last != WEIR__HTTP_CHUNK_END) {
        size_t here = len - out->used < piece ? len - out->used : piece;

        out->last = weir__http_chunked_next(&d, data + out->used, here, &used, &run);
        CHECK(used > 0 && used <= here && run.len <= used);
        CHECK(out->last != WEIR__HTTP_CHUNK_DATA && out->last != WEIR__HTTP_CHUNK_MORE);
        CHECK((out->last < 0) == (d.fault != NULL));
        CHECK(out->last != WEIR__HTTP_CHUNK_TRAILERS || used == here);
        out->used += used;
        CHECK(out->len + run.len <= sizeof out->lines);
        if (run.len > 0)
            memcpy(out->lines + out->len, run.data, run.len);
        out->len += run.len;
    }
}

static void check_field(const struct weir__http_field *f, weir_bytes lines)
{
    CHECK(f->name.len > 0 && f->name.data >= lines.data);
    CHECK(f->value.data > f->name.data + f->name.len &&
          f->value.data + f->value.len < lines.data + lines.len);
    CHECK(weir__http_is_trailer(f->name));
    for (size_t i = 0; i < f->name.len; i++)
        CHECK(weir__http_char_is(f->name.data[i], WEIR__HTTP_TCHAR));
    for (size_t i = 0; i < f->value.len; i++)
        CHECK(weir__http_char_is(f->value.data[i], WEIR__HTTP_VCHAR));
    if (f->value.len > 0)
        CHECK(strchr(" \t", f->value.data[0]) == NULL &&
              strchr(" \t", f->value.data[f->value.len - 1]) == NULL);
}

static size_t append(char *out, size_t at, weir_bytes text)
{
    memcpy(out + at, text.data, text.len);
    return at + text.len;
}

/* Writes fields as they are sent. Returns: the length. */
static size_t write_again(const struct weir__http_field *fields, size_t count, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        len = append(out, len, fields[i].name);
        len = append(out, len, weir_bytes_of(": "));
        len = append(out, len, fields[i].value);
        len = append(out, len, weir_bytes_of("\r\n"));
    }
    return append(out, len, weir_bytes_of("\r\n"));
}

static void split(weir_bytes lines)
{
    static struct weir__http_field fields[FIELDS_MAX], again[FIELDS_MAX];
    static char text[4 * WEIR__HTTP_TRAILER_BYTES_MAX];
    size_t count = weir__http_trailers_split(lines, fields, FIELDS_MAX), len;

    CHECK(count <= FIELDS_MAX && weir__http_trailers_split(lines, NULL, 0) == count);
    for (size_t i = 0; i < count; i++)
        check_field(&fields[i], lines);
    len = write_again(fields, count, text);
    CHECK(weir__http_trailers_split((weir_bytes){text, len}, again, FIELDS_MAX) == count);
    for (size_t i = 0; i < count; i++)
        CHECK(weir_bytes_equal(fields[i].name, again[i].name) &&
              weir_bytes_equal(fields[i].value, again[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct outcome whole, single;

    if (size > INPUT_MAX)
        return 0;
    decode((const char *)bytes, size, SIZE_MAX, &whole);
    decode((const char *)bytes, size, 1, &single);
    CHECK(whole.last == single.last && whole.used == single.used);
    if (whole.last < 0)
        return 0;
    CHECK(whole.len == single.len && memcmp(whole.lines, single.lines, whole.len) == 0);
    CHECK(whole.len == whole.used && memcmp(whole.lines, bytes, whole.len) == 0);
    if (whole.last == WEIR__HTTP_CHUNK_END)
        split((weir_bytes){whole.lines, whole.len});
    return 0;
}
