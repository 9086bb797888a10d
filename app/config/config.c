/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/address.h"
#include "config/arena.h"
#include "config/pool.h"
#include "config/route.h"
#include "config/schema.h"
#include "config/yaml_tree.h"

enum { LISTENERS_MAX = 64, ADMIN_HOSTS_MAX = 64 };

/* --- the keys --- */

static const char *const io_names[] = {"auto", "uring", "epoll", NULL};
static const char *const log_names[] = {"text", "json", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const stall_actions[] = {"log", "abort", NULL};

#define AT(member) .offset = offsetof(struct config_limits, member)
static const struct schema_key limits_keys[] = {
    {"head", SCHEMA_SIZE, AT(head_bytes), .fallback = "16KiB", .min = 256, .max = 1 << 20},
    {"headers", SCHEMA_INT, AT(headers), .fallback = "100", .min = 1, .max = 1000},
    {"body", SCHEMA_SIZE, AT(body_bytes), .fallback = "1MiB", .min = 1},
    {"reply", SCHEMA_SIZE, AT(reply_bytes), .fallback = "4MiB", .min = 1},
    {"replies", SCHEMA_SIZE, AT(replies_bytes), .min = 1 << 20},
    {"images", SCHEMA_SIZE, AT(images_bytes), .min = 1 << 20},
    {"head_timeout", SCHEMA_DURATION, AT(head_timeout), .fallback = "10s", .min = SCHEMA_MS(1)},
    {"idle_timeout", SCHEMA_DURATION, AT(idle_timeout), .fallback = "60s", .min = SCHEMA_MS(1)},
    {"body_rate", SCHEMA_SIZE, AT(body_rate), .fallback = "256"},
    {"connections", SCHEMA_INT, AT(connections), .fallback = "10000", .min = 1, .max = 10000000},
    {"connections_per_client", SCHEMA_INT, AT(connections_per_client), .fallback = "0", .max = 10000000},
    {"exchanges", SCHEMA_INT, AT(exchanges), .fallback = "2000", .min = 1, .max = 10000000},
};
#undef AT
static const struct schema limits_schema = {.name = "limits", SCHEMA_KEYS(limits_keys)};

#define AT(member) .offset = offsetof(struct config_stall, member)
static const struct schema_key stall_keys[] = {
    {"after", SCHEMA_DURATION, AT(after), .fallback = "10ms", .min = SCHEMA_MS(1)},
    {"then", SCHEMA_CHOICE, AT(then), .fallback = "log", .choices = stall_actions},
};
#undef AT
static const struct schema stall_schema = {.name = "stall", SCHEMA_KEYS(stall_keys)};

/* The file being read: what needs other parts first is kept as a node. */
struct draft {
    struct config config;
    const struct tree_node *listen, *admin, *admin_hosts, *pools, *routes;
};

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key file_keys[] = {
    {"listen", SCHEMA_CUSTOM, AT(listen), .read = schema_keep_node,
     .required = "HOST:PORT or a list of them"},
    {"admin", SCHEMA_CUSTOM, AT(admin), .read = schema_keep_node},
    {"admin_hosts", SCHEMA_CUSTOM, AT(admin_hosts), .read = schema_keep_node},
    {"loops", SCHEMA_INT, AT(config.loops), .min = 1, .max = 1024},
    {"io", SCHEMA_CHOICE, AT(config.io), .fallback = "auto", .choices = io_names},
    {"drain", SCHEMA_DURATION, AT(config.drain), .fallback = "30s"},
    {"limits", SCHEMA_MAP, AT(config.limits), .map = &limits_schema},
    {"pools", SCHEMA_CUSTOM, AT(pools), .read = schema_keep_node},
    {"stall", SCHEMA_MAP, AT(config.stall), .map = &stall_schema},
    {"guard", SCHEMA_MAP, AT(config.guard), .map = &config_guard_schema},
    {"log", SCHEMA_CHOICE, AT(config.log), .fallback = "text", .choices = log_names},
    {"log_level", SCHEMA_CHOICE, AT(config.log_level), .fallback = "info", .choices = log_levels},
    {"access_log", SCHEMA_BOOL, AT(config.access_log), .fallback = "true"},
    {"ledger", SCHEMA_BOOL, AT(config.ledger), .fallback = "true"},
    {"server_timing", SCHEMA_BOOL, AT(config.server_timing), .fallback = "false"},
    {"routes", SCHEMA_CUSTOM, AT(routes), .read = schema_keep_node, .required = "a list of routes"},
};
#undef AT
static const struct schema file_schema = {SCHEMA_KEYS(file_keys)};

enum weir_log_level config_log_level(const struct config *config)
{
    return (enum weir_log_level)(WEIR_LOG_DEBUG + config->log_level);
}

/* --- listeners --- */

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

static void read_listen(struct config_reader *reader, const struct tree_node *node, struct config *config)
{
    bool one = node->type == TREE_SCALAR;
    struct config_address *list;
    size_t count;

    if (node->type == TREE_MAP || node->faulty) {
        fault_value(reader, node, "listen", "HOST:PORT or a list of them");
        return;
    }
    count = one ? 1 : node->count;
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
        if (!address_read(reader, item, "listen", &list[config->listen_count]))
            continue;
        check_listener(reader, list, config->listen_count);
        config->listen_count++;
    }
}

static void read_admin(struct config_reader *reader, const struct tree_node *node, struct config *config)
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

static void read_admin_hosts(struct config_reader *reader, const struct tree_node *node,
                             struct config *config)
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
    if (node->count > ADMIN_HOSTS_MAX) {
        config_fault(reader->faults, node->place, "admin_hosts has %zu entries, expected at most %d",
                     node->count, ADMIN_HOSTS_MAX);
        return;
    }
    hosts = config_take(reader->memory, (node->count + 1) * sizeof *hosts);
    if (hosts == NULL)
        return;
    config->admin_hosts = hosts;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        if (item->type == TREE_SCALAR && !item->faulty && host_is_valid(item->text, item->length))
            *hosts++ = item->text;
        else
            fault_value(reader, item, "a name of admin_hosts", "a host's name, without a port");
    }
}

/* --- the whole --- */

static void read_file(struct config_reader *reader, const struct tree_node *root, struct config *config)
{
    struct draft draft = {0};

    if (!schema_read(reader, &file_schema, root, &draft))
        return;
    *config = draft.config;
    config->tree = root;
    if (draft.listen != NULL)
        read_listen(reader, draft.listen, config);
    if (draft.admin != NULL)
        read_admin(reader, draft.admin, config);
    read_admin_hosts(reader, draft.admin_hosts, config);
    pools_read(reader, draft.pools, config);
    if (draft.routes != NULL)
        routes_read(reader, draft.routes, config);
}

static int read_bytes(struct config_reader *reader, const void *bytes, size_t length, struct config *config)
{
    const struct tree_node *root = NULL;
    int err = yaml_tree_parse(reader->memory, bytes, length, reader->faults, &root);

    if (err)
        return err;
    if (root != NULL)
        read_file(reader, root, config);
    else if (!config_faults_any(reader->faults))
        config_fault(reader->faults, (struct config_place){1, 1},
                     "the file is empty, expected a mapping with 'listen' and 'routes'");
    if (config_memory_failed(reader->memory))
        return -ENOMEM;
    return config_faults_any(reader->faults) ? -WEIR_ECONFIG : 0;
}

int config_parse(struct config *config, const void *bytes, size_t length, struct config_faults *faults)
{
    struct config_reader reader = {.faults = faults, .memory = config_memory_open()};
    struct config made = {0};
    int err;

    if (reader.memory == NULL)
        return -ENOMEM;
    err = read_bytes(&reader, bytes, length, &made);
    if (err) {
        config_memory_free(reader.memory);
        made = (struct config){0};
    } else {
        made.memory = reader.memory;
    }
    *config = made;
    return err;
}

/* Reads up to room bytes. */
static int slurp(const char *path, char *bytes, size_t room, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err;

    if (fd < 0)
        return -errno;
    err = 0;
    *length = 0;
    while (*length < room) {
        ssize_t n = read(fd, bytes + *length, room - *length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            err = -errno;
        if (n <= 0)
            break;
        *length += (size_t)n;
    }
    close(fd);
    return err;
}

int config_load(struct config *config, const char *path, struct config_faults *faults)
{
    const size_t room = YAML_TREE_BYTES_MAX + 1; /* one more, so that a file which is too large shows */
    size_t length = 0;
    char *bytes = malloc(room);
    int err;

    *config = (struct config){0};
    if (bytes == NULL)
        return -ENOMEM;
    config_faults_open(faults, path);
    err = slurp(path, bytes, room, &length);
    if (err) {
        config_fault(faults, (struct config_place){0}, "can't be read, %s; expected a YAML file",
                     strerror(-err));
        err = -WEIR_ECONFIG;
    } else {
        err = config_parse(config, bytes, length, faults);
    }
    free(bytes);
    return err;
}

struct config_place config_place(const struct config *config, const char *key, const char *inner)
{
    const struct tree_node *outer = config->tree != NULL ? tree_find(config->tree, key) : NULL;

    const struct tree_node *node =
        outer != NULL && inner != NULL && outer->type == TREE_MAP ? tree_find(outer, inner) : NULL;
    if (outer == NULL)
        return config->tree != NULL ? config->tree->place : (struct config_place){0};
    return node != NULL ? node->place : outer->place;
}

int config_loops(const struct config *config)
{
    return config->loops ? config->loops : weir_cpu_count();
}

void config_free(struct config *config)
{
    config_memory_free(config->memory);
    *config = (struct config){0};
}
