/* Route patterns, and URL templates filled with what they caught.
 *
 * Threading: compiled patterns and templates are immutable: any number of threads may use one at once.
 *
 * A pattern is literal segments, {name} for one whole, non-empty segment, and perhaps a last star that takes
 * the rest, the bare prefix too: /files/… matches /files, /files/ and /files/a/b.
 */
#ifndef WEIR__HTTP_PATTERN_H
#define WEIR__HTTP_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/error.h>

enum {
    WEIR__HTTP_PARAMS_MAX = 8,
    WEIR__HTTP_PATTERN_PARTS_MAX = 2 * WEIR__HTTP_PARAMS_MAX + 1,
    WEIR__HTTP_PATTERN_BYTES_MAX = 255,
    WEIR__HTTP_TEMPLATE_PARTS_MAX = 2 * WEIR__HTTP_PARAMS_MAX + 1,
};

/* Where a pattern or template can't be understood. */
struct weir__http_pattern_fault {
    size_t at;           /* offset in its text */
    const char *message; /* static: what was wrong and what was expected */
};

struct weir__http_param {
    weir_bytes name;  /* points into the pattern */
    weir_bytes value; /* the segment as it came, still encoded */
    bool plain; /* value is plain text, not yet encoded: set only by callers who make parameters themselves */
};

struct weir__http_params {
    size_t count;
    struct weir__http_param item[WEIR__HTTP_PARAMS_MAX];
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
    char text[WEIR__HTTP_PATTERN_BYTES_MAX + 1];
};

/* Compiles a pattern. Literals are brought into the normal form of paths, so /%7Ea and /~a are the same
 * pattern.
 * Owns:    copies what it needs of text into out.
 * Returns: 0, or -WEIR_ECONFIG and fault is filled.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_pattern_compile(weir_bytes text, struct weir__http_pattern *out,
                                            struct weir__http_pattern_fault *fault);

/* Whether a path matches. `normal` comes from weir__http_path_normalize(path); parameters are spans of
 * `path`: each is passed on exactly as it came.
 * Owns:    params point into the pattern, normal and path. params may be NULL if nobody asks for them.
 * Returns: true, params filled; false, params undefined.
 * Where:   any thread.
 */
bool weir__http_pattern_match(const struct weir__http_pattern *pattern, weir_bytes normal, weir_bytes path,
                              struct weir__http_params *params);

/* A parameter by its name.
 * Returns: NULL if there is none.
 * Where:   any thread.
 */
const struct weir__http_param *weir__http_params_find(const struct weir__http_params *params,
                                                      weir_bytes name);

struct weir__http_template {
    weir_bytes text; /* lent: must outlive the template */
    struct {
        uint32_t at, len; /* in text: literal bytes, or the name of a parameter */
        bool param;
        bool query; /* stands behind the '?' */
    } part[WEIR__HTTP_TEMPLATE_PARTS_MAX];
    uint8_t part_count;
};

/* Compiles an absolute URL with {name}s in its path or query: http://h/users/{id}?q={id}. None may stand in
 * the authority: whom to call is never the client's word. `pattern` (may be NULL) is the route whose names
 * may be used.
 * Owns:    text is lent to out.
 * Returns: 0, or -WEIR_ECONFIG and fault is filled.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_template_compile(weir_bytes text, const struct weir__http_pattern *pattern,
                                             struct weir__http_template *out,
                                             struct weir__http_pattern_fault *fault);

/* Fills a template. A segment that came from a path is put in as it came, only that behind the '?' the
 * characters that would end a value there (& = + ; #) are escaped; plain values are percent-encoded.
 * Owns:    out is the caller's.
 * Returns: the bytes written to out; -EINVAL the result would hold a byte that can't stand in a URL (CR, LF,
 *          NUL, …), or a name is unknown; -WEIR_ETOOLARGE no room.
 * Where:   any thread.
 */
WEIR_CHECKED int weir__http_template_expand(const struct weir__http_template *t,
                                            const struct weir__http_params *params, char *out, size_t room);

#endif
