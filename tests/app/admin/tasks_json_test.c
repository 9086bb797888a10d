/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <jansson.h>
#include <weir.h>

#include "admin/tasks_json.h"
#include "support/tree.h"

static int sleep_for_ever(void *arg)
{
    (void)arg;
    return weir_sleep_until(weir_never());
}

/* Opens three scopes: the second has no task, and the first gets another at the end. */
static int open_scopes(void *arg)
{
    weir_scope outer, middle, inner;
    int err;

    (void)arg;
    weir_scope_open(&outer, weir_after_ms(900000), 0);
    weir_spawn(&outer, "a", sleep_for_ever, NULL);
    weir_scope_open(&middle, weir_after_ms(800000), 0);
    weir_scope_open(&inner, weir_after_ms(700000), 0);
    weir_spawn(&inner, "b", sleep_for_ever, NULL);
    weir_spawn(&outer, "\"c\" \xff", sleep_for_ever, NULL);
    err = weir_sleep_until(weir_never());
    (void)weir_scope_close(&inner);
    (void)weir_scope_close(&middle);
    (void)weir_scope_close(&outer);
    return err;
}

struct poured {
    char text[256 << 10];
    size_t length;
    int times;
};

static int pour(void *arg, struct text_out *out)
{
    struct poured *p = arg;

    assert_true(p->length + out->text.len < sizeof p->text);
    memcpy(p->text + p->length, out->text.data, out->text.len);
    p->length += out->text.len;
    p->times++;
    weir_buffer_clear(&out->text);
    return 0;
}

static struct poured poured;

static int write_tree(void *arg)
{
    weir_scope scope;
    struct text_out out;
    weir_tasks *tasks;

    (void)arg;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_spawn(&scope, "opener", open_scopes, NULL);
    for (int i = 0; i < 200; i++)
        weir_spawn(&scope, "filler", sleep_for_ever, NULL);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    tasks = look_at_tasks(&(weir_tasks_options){.stacks = true});
    memset(&poured, 0, sizeof poured);
    text_out_init(&out, 256 << 10);
    assert_int_equal(tasks_json_write(tasks, 0, &out, pour, &poured), 0);
    weir_buffer_free(&out.text);
    weir_tasks_close(tasks);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    return 0;
}

static json_t *member(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    if (value == NULL)
        fail_msg("no '%s'", name);
    return value;
}

static json_t *scope_at(json_t *task, size_t i)
{
    return json_array_get(member(task, "scopes"), i);
}

static void expect_task(json_t *scope, size_t i, const char *name)
{
    json_t *task = json_array_get(member(scope, "tasks"), i);

    assert_string_equal(json_string_value(member(task, "name")), name);
    assert_string_equal(json_string_value(member(task, "state")), "parked");
    assert_string_equal(json_string_value(member(task, "waits_for")), "sleeping for ever");
    assert_true(json_is_null(member(task, "route")));
    assert_true(json_is_string(member(task, "spawned_at")));
    assert_true(json_array_size(member(task, "stack")) >= 1);
    assert_true(json_integer_value(member(task, "age_ms")) >= 0);
}

static void expect_deadline(json_t *scope, json_int_t ms)
{
    const json_int_t left = json_integer_value(member(scope, "deadline_ms"));

    assert_true(left <= ms && left > ms - 50000);
}

static void scopes_and_tasks_nest(void **state)
{
    weir_options options = {.io = WEIR_IO_EPOLL};
    json_t *opener, *first, *loop, *root;

    (void)state;
    assert_int_equal(weir_run(&options, write_tree, NULL), 0);
    assert_true(poured.times > 1);
    root = json_loadb(poured.text, poured.length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    assert_true(json_is_false(member(root, "truncated")));
    assert_int_equal(json_array_size(member(root, "loops")), 1);
    loop = json_array_get(member(root, "loops"), 0);
    assert_int_equal(json_integer_value(member(loop, "loop")), 0);
    assert_int_equal(json_integer_value(member(loop, "tasks")), 205);
    assert_int_equal(json_array_size(member(loop, "tree")), 1);
    first = json_array_get(member(loop, "tree"), 0);
    assert_true(json_is_null(member(first, "deadline_ms")));
    assert_true(json_is_null(member(first, "spawned_at")));
    assert_int_equal(json_array_size(member(first, "scopes")), 1);
    assert_true(json_is_null(member(scope_at(first, 0), "deadline_ms")));
    assert_int_equal(json_array_size(member(scope_at(first, 0), "tasks")), 201);
    opener = json_array_get(member(scope_at(first, 0), "tasks"), 0);
    assert_string_equal(json_string_value(member(opener, "name")), "opener");
    assert_int_equal(json_array_size(member(opener, "scopes")), 3);
    expect_deadline(opener, 700000);
    expect_deadline(scope_at(opener, 0), 900000);
    expect_deadline(scope_at(opener, 1), 800000);
    expect_deadline(scope_at(opener, 2), 700000);
    assert_int_equal(json_array_size(member(scope_at(opener, 0), "tasks")), 2);
    assert_int_equal(json_array_size(member(scope_at(opener, 1), "tasks")), 0);
    assert_int_equal(json_array_size(member(scope_at(opener, 2), "tasks")), 1);
    expect_task(scope_at(opener, 0), 0, "a");
    expect_task(scope_at(opener, 0), 1, "\"c\" \xef\xbf\xbd");
    expect_task(scope_at(opener, 2), 0, "b");
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_and_tasks_nest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
