/* SPDX-License-Identifier: MIT */
#include "config/guard.h"

#include <string.h>

#include <weir/guard.h>

enum { NAMES_MAX = 256 };

static bool is_in(const char *const *names, const char *name)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

static void read_allow(struct config_reader *reader, const struct tree_node *node, void *member)
{
    const char *known[NAMES_MAX + 1] = {NULL};
    const char **names;

    for (size_t i = 0; i < NAMES_MAX && weir_guard_call_name(i) != NULL; i++)
        known[i] = weir_guard_call_name(i);
    if (!node_is_list(reader, node, "guard.allow"))
        return;
    names = entries_take(reader, node, "guard.allow", NAMES_MAX, sizeof *names);
    if (names == NULL)
        return;
    *(const char *const **)member = names;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        if (!node_is_text(reader, item, "guard.allow"))
            continue;
        if (is_in(known, item->text))
            *names++ = item->text;
        else
            fault_unknown(reader, item->place, "call", item->text, "guard.allow", known);
    }
}

static const char *const modes[] = {"off", "count", "warn", "abort", NULL};

#define AT(member) .offset = offsetof(struct config_guard, member)
static const struct schema_key keys[] = {
    {"mode", SCHEMA_CHOICE, AT(mode), .fallback = "count", .choices = modes},
    {"allow", SCHEMA_CUSTOM, AT(allow), .read = read_allow},
};
#undef AT
const struct schema config_guard_schema = {.name = "guard", SCHEMA_KEYS(keys)};

int config_guard_apply(const struct config_guard *guard)
{
    static const enum weir_guard_mode mode_of[] = {
        [CONFIG_GUARD_OFF] = WEIR_GUARD_OFF,
        [CONFIG_GUARD_COUNT] = WEIR_GUARD_COUNT,
        [CONFIG_GUARD_WARN] = WEIR_GUARD_WARN,
        [CONFIG_GUARD_ABORT] = WEIR_GUARD_ABORT,
    };
    const weir_guard_options options = {.mode = mode_of[guard->mode], .allow = guard->allow};

    return weir_guard_configure(&options);
}
