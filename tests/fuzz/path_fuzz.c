/* SPDX-License-Identifier: MIT */
/* Targets, paths and patterns: the normal form is normal, and what a route catches lies within the path. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "http/message/pattern.h"
#include "http/message/target.h"
#include "http/plain_path.h"
#include "http/rooted_open.h"

static void match_all(weir_bytes normal, weir_bytes path)
{
    static const char *const texts[] = {"/a/{x}/{y}", "/{x}/*", "/*", "/files/*", "/{x}.txt/a"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct weir__http_pattern pattern;
        struct weir__http_params params;
        if (weir__http_pattern_compile(weir_bytes_of(texts[i]), &pattern, NULL) < 0 ||
            !weir__http_pattern_match(&pattern, normal, path, &params))
            continue;
        for (size_t k = 0; k < params.count; k++) {
            weir_bytes value = params.item[k].value;
            CHECK(value.len > 0 && memchr(value.data, '/', value.len) == NULL);
            CHECK(value.data >= path.data && value.data + value.len <= path.data + path.len);
        }
    }
}

/* A path with resolved dot segments has the same normal form. */
static void resolve(weir_bytes path, weir_bytes normal)
{
    char room[4096], room_again[4096];
    weir_bytes resolved = {room, weir__http_path_resolve(path, room)}, again;
    struct weir__http_fault fault = {0};

    if (resolved.len == 0)
        resolved = path;
    CHECK(resolved.len <= path.len);
    CHECK(weir__http_path_normalize(resolved, room_again, sizeof room_again, &again, &fault) == 0);
    CHECK(weir_bytes_equal(again, normal));
    CHECK(weir__http_path_resolve(resolved, room_again) == 0);
}

/* The plain spelling of a path is normal, has no other, and names the same file. */
static void spell(weir_bytes normal)
{
    static char path[4097], plain[3 * 4096 + 1], again[3 * 4096 + 1], room[3 * 4096], file[4097], same[4097];
    struct weir__http_fault fault = {0};
    weir_bytes renormal;
    int found;

    memcpy(path, normal.data, normal.len);
    path[normal.len] = '\0';
    plain_path_write(path, plain);
    plain_path_write(plain, again);
    CHECK(strcmp(plain, again) == 0);
    CHECK(weir__http_path_normalize(weir_bytes_of(plain), room, sizeof room, &renormal, &fault) == 0);
    CHECK(weir_bytes_equal(renormal, weir_bytes_of(plain)));
    found = rooted_open_path(weir_bytes_of(path + 1), NULL, file);
    CHECK(rooted_open_path(weir_bytes_of(plain + 1), NULL, same) == found &&
          (found < 0 || strcmp(file, same) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char room[4096], room_again[4096];
    struct weir__http_target target;
    struct weir__http_fault fault = {0};
    weir_bytes text = {(const char *)bytes, size}, normal, again;

    if (size == 0 || size > sizeof room)
        return 0;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] <= ' ' || bytes[i] >= 0x7f)
            return 0; /* a head with such a target is refused before */
    if (weir__http_target_parse(text, &target, &fault) < 0) {
        CHECK(fault.status >= 400 && fault.message != NULL);
        return 0;
    }
    if (target.form == WEIR__HTTP_ASTERISK_FORM)
        return 0;
    CHECK(target.path.len > 0 && target.path.data[0] == '/');
    if (weir__http_path_normalize(target.path, room, sizeof room, &normal, &fault) < 0) {
        CHECK(fault.status >= 400 && fault.message != NULL);
        return 0;
    }
    CHECK(normal.len > 0 && normal.len <= target.path.len && normal.data[0] == '/');
    CHECK(weir__http_path_normalize(normal, room_again, sizeof room_again, &again, &fault) == 0);
    CHECK(weir_bytes_equal(normal, again));
    CHECK(memmem(normal.data, normal.len, "/../", 4) == NULL &&
          memmem(normal.data, normal.len, "/./", 3) == NULL);
    match_all(normal, target.path);
    resolve(target.path, normal);
    spell(normal);
    return 0;
}
