/* SPDX-License-Identifier: MIT */
/* Two sets of options for the simulated kernel: one in which nothing goes wrong, one in which everything
 * does. */
#include "io/sim/sim.h"

enum { MICROSECOND = 1000, MILLISECOND = 1000000 };

struct weir__sim_options weir__sim_calm(void)
{
    return (struct weir__sim_options){
        .latency_min_ns = 20 * MICROSECOND,
        .latency_max_ns = 60 * MICROSECOND,
        .slow_ns = 50 * MILLISECOND,
        .retransmit_ns = 200 * MILLISECOND,
        .give_up_ns = (int64_t)924000 * MILLISECOND,
        .kernel_buffer_bytes = 65536,
        .connect_timeout_ns = (int64_t)127000 * MILLISECOND,
        .inline_per_million = 500000,
        .cancel_late_per_million = 100000,
        .cancel_max_ns = 10 * MICROSECOND,
    };
}

struct weir__sim_options weir__sim_rough(void)
{
    struct weir__sim_options o = weir__sim_calm();

    o.latency_min_ns = 10 * MICROSECOND;
    o.latency_max_ns = 5 * MILLISECOND;
    o.slow_per_million = 20000;
    o.loss_per_million = 10000;
    o.stall_per_million = 1000;
    o.reset_per_million = 5000;
    o.kernel_buffer_bytes = 4096;
    o.refuse_per_million = 20000;
    o.connect_stall_per_million = 5000;
    o.short_read_per_million = 300000;
    o.short_send_per_million = 200000;
    o.accept_emfile_per_million = 10000;
    o.cancel_late_per_million = 500000;
    o.cancel_max_ns = MILLISECOND;
    o.lent_max = 8;
    return o;
}
