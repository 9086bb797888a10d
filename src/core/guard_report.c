#include "core/guard_report.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <weir/guard.h>
#include <weir/log.h>

#include "core/guard_calls.h"

enum { STACK_TEXT_BYTES = 1024 };

/* Of a return address: the call stands just before it. */
void weir_guard_frame(const void *address, char *text, size_t room)
{
    Dl_info info;
    const char *call = (const char *)address - 1;
    const char *module;

    if (dladdr(call, &info) == 0) {
        snprintf(text, room, "%p", address);
        return;
    }
    module = strrchr(info.dli_fname, '/');
    module = module != NULL ? module + 1 : info.dli_fname;
    if (info.dli_sname != NULL)
        snprintf(text, room, "%s", info.dli_sname);
    else
        snprintf(text, room, "%s+0x%zx", module, (size_t)(call - (const char *)info.dli_fbase));
}

static void add_frame(char *text, size_t room, const void *address)
{
    size_t used = strlen(text);

    if (used > 0)
        used += (size_t)snprintf(text + used, room - used, " < ");
    if (used < room)
        weir_guard_frame(address, text + used, room - used);
}

void weir__guard_report(const struct weir__place *place)
{
    char stack[STACK_TEXT_BYTES] = "";

    for (unsigned i = 0; i < place->depth; i++)
        add_frame(stack, sizeof stack, place->stack[i]);
    weir_log(WEIR_LOG_WARN,
             place->waited != NULL ? "a task waits with a lock held" : "a task holds up its loop",
             WEIR_KV(place->waited != NULL ? "taken_by" : "call", weir_guard_name((size_t)place->call)),
             WEIR_KV("task", place->task), place->has_route ? WEIR_KV("route", place->route) : weir_kv_none(),
             place->waited != NULL ? WEIR_KV("waits_for", place->waited) : weir_kv_none(),
             WEIR_KV("stack", stack), WEIR_KV("hint", weir__guard_call_hint(place->call)));
}
