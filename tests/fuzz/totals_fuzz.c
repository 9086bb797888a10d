/* SPDX-License-Identifier: MIT */
/* Totals of a process, behind their head: what is accepted can be read to its end, and added up. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "metrics/sums.h"
#include "metrics/totals.h"

static void add_up(weir_buffer *totals)
{
    struct sums *sums;

    CHECK(sums_open(&sums) == 0);
    CHECK(sums_take(sums, 0, 1, totals) == 0);
    sums_add_up(sums, (weir_instant){1}, NULL);
    sums_end(sums, 0);
    sums_add_up(sums, (weir_instant){2}, NULL);
    sums_close(sums);
}

static void read_all(weir_bytes bytes)
{
    struct totals_row row;
    weir_meter meter = {0};
    size_t rows = 0;

    for (size_t at = totals_first(bytes), next; totals_read(bytes, at, &row, &next); at = next, rows++) {
        CHECK(next > at && next <= bytes.len);
        for (size_t i = 0; i < totals_shapes[row.part].keys; i++)
            CHECK(strlen(row.keys[i]) <= TOTALS_TEXT_BYTES_MAX);
        totals_meter_add(row.meter, &meter);
    }
    CHECK(rows <= TOTALS_ROWS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct totals_writer w;
    struct text_out out;

    text_out_init(&out, TOTALS_BYTES_MAX + 1000);
    totals_begin(&w, &out);
    text_out_bytes(&out, (const char *)data, size);
    CHECK(out.err == 0);
    if (totals_check(weir_buffer_bytes(&out.text)) == 0) {
        read_all(weir_buffer_bytes(&out.text));
        add_up(&out.text);
    }
    weir_buffer_free(&out.text);
    return 0;
}
