/* SPDX-License-Identifier: MIT */
#include "core/account/lag.h"

/* Of a long wait at most so many instants are taken one by one; of a longer one every second, third … counts
 * for several. */
enum { TAKEN_MAX = 1024 };

static int64_t count_before(const struct weir__lag *lag, int64_t ns)
{
    return ns <= lag->next_ns ? 0 : (ns - lag->next_ns + WEIR__LAG_EVERY_NS - 1) / WEIR__LAG_EVERY_NS;
}

void weir__lag_take(struct weir__lag *lag, int64_t now_ns)
{
    int64_t in_time = count_before(lag, lag->late_ns), late, each;

    if (in_time > 0)
        weir_meter_record_many(&lag->meter, (weir_duration){0}, (uint64_t)in_time);
    lag->next_ns += in_time * WEIR__LAG_EVERY_NS;
    late = count_before(lag, now_ns + 1);
    each = 1 + late / TAKEN_MAX;
    for (; late > 0; late -= each) {
        int64_t taken = late < each ? late : each;
        weir_meter_record_many(&lag->meter, (weir_duration){now_ns - lag->next_ns}, (uint64_t)taken);
        lag->next_ns += taken * WEIR__LAG_EVERY_NS;
    }
}
