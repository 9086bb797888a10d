/* SPDX-License-Identifier: MIT */
#include "config/listen.h"

#include <string.h>

#include <weir/address.h>

#include "config/address.h"
#include "config/schema.h"
#include "config/tls.h"

enum { LISTENERS_MAX = 64, ADMIN_HOSTS_MAX = 64, SYSTEMD_NAME_MAX = 100 };
static const char systemd[] = "systemd:";

static void check_listener(struct config_reader *reader, const struct config_address *list, size_t n)
{
    const struct config_address *last = &list[n];

    for (size_t i = 0; i < n; i++) {
        if (!address_collides(&list[i], last))
            continue;
        config_fault(reader->faults, last->place,
                     "listen has '%s', expected an address of its own; '%s' in line %u takes it", last->text,
                     list[i].text, list[i].place.line);
        return;
    }
}

/* A listener that is written as a map. */
struct draft {
    const struct tree_node *address, *tls;
    bool proxy_protocol;
};

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key listener_keys[] = {
    {"address", SCHEMA_CUSTOM, AT(address), .read = schema_keep_node,
     .required = "HOST:PORT, [IPV6]:PORT, unix:PATH or systemd:NAME"},
    {"tls", SCHEMA_CUSTOM, AT(tls), .read = schema_keep_node},
    {"proxy_protocol", SCHEMA_BOOL, AT(proxy_protocol), .fallback = "false"},
};
#undef AT
static const struct schema listener_schema = {.name = "listen", SCHEMA_KEYS(listener_keys)};

/* Reads "systemd:NAME": sd_listen_fds_with_names(3) says what a name may be. */
static bool read_systemd(struct config_reader *reader, const struct tree_node *node, const char *what,
                         struct config_address *out)
{
    const char *name = node->text + sizeof systemd - 1;

    if (name[0] == '\0' || strlen(name) > SYSTEMD_NAME_MAX || strchr(name, ':') != NULL) {
        fault_value(reader, node, what,
                    "systemd:NAME, the name of a socket unit or its FileDescriptorName=, without a colon");
        return false;
    }
    *out = (struct config_address){.text = node->text, .systemd = name, .place = node->place};
    return true;
}

static bool read_address(struct config_reader *reader, const struct tree_node *node, const char *what,
                         struct config_address *out)
{
    if (node->type == TREE_SCALAR && !node->faulty && strncmp(node->text, systemd, sizeof systemd - 1) == 0)
        return read_systemd(reader, node, what, out);
    return address_read(reader, node, what, out);
}

static bool read_listener(struct config_reader *reader, const struct tree_node *node,
                          struct config_address *out)
{
    struct draft draft = {0};
    bool good;

    if (!node_is_text_or(reader, node, TREE_MAP, "listen", "HOST:PORT, unix:PATH, or a mapping with address"))
        return false;
    if (node->type != TREE_MAP)
        return read_address(reader, node, "listen", out);
    if (!schema_read(reader, &listener_schema, node, &draft))
        return false;
    good = draft.address != NULL && read_address(reader, draft.address, "listen.address", out);
    out->proxy_protocol = draft.proxy_protocol;
    if (draft.tls != NULL)
        out->tls = tls_server_read(reader, draft.tls);
    return good;
}

void listen_read(struct config_reader *reader, const struct tree_node *node, struct config *config)
{
    const bool one = node->type != TREE_LIST;
    const size_t count = one ? 1 : node->count;
    struct config_address *list;

    if (node->faulty)
        return;
    if (count == 0 || count > LISTENERS_MAX) {
        config_fault(reader->faults, node->place, "listen has %zu entries, expected 1 to %d", count,
                     LISTENERS_MAX);
        return;
    }
    list = config_take(reader->memory, count * sizeof *list);
    if (list == NULL)
        return;
    config->listen = list;
    for (const struct tree_node *item = one ? node : node->first; item != NULL;
         item = one ? NULL : item->next) {
        if (!read_listener(reader, item, &list[config->listen_count]))
            continue;
        check_listener(reader, list, config->listen_count);
        config->listen_count++;
    }
}

void admin_read(struct config_reader *reader, const struct tree_node *node, struct config *config)
{
    struct config_address *admin = config_take(reader->memory, sizeof *admin);

    if (admin == NULL || !address_read(reader, node, "admin", admin))
        return;
    config->admin = admin;
    for (size_t i = 0; i < config->listen_count; i++) {
        if (address_collides(&config->listen[i], admin)) {
            config_fault(reader->faults, node->place,
                         "admin is '%s', expected an address of its own; listen in line %u takes it",
                         admin->text, config->listen[i].place.line);
            return;
        }
    }
}

static bool is_host_name(const struct tree_node *node)
{
    weir_bytes host = weir_host_without_dot((weir_bytes){node->text, node->length});
    enum weir_host_type type = weir_host_type_of(host);

    return host.len == node->length && (type == WEIR_HOST_NAME || type == WEIR_HOST_IPV4);
}

void admin_hosts_read(struct config_reader *reader, const struct tree_node *node, struct config *config)
{
    static const char *const none[] = {NULL};
    const char **hosts;

    config->admin_hosts = none;
    if (node == NULL)
        return;
    if (config->admin == NULL && tree_find(config->tree, "admin") == NULL)
        config_fault(reader->faults, node->key_place, "admin_hosts is written without admin, expected both");
    if (!node_is_list(reader, node, "admin_hosts"))
        return;
    hosts = entries_take(reader, node, "admin_hosts", ADMIN_HOSTS_MAX, sizeof *hosts);
    if (hosts == NULL)
        return;
    config->admin_hosts = hosts;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        if (item->type == TREE_SCALAR && !item->faulty && is_host_name(item))
            *hosts++ = item->text;
        else
            fault_value(reader, item, "a name of admin_hosts", "a host's name, without a port");
    }
}
