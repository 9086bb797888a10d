/* SPDX-License-Identifier: MIT */
#include "admin/findings_connections.h"

/* What is rarer than this is no incident: a balancer that checks our health opens a connection each second or
 * two, and closes it. */
static const int half_sent_least = 20;
static const uint64_t slow_least = 20, silent_least = 100, left_least = 600;

static bool is_incident(const struct finding_unserved *u)
{
    return u->half_sent >= half_sent_least || u->slow >= slow_least || u->silent >= silent_least ||
           u->left >= left_least || u->over >= slow_least;
}

static double impact_of(const struct finding_unserved *u, uint64_t requests)
{
    const uint64_t ended = u->slow + u->silent + u->left + u->over;
    const double now = u->connections > 0 ? (double)(u->half_sent + u->fresh) / (double)u->connections : 0;
    const double then = finding_share(ended, ended + requests);

    return now > then ? now : then;
}

static void say_addresses(struct finding *f, const struct finding_unserved *u)
{
    const char *before = ". From ";

    for (size_t i = 0; i < FINDING_CLIENTS && u->clients[i].address != NULL; i++) {
        const struct finding_client *c = &u->clients[i];
        finding_say(f, "%s%s: %d waiting, %llu ended", before, c->address, c->half_sent,
                    (unsigned long long)c->ended);
        before = "; ";
    }
}

void find_unserved(struct finding_list *list, const struct findings_input *in)
{
    const struct finding_unserved *u = &in->unserved;
    struct finding *f;

    if (!is_incident(u))
        return;
    f = finding_add(list, "connections", u->clients[0].address != NULL ? u->clients[0].address : "",
                    impact_of(u, in->refused.requests));
    if (f == NULL)
        return;
    if (u->half_sent > 0)
        finding_say(f, "%d of %d connections have sent only a part of a request's head", u->half_sent,
                    u->connections);
    else
        finding_say(f, "Connections come without a request");
    if (u->slow + u->silent + u->left > 0)
        finding_say(f,
                    "; in the last minute %llu ended in the middle of a head (408 after %.3g s), %llu "
                    "without a byte, and %llu were closed by the client",
                    (unsigned long long)u->slow, u->head_timeout_s, (unsigned long long)u->silent,
                    (unsigned long long)u->left);
    say_addresses(f, u);
    if (u->over > 0)
        finding_say(f, ". %llu more were refused, because their client had %d (connections_per_client)",
                    (unsigned long long)u->over, u->per_client_max);
    finding_say(
        f,
        ". They count towards the %d of limits: {connections: …}: a shorter head_timeout ends them sooner%s",
        u->connections_max,
        u->per_client_max > 0 ? "" : ", and connections_per_client limits the connections of one address");
    finding_number(f, "half_sent", u->half_sent);
    finding_number(f, "fresh", u->fresh);
    finding_number(f, "connections", u->connections);
    finding_number(f, "head_timeouts", (double)u->slow);
    finding_number(f, "idle_timeouts", (double)u->silent);
    finding_number(f, "left", (double)u->left);
    finding_number(f, "over_limit", (double)u->over);
}
