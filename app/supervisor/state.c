/* SPDX-License-Identifier: MIT */
#include "supervisor/state.h"

#include <stdlib.h>

#include <weir/log.h>

#include "http/listening.h"

void supervisor_end(struct supervisor *s)
{
    const struct config *config = &s->in_force->config;

    if (s->asked++ == 0) {
        s->phase = SUPERVISOR_DRAINING;
        notify_stopping(s->notify, "draining");
        listeners_keep(s->listeners, NULL);
        processes_drain(&s->processes);
        weir_event_set(&s->drains);
        /* When this is read, the pages say so, too. */
        weir_log(WEIR_LOG_INFO, "draining", WEIR_KV_DURATION("at_most", config->drain));
    } else if (s->asked == 2) {
        weir_log(WEIR_LOG_INFO, "ending at once");
        processes_hurry(&s->processes);
        applications_hurry(&s->applications);
    }
}

static bool is_among(int fd, const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] == fd)
            return true;
    return false;
}

void supervisor_announce(struct supervisor *s, const struct config *config, int *listeners)
{
    for (size_t i = 0; i < config->listen_count; i++)
        if (s->announced == NULL || !is_among(listeners[i], s->announced, s->announced_count))
            log_listening("gateway", listeners_address(s->listeners, listeners[i]));
    free(s->announced);
    s->announced = listeners;
    s->announced_count = config->listen_count;
}
