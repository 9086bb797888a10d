/* SPDX-License-Identifier: MIT */
/* Exhaustion of descriptors on demand, of the process or of the simulated kernel.
 *
 * Threading: in a task; affects the whole process.
 */
#ifndef TEST_SUPPORT_DESCRIPTORS_H
#define TEST_SUPPORT_DESCRIPTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/loop.h"
#include "core/runtime.h"
#include "core/task.h"
#include "io/sim/sim.h"

/* Lets so many descriptors be opened from now on; < 0: as many as before the first call. There should be no
 * gaps between those that are open: what is closed above the new limit makes no room. */
static inline void leave_descriptors(int free_ones)
{
    static struct rlimit usual;
    const struct weir__loop *loop = weir__task_current()->loop;
    struct weir__sim_options o;
    struct rlimit few;
    int lowest;

    if (loop->runtime->options.io == WEIR_IO_SIM) {
        o = weir__sim_calm();
        o.files_max = free_ones < 0 ? 0 : weir__sim_stats(loop->io).open_files + (uint32_t)free_ones;
        weir__sim_configure(loop->io, &o);
        return;
    }
    if (usual.rlim_max == 0)
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    if (free_ones < 0)
        return;
    few = usual;
    lowest = dup(0);
    assert_true(lowest >= 0);
    close(lowest);
    few.rlim_cur = (rlim_t)(lowest + free_ones);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

#endif
