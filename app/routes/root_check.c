/* SPDX-License-Identifier: MIT */
#include "routes/root_check.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "http/rooted_open.h"

static const char by_steps[] = "openat2 is refused to this process (by its container?), so files are opened "
                               "step by step, which is slower";

void root_check(const char *key, const char *root, struct config_place place, struct config_faults *faults,
                struct config_faults *warnings)
{
    int fd = rooted_open_root(root);

    if (fd < 0) {
        config_fault(faults, place, "%s is '%s', which cannot be opened: %s; expected a folder of files", key,
                     root, weir_error_text(fd));
        return;
    }
    if (faccessat(fd, ".", X_OK, AT_EACCESS) < 0)
        config_fault(
            faults, place,
            "%s is '%s', below which nothing can be opened: %s; expected a folder that this user may "
            "search",
            key, root, weir_error_text(-errno));
    if (!rooted_open_is_one_call(fd) && !config_faults_say(warnings, by_steps))
        config_fault(warnings, place, "%s", by_steps);
    (void)close(fd);
}
