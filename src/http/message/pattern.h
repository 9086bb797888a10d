/* SPDX-License-Identifier: MIT */
/* Route patterns: which paths a route takes, and the parameters in them.
 *
 * Threading: compiled patterns are immutable: any number of threads may use one at once.
 */
#ifndef WEIR__HTTP_MESSAGE_PATTERN_H
#define WEIR__HTTP_MESSAGE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>
#include <weir/http_text.h>

enum { WEIR__HTTP_PATTERN_PARTS_MAX = 2 * WEIR_PARAMS_MAX + 1 };

struct weir__http_param {
    weir_bytes name;  /* points into the pattern */
    weir_bytes value; /* the segment as it came, still encoded */
};

struct weir__http_params {
    size_t count;
    struct weir__http_param item[WEIR_PARAMS_MAX];
    weir_bytes rest; /* what the last star took of the normal path, without the '/' before it */
};

struct weir__http_pattern {
    struct {
        uint8_t at, len; /* in text: literal bytes with their slashes, or the name of a parameter */
        bool param;
        uint8_t segment; /* of a parameter: which segment of the path it is */
    } part[WEIR__HTTP_PATTERN_PARTS_MAX];
    uint8_t part_count;
    uint8_t param_count;
    bool star;
    char text[WEIR_PATTERN_BYTES_MAX + 1];
};

/* Compiles a pattern of the grammar of weir_pattern_check(). Escapes get upper-case digits, as in the normal
 * form of paths.
 * Owns:    copies what it needs of text into out. fault may be NULL.
 * Returns: 0; -EINVAL, and fault is filled.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_pattern_compile(weir_bytes text, struct weir__http_pattern *out,
                                            weir_text_fault *fault);

/* Whether a path matches. `normal` is the result of weir__http_path_normalize(path). Parameters are spans of
 * `path`, so that each is passed on exactly as it came.
 * Owns:    params point into the pattern, normal and path. params may be NULL.
 * Returns: true, params filled; false, params undefined.
 * Where:   any thread.
 */
bool weir__http_pattern_match(const struct weir__http_pattern *pattern, weir_bytes normal, weir_bytes path,
                              struct weir__http_params *params);

/* Whether a parameter or the star of a pattern takes something that another server may read as a dot segment
 * or a separator: "." or ".." as a part of a segment that ends at ';' (parameters of a servlet), "%2F", "%5C"
 * or '\\' (a separator once it is decoded).
 * Where:   any thread.
 */
bool weir__http_path_has_dots(weir_bytes normal);

static inline bool weir__http_pattern_catches_dots(const struct weir__http_pattern *pattern,
                                                   weir_bytes normal)
{
    return (pattern->param_count > 0 || pattern->star) && weir__http_path_has_dots(normal);
}

/* Finds a parameter by its name.
 * Returns: NULL if there is none.
 * Where:   any thread.
 */
const struct weir__http_param *weir__http_params_find(const struct weir__http_params *params,
                                                      weir_bytes name);

#endif
