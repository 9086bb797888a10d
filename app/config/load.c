/* SPDX-License-Identifier: MIT */
#include "config/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/access_log.h"
#include "config/app.h"
#include "config/arena.h"
#include "config/backend.h"
#include "config/header_rules.h"
#include "config/listen.h"
#include "config/outliers.h"
#include "config/pool.h"
#include "config/resolver.h"
#include "config/route.h"
#include "config/schema.h"
#include "config/trusted.h"
#include "config/yaml_tree.h"
#include "jobs/digest.h"

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

/* The file being read. A key that needs others first is kept as a node. */
struct draft {
    struct config config;
    const struct tree_node *listen, *admin, *admin_hosts, *trusted_proxies, *resolver, *headers, *pools,
        *backends, *apps, *outliers, *access_log, *routes;
};

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key file_keys[] = {
    {"listen", SCHEMA_CUSTOM, AT(listen), .read = schema_keep_node,
     .required = "HOST:PORT, {address: HOST:PORT, tls: …}, or a list of them"},
    {"admin", SCHEMA_CUSTOM, AT(admin), .read = schema_keep_node},
    {"admin_hosts", SCHEMA_CUSTOM, AT(admin_hosts), .read = schema_keep_node},
    {"loops", SCHEMA_INT, AT(config.loops), .min = 1, .max = 1024},
    {"processes", SCHEMA_INT, AT(config.processes), .fallback = "1", .min = 1, .max = 16},
    {"io", SCHEMA_CHOICE, AT(config.io), .fallback = "auto", .choices = io_names},
    {"drain", SCHEMA_DURATION, AT(config.drain), .fallback = "30s"},
    {"trusted_proxies", SCHEMA_CUSTOM, AT(trusted_proxies), .read = schema_keep_node},
    {"resolver", SCHEMA_CUSTOM, AT(resolver), .read = schema_keep_node},
    {"headers", SCHEMA_CUSTOM, AT(headers), .read = schema_keep_node},
    {"limits", SCHEMA_MAP, AT(config.limits), .map = &limits_schema},
    {"pools", SCHEMA_CUSTOM, AT(pools), .read = schema_keep_node},
    {"backends", SCHEMA_CUSTOM, AT(backends), .read = schema_keep_node},
    {"apps", SCHEMA_CUSTOM, AT(apps), .read = schema_keep_node},
    {"stall", SCHEMA_MAP, AT(config.stall), .map = &stall_schema},
    {"guard", SCHEMA_MAP, AT(config.guard), .map = &config_guard_schema},
    {"outliers", SCHEMA_CUSTOM, AT(outliers), .read = schema_keep_node},
    {"log", SCHEMA_CHOICE, AT(config.log), .fallback = "text", .choices = log_names},
    {"log_level", SCHEMA_CHOICE, AT(config.log_level), .fallback = "info", .choices = log_levels},
    {"access_log", SCHEMA_CUSTOM, AT(access_log), .read = schema_keep_node},
    {"ledger", SCHEMA_BOOL, AT(config.ledger), .fallback = "true"},
    {"server_timing", SCHEMA_BOOL, AT(config.server_timing), .fallback = "false"},
    {"routes", SCHEMA_CUSTOM, AT(routes), .read = schema_keep_node, .required = "a list of routes"},
};
#undef AT
static const struct schema file_schema = {SCHEMA_KEYS(file_keys)};

/* --- reading --- */

/* What routes may refer to. */
static void read_around_routes(struct config_reader *reader, const struct draft *draft, struct config *config)
{
    if (draft->trusted_proxies != NULL)
        trusted_proxies_read(reader, draft->trusted_proxies, config);
    if (draft->resolver != NULL)
        resolver_read(reader, draft->resolver, config);
    if (draft->headers != NULL)
        header_rules_read(reader, draft->headers, NULL, NULL, &config->headers);
    pools_read(reader, draft->pools, config);
    if (draft->backends != NULL)
        backends_read(reader, draft->backends, config);
    if (draft->apps != NULL)
        apps_read(reader, draft->apps, config);
}

/* Records that would never be kept. */
static void check_outliers(struct config_reader *reader, const struct config *config)
{
    for (size_t i = 0; i < config->route_count && config->outliers.keep == 0; i++)
        if (config->routes[i].slow.ns > 0)
            config_fault(reader->faults, config->routes[i].place,
                         "route '%s' has slow, but outliers is false, expected one of them",
                         config->routes[i].path);
}

static void read_file(struct config_reader *reader, const struct tree_node *root,
                      const struct route_kinds *kinds, struct config *config)
{
    struct draft draft = {0};

    if (!schema_read(reader, &file_schema, root, &draft))
        return;
    *config = draft.config;
    config->tree = root;
    if (draft.listen != NULL)
        listen_read(reader, draft.listen, config);
    if (draft.admin != NULL)
        admin_read(reader, draft.admin, config);
    admin_hosts_read(reader, draft.admin_hosts, config);
    read_around_routes(reader, &draft, config);
    outliers_read(reader, draft.outliers, &config->outliers);
    access_log_read(reader, draft.access_log, config->log, &config->access_log);
    reader->config = config;
    if (draft.routes != NULL)
        routes_read(reader, draft.routes, kinds, config);
    check_outliers(reader, config);
}

/* Returns: NULL when there is no memory, or no such algorithm. */
static const char *digest_of(struct config_reader *reader, const void *bytes, size_t length)
{
    static const char name[] = "sha256:";
    struct digest_method method;
    struct digest digest = {0};
    char text[sizeof name + DIGEST_HEX_BYTES];
    int err = digest_method_open(&method, DIGEST_SHA256);

    if (err < 0)
        return NULL;
    memcpy(text, name, sizeof name);
    err = digest_begin(&digest, &method);
    if (err == 0)
        err = digest_add(&digest, bytes, length);
    if (err == 0)
        err = digest_end(&digest, text + sizeof name - 1);
    digest_free(&digest);
    digest_method_close(&method);
    return err == 0 ? config_take_text(reader->memory, text, strlen(text)) : NULL;
}

static int read_bytes(struct config_reader *reader, const void *bytes, size_t length,
                      const struct route_kinds *kinds, struct config *config)
{
    const struct tree_node *root = NULL;
    int err = yaml_tree_parse(reader->memory, bytes, length, reader->faults, &root);

    if (err)
        return err;
    if (root != NULL)
        read_file(reader, root, kinds, config);
    else if (!config_faults_any(reader->faults))
        config_fault(reader->faults, (struct config_place){1, 1},
                     "the file is empty, expected a mapping with 'listen' and 'routes'");
    if (config_memory_failed(reader->memory))
        return -ENOMEM;
    return config_faults_any(reader->faults) ? -WEIR_ECONFIG : 0;
}

int config_parse(struct config *config, const void *bytes, size_t length, const struct route_kinds *kinds,
                 struct config_faults *faults)
{
    struct config_reader reader = {.faults = faults, .memory = config_memory_open()};
    struct config made = {0};
    int err;

    if (reader.memory == NULL)
        return -ENOMEM;
    err = read_bytes(&reader, bytes, length, kinds, &made);
    if (err == 0)
        made.digest = digest_of(&reader, bytes, length);
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

int config_read(const char *path, char **bytes, size_t *length, struct config_faults *faults)
{
    const size_t room = YAML_TREE_BYTES_MAX + 1; /* a byte more, to notice a file that is too large */
    int err;

    config_faults_open(faults, path);
    *length = 0;
    *bytes = malloc(room);
    if (*bytes == NULL)
        return -ENOMEM;
    err = slurp(path, *bytes, room, length);
    if (err == 0)
        return 0;
    free(*bytes);
    config_fault(faults, (struct config_place){0}, "cannot be read, %s; expected a YAML file",
                 strerror(-err));
    return -WEIR_ECONFIG;
}

int config_load(struct config *config, const char *path, const struct route_kinds *kinds,
                struct config_faults *faults)
{
    size_t length;
    char *bytes;
    int err;

    *config = (struct config){0};
    err = config_read(path, &bytes, &length, faults);
    if (err < 0)
        return err;
    err = config_parse(config, bytes, length, kinds, faults);
    free(bytes);
    return err;
}
