/* SPDX-License-Identifier: MIT */
#include <weir/text.h>

#include <stdbool.h>
#include <string.h>

#define WORD_MAX 63 /* longer words are not compared: no key and no name is longer */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Returns: the edits between a and b (optimal string alignment), of na and nb letters, at most WORD_MAX each. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][WORD_MAX + 1]; /* row i % 3: distances from the first i letters of a to each prefix of b */
    for (size_t j = 0; j <= nb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = min(min(above[j], row[j - 1]) + 1, above[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = min(row[j], rows[(i + 1) % 3][j - 2] + 1);
        }
    }
    return rows[na % 3][nb];
}

const char *weir_text_nearest(const char *word, const char *const *candidates, size_t n)
{
    size_t length = strlen(word);
    size_t limit;
    const char *nearest;

    if (length > WORD_MAX)
        return NULL;
    limit = length / 3 > 0 ? length / 3 : 1;
    nearest = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t other = candidates[i] != NULL ? strlen(candidates[i]) : SIZE_MAX;
        size_t edits;

        if (other > WORD_MAX)
            continue;
        edits = distance(word, length, candidates[i], other);
        /* Words that share no letter are not close, however short. */
        if (edits > limit || (edits > 0 && edits >= (length > other ? length : other)))
            continue;
        nearest = candidates[i];
        if (edits == 0)
            break;
        limit = edits - 1;
    }
    return nearest;
}
