/* SPDX-License-Identifier: MIT */
/* json: a small document made of the large document in the body of the request, by a template of JSON
 * pointers. */
#include "routes/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weir/json.h>
#include <weir/text.h>

#include "config/route_kind.h"
#include "http/body_coding.h"
#include "jobs/json_pick.h"
#include "jobs/kinds.h"
#include "routes/computing.h"

enum { PARAMS_BYTES_MAX = 4 << 20 };

/* --- settings: the template of the file becomes the JSON that the job takes --- */

struct draft {
    struct json_settings settings;
    const struct tree_node *pick;
};

#define AT(member) .offset = offsetof(struct draft, member)
static const struct schema_key keys[] = {
    {"pick", SCHEMA_CUSTOM, AT(pick), .read = schema_keep_node,
     .required = "a JSON pointer such as /items/0/id, or a mapping or list of them"},
    {"missing", SCHEMA_CHOICE, AT(settings.missing), .fallback = "null", .choices = json_missing_names},
    {"depth", SCHEMA_INT, AT(settings.depth), .fallback = "64", .max = WEIR_JSON_DEPTH_MAX},
};
#undef AT
static const struct schema schema = {.name = "json", SCHEMA_KEYS(keys)};

static int write_template(struct config_reader *reader, const struct tree_node *node, weir_buffer *out);

static int write_pointer(struct config_reader *reader, const struct tree_node *node, weir_buffer *out)
{
    const char *fault = json_pointer_fault(node->text);

    if (fault != NULL)
        fault_value(reader, node, "a value of json.pick", fault);
    return weir_json_append_string(out, node->text, node->length);
}

/* Reports whether a key is a misspelt name. A key with another first letter counts as another word. */
static bool is_nearly(const char *key, const char *name)
{
    return strcmp(key, name) != 0 && (key[0] | 0x20) == name[0] &&
           (strcasecmp(key, name) == 0 || weir_text_nearest(key, &name, 1) != NULL);
}

/* Adds a fault for {each: …, pik: …}, which would be an object of two members and is hardly meant. */
static void check_each(struct config_reader *reader, const struct tree_node *node)
{
    static const char *const names[] = {"each", "pick"};
    const struct tree_node *near[2] = {NULL, NULL};
    bool there[2];

    for (int i = 0; i < 2; i++)
        there[i] = tree_find(node, names[i]) != NULL;
    for (const struct tree_node *child = node->first; child != NULL; child = child->next)
        for (int i = 0; i < 2; i++)
            if (!there[i] && near[i] == NULL && is_nearly(child->key, names[i]))
                near[i] = child;
    for (int i = 0; i < 2; i++)
        if (near[i] != NULL && (there[1 - i] || (near[1 - i] != NULL && node->count == 2)))
            config_fault(reader->faults, near[i]->key_place,
                         "unknown key '%s' beside '%s' in json.pick, did you mean '%s'?", near[i]->key,
                         there[1 - i] ? names[1 - i] : near[1 - i]->key, names[i]);
}

static int write_children(struct config_reader *reader, const struct tree_node *node, weir_buffer *out)
{
    bool map = node->type == TREE_MAP;
    int err = weir_buffer_append_byte(out, map ? '{' : '[');

    if (map)
        check_each(reader, node);
    for (const struct tree_node *child = node->first; child != NULL && err == 0; child = child->next) {
        if (child != node->first)
            err = weir_buffer_append_byte(out, ',');
        if (err == 0 && map)
            err = weir_json_append_string(out, child->key, strlen(child->key));
        if (err == 0 && map)
            err = weir_buffer_append_byte(out, ':');
        if (err == 0)
            err = write_template(reader, child, out);
    }
    return err < 0 ? err : weir_buffer_append_byte(out, map ? '}' : ']');
}

static int write_template(struct config_reader *reader, const struct tree_node *node, weir_buffer *out)
{
    return node->type == TREE_SCALAR ? write_pointer(reader, node, out) : write_children(reader, node, out);
}

/* Adds a fault when the job would refuse the template. */
static void try_template(struct config_reader *reader, const struct tree_node *node, weir_bytes text)
{
    char fault[JSON_PICK_FAULT_BYTES];
    struct json_pick *pick = NULL;
    json_t *tree = json_loadb(text.data, text.len, JSON_DECODE_ANY, NULL);
    int err = tree != NULL ? json_pick_open(&pick, tree, JSON_MISSING_NULL, fault) : 0;

    if (err == -EINVAL)
        config_fault(reader->faults, node->place, "in json.pick %s", fault);
    json_pick_close(pick);
    json_decref(tree);
}

static bool write_params(struct config_reader *reader, const struct draft *draft, weir_buffer *out)
{
    size_t before = faults_so_far(reader);
    int err = weir_buffer_printf(out, "{\"missing\":\"%s\",\"depth\":%d,\"pick\":",
                                 json_missing_names[draft->settings.missing], draft->settings.depth);
    size_t at = out->len;

    if (err == 0)
        err = write_template(reader, draft->pick, out);
    if (err < 0)
        return false;
    if (faults_so_far(reader) == before)
        try_template(reader, draft->pick, (weir_bytes){out->data + at, out->len - at});
    return weir_buffer_append_byte(out, '}') == 0;
}

static const void *configure(struct config_reader *reader, const struct tree_node *node,
                             const struct config_route *route)
{
    struct json_settings *settings = config_take(reader->memory, sizeof *settings);
    struct draft draft = {.pick = NULL};
    weir_buffer params;
    bool written;

    (void)route;
    if (settings == NULL || !schema_read(reader, &schema, node, &draft) || draft.pick == NULL)
        return NULL;
    *settings = draft.settings;
    weir_buffer_init(&params, PARAMS_BYTES_MAX);
    written = write_params(reader, &draft, &params);
    if (written)
        settings->params = config_take_text(reader->memory, params.data, params.len);
    settings->params_bytes = params.len;
    weir_buffer_free(&params);
    return written ? settings : NULL;
}

static int open_state(const struct config_route *route, const struct route_loop *loop, void **state)
{
    int err;

    (void)loop;
    err = body_coding_open();
    return err < 0 ? err : computing_open(route, &job_json, state);
}

/* --- answering --- */

/* Undoes the content coding. The limit of the body holds for the decoded body, too. */
static int undo_coding(const struct codings *codings, weir_bytes *body, weir_buffer *plain,
                       const struct computing *state)
{
    const weir_offload_options options = computing_options(state);
    int err = body_coding_undo(codings, *body, plain, state->where.pool, &options);

    *body = weir_buffer_bytes(plain);
    return err;
}

static int handle(weir_request *req, weir_response *res, void *arg)
{
    const struct computing *state = arg;
    const struct json_settings *settings = state->route->settings;
    const weir_offload_options options = computing_options(state);
    weir_job_input in = {.params = {settings->params, settings->params_bytes}};
    weir_job_fault fault;
    weir_buffer plain, out;
    struct codings codings;
    int err;

    body_coding_of_request(req, &codings);
    if (codings.unknown)
        return body_coding_refuse(res, CODINGS_KNOWN);
    err = weir_request_read_body(req, &in.bytes, SIZE_MAX);
    if (err < 0)
        return err;
    weir_buffer_init(&plain, (size_t)state->route->limits.body_bytes);
    if (codings.count > 0 && in.bytes.len > 0)
        err = undo_coding(&codings, &in.bytes, &plain, state);
    weir_buffer_init(&out, SIZE_MAX);
    if (err == 0)
        err = weir_job_run_with(state->where.pool, job_json.name, &in, &out, &fault, &options);
    else if (err == -EBADMSG)
        snprintf(fault.text, sizeof fault.text, "the body is not what its content-encoding says");
    err =
        err == 0 ? weir_respond_buffer(res, 200, "application/json", &out) : computing_fail(res, err, &fault);
    weir_buffer_free(&out);
    weir_buffer_free(&plain);
    return err;
}

const struct route_kind route_json = {.name = "json",
                                      .on = "compute",
                                      .methods = 1u << CONFIG_POST,
                                      .configure = configure,
                                      .open = open_state,
                                      .close = free,
                                      .handle = handle};
