/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/json.h>
#include <weir/task.h>

#include "admin/many.h"
#include "admin/reply.h"

enum {
    LISTS_BYTES_MAX = 16 << 20, /* of all processes together */
    ITEMS_MAX = 16384,
    DEPTH_MAX = 16,
    NUMBER_BYTES = 40
};

/* A member of a list, by which it is sorted: group first, then the greatest number. */
struct item {
    weir_bytes text;
    int group, process; /* process 0: there is one */
    double number;
};

struct list {
    struct item *items;
    size_t count;
    const char *by; /* the member that is the number */
};

/* --- reading --- */

static double number_of(weir_bytes text)
{
    char digits[NUMBER_BYTES];

    snprintf(digits, sizeof digits, "%.*s", (int)(text.len < NUMBER_BYTES ? text.len : NUMBER_BYTES - 1),
             text.data);
    return strtod(digits, NULL);
}

/* Stalls in which a task was kept off the CPU come after those in which it held its loop itself. */
static int group_of(weir_bytes kind)
{
    return weir_json_string_is(kind, "starved") || weir_json_string_is(kind, "throttled");
}

static void read_item(struct item *item, const char *by)
{
    weir_json_reader r;
    weir_json_value value;
    weir_bytes key, text;

    weir_json_reader_init(&r, item->text, DEPTH_MAX);
    if (weir_json_read(&r, &value) < 0 || value.type != WEIR_JSON_OBJECT)
        return;
    while (weir_json_next_member(&r, &key) > 0 && weir_json_skip(&r, &text) == 0)
        if (weir_json_string_is(key, by))
            item->number = number_of(text);
        else if (weir_json_string_is(key, "kind"))
            item->group = group_of(text);
}

/* Returns: false: the text is no list of objects, or there is no room for all of it. */
static bool read_list(struct list *list, weir_bytes text, int process)
{
    weir_json_reader r;
    weir_json_value value;
    weir_bytes item;

    weir_json_reader_init(&r, text, DEPTH_MAX);
    if (weir_json_read(&r, &value) < 0 || value.type != WEIR_JSON_ARRAY)
        return false;
    while (weir_json_next_element(&r) > 0) {
        if (list->count == ITEMS_MAX || weir_json_skip(&r, &item) < 0 || item.data[0] != '{')
            return false;
        list->items[list->count] = (struct item){.text = item, .process = process};
        read_item(&list->items[list->count++], list->by);
    }
    return weir_json_end(&r) == 0;
}

static int in_order(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->group != y->group)
        return x->group - y->group;
    if (x->number < y->number || x->number > y->number)
        return x->number < y->number ? 1 : -1;
    return x->process - y->process;
}

/* --- writing --- */

static void write_list(struct text_out *out, const struct list *list)
{
    text_out_add(out, "[");
    for (size_t i = 0; i < list->count; i++) {
        const struct item *item = &list->items[i];
        const bool empty = item->text.len <= 2;
        text_out_add(out, i > 0 ? ",{" : "{");
        if (item->process > 0)
            text_out_printf(out, "\"process\":%d%s", item->process, empty ? "" : ",");
        text_out_bytes(out, item->text.data + 1, item->text.len - 1);
    }
    text_out_add(out, "]\n");
}

/* Merges what the processes answered, and what the supervisor itself has, a text between brackets. */
static int merge(struct list *list, struct asked *asked, int count, weir_bytes own, struct text_out *out)
{
    list->items = calloc(ITEMS_MAX, sizeof *list->items);
    if (list->items == NULL)
        return -ENOMEM;
    for (int i = 0; i < count; i++) {
        const weir_bytes body = {asked[i].reply.body, asked[i].reply.body_bytes};
        const size_t before = list->count;
        if (asked[i].err == 0 && asked[i].status == 200 &&
            !read_list(list, body, count > 1 ? asked[i].process->number : 0)) {
            asked[i].err = -WEIR_EPROTOCOL; /* none of it rather than a part */
            list->count = before;
        }
        (void)weir_yield();
    }
    if (own.len > 0)
        (void)read_list(list, own, 0);
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, in_order);
    write_list(out, list);
    free(list->items);
    return out->err;
}

/* --- the pages --- */

static int answer(weir_request *req, weir_response *res, struct admin_of_many *admin, const char *path,
                  const char *by, weir_bytes own)
{
    struct list list = {.by = by};
    struct asked *asked;
    struct text_out out;
    int err, count = many_ask(admin, path, weir_ms(ASKING_MS), LISTS_BYTES_MAX, &asked);

    if (count < 0)
        return count;
    text_out_init(&out, 2 * LISTS_BYTES_MAX);
    out.pause = many_pause;
    err = merge(&list, asked, count, own, &out);
    if (err == 0)
        err = many_tell_silent(res, asked, count);
    many_free(asked, count);
    if (err == 0)
        err = admin_reply(req, res, "application/json", &out.text);
    weir_buffer_free(&out.text);
    return err;
}

int many_page_stalls(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    struct text_out own;
    int err;

    text_out_init(&own, LISTS_BYTES_MAX);
    if (admin->supervisor.app_stalls != NULL) {
        text_out_add(&own, "[");
        admin->supervisor.app_stalls(admin->supervisor.arg, &own);
        text_out_add(&own, "]");
    }
    err = own.err < 0 ? own.err : answer(req, res, admin, "/stalls", "last", weir_buffer_bytes(&own.text));
    weir_buffer_free(&own.text);
    return err;
}

int many_page_guard(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    return answer(req, res, admin, "/guard", "count", (weir_bytes){0});
}

int many_page_outliers(weir_request *req, weir_response *res, struct admin_of_many *admin)
{
    return answer(req, res, admin, "/outliers", "ended", (weir_bytes){0});
}
