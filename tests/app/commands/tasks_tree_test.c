/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "commands/tasks_tree.h"

#define TASK(id, name, state, wait, age, left, scopes)                                                       \
    "{\"id\":" #id ",\"name\":\"" name "\",\"state\":\"" state "\",\"waits_for\":" wait ",\"age_ms\":" #age  \
    ",\"deadline_ms\":" #left                                                                                \
    ",\"route\":\"/page/{id}\",\"spawned_at\":\"fan_out gather.c:7\",\"stack\":[\"wait a.c:1\","             \
    "\"run b.c:2\"],\"scopes\":[" scopes "]}"
#define SCOPE(left, tasks) "{\"id\":1,\"deadline_ms\":" #left ",\"tasks\":[" tasks "]}"
#define CALLS                                                                                                \
    TASK(3, "call", "parked", "\"slot for 127.0.0.1:7100, 1st of 12\"", 5, 200, "")                          \
    "," TASK(4, "call", "parked", "\"slot for 127.0.0.1:7100, 12th of 12\"", 7, 190,                         \
             "") "," TASK(5, "log", "ready", "null", 1, null, "")

static const char tree[] = "{\"loops\":[{\"loop\":0,\"tasks\":2001,\"tree\":[" TASK(
    1, "/page/{id}", "parked", "\"the tasks of its scope (2 left)\"", 2500, 200,
    SCOPE(
        200,
        CALLS)) "," TASK(2, "/page/{id}", "parked", "\"the tasks of its scope (12 left)\"", 12, 900,
                         SCOPE(
                             900,
                             CALLS)) "," TASK(6, "two", "running", "null", 130000, null,
                                              SCOPE(
                                                  null,
                                                  TASK(7, "x", "ready", "null", 1, null,
                                                       "")) "," SCOPE(50,
                                                                      "") "," SCOPE(1500,
                                                                                    TASK(
                                                                                        8,
                                                                                        "y",
                                                                                        "parked",
                                                                                        "\"sleeping for "
                                                                                        "another 12 ms\"",
                                                                                        1,
                                                                                        1500,
                                                                                        ""))) "]},{\"loop\":"
                                                                                              "1,\"tasks\":0,"
                                                                                              "\"tree\":[]}],"
                                                                                              "\"truncated\":"
                                                                                              "true}";

static void expect(const struct tasks_view *view, bool utf8, const char *expected)
{
    struct terminal_text out;
    json_error_t error;
    json_t *json = json_loads(tree, 0, &error);

    if (json == NULL)
        fail_msg("%s at %d", error.text, error.position);
    terminal_text_init(&out, 1 << 20);
    out.utf8 = utf8;
    tasks_tree_write(json, view, &out);
    assert_int_equal(out.text.err, 0);
    assert_string_equal(out.text.text.data, expected);
    weir_buffer_free(&out.text.text);
    json_decref(json);
}

static void tasks_that_are_alike_are_put_together(void **state)
{
    (void)state;
    expect(&(struct tasks_view){.flat = false}, true,
           "loop 0  2 001 tasks\n"
           "├─ /page/{id} × 2  the tasks of its scope  age 12 ms to 2.5 s  left 200 ms to 900 ms  from "
           "fan_out gather.c:7\n"
           "│  ├─ call × 4  slot for 127.0.0.1:7100  age 5 ms to 7 ms  left 190 ms to 200 ms  for /page/{id} "
           " from fan_out gather.c:7\n"
           "│  └─ log × 2  ready  age 1 ms  for /page/{id}  from fan_out gather.c:7\n"
           "└─ two #6  running  age 2 min  for /page/{id}  from fan_out gather.c:7\n"
           "   ├─ scope\n"
           "   │  └─ x #7  ready  age 1 ms  for /page/{id}  from fan_out gather.c:7\n"
           "   └─ scope  left 1.5 s\n"
           "      └─ y #8  sleeping for another 12 ms  age 1 ms  left 1.5 s  for /page/{id}  from fan_out "
           "gather.c:7\n"
           "loop 1  0 tasks\n"
           "There are more: --filter shows those you look for.\n");
}

static void each_may_have_its_line_and_its_stack(void **state)
{
    (void)state;
    expect(
        &(struct tasks_view){.flat = true, .stacks = true}, false,
        "loop 0  2 001 tasks\n"
        "|- /page/{id} #1  the tasks of its scope (2 left)  age 2.5 s  left 200 ms  from fan_out gather.c:7\n"
        "|  |    wait a.c:1\n"
        "|  |    run b.c:2\n"
        "|  |- call #3  slot for 127.0.0.1:7100, 1st of 12  age 5 ms  left 200 ms  for /page/{id}  from "
        "fan_out gather.c:7\n"
        "|  |       wait a.c:1\n"
        "|  |       run b.c:2\n"
        "|  |- call #4  slot for 127.0.0.1:7100, 12th of 12  age 7 ms  left 190 ms  for /page/{id}  from "
        "fan_out gather.c:7\n"
        "|  |       wait a.c:1\n"
        "|  |       run b.c:2\n"
        "|  `- log #5  ready  age 1 ms  for /page/{id}  from fan_out gather.c:7\n"
        "|          wait a.c:1\n"
        "|          run b.c:2\n"
        "|- /page/{id} #2  the tasks of its scope (12 left)  age 12 ms  left 900 ms  from fan_out "
        "gather.c:7\n"
        "|  |    wait a.c:1\n"
        "|  |    run b.c:2\n"
        "|  |- call #3  slot for 127.0.0.1:7100, 1st of 12  age 5 ms  left 200 ms  for /page/{id}  from "
        "fan_out gather.c:7\n"
        "|  |       wait a.c:1\n"
        "|  |       run b.c:2\n"
        "|  |- call #4  slot for 127.0.0.1:7100, 12th of 12  age 7 ms  left 190 ms  for /page/{id}  from "
        "fan_out gather.c:7\n"
        "|  |       wait a.c:1\n"
        "|  |       run b.c:2\n"
        "|  `- log #5  ready  age 1 ms  for /page/{id}  from fan_out gather.c:7\n"
        "|          wait a.c:1\n"
        "|          run b.c:2\n"
        "`- two #6  running  age 2 min  for /page/{id}  from fan_out gather.c:7\n"
        "   |    wait a.c:1\n"
        "   |    run b.c:2\n"
        "   |- scope\n"
        "   |  `- x #7  ready  age 1 ms  for /page/{id}  from fan_out gather.c:7\n"
        "   |          wait a.c:1\n"
        "   |          run b.c:2\n"
        "   `- scope  left 1.5 s\n"
        "      `- y #8  sleeping for another 12 ms  age 1 ms  left 1.5 s  for /page/{id}  from fan_out "
        "gather.c:7\n"
        "              wait a.c:1\n"
        "              run b.c:2\n"
        "loop 1  0 tasks\n"
        "There are more: --filter shows those you look for.\n");
}

/* Any content of an answer is drawn, or left out. */
static void an_answer_may_be_anything(void **state)
{
    static const char *const answers[] = {
        "{\"loops\":[{}]}", "{\"loops\":[7,null]}",
        "{\"loops\":[{\"tree\":[null,{},{\"scopes\":[{}]},{\"name\":\"\\u001b[2J\"}]}]}"};

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct terminal_text out;
        json_t *json = json_loads(answers[i], 0, NULL);
        assert_non_null(json);
        terminal_text_init(&out, 1 << 20);
        tasks_tree_write(json, &(struct tasks_view){.stacks = true}, &out);
        assert_int_equal(out.text.err, 0);
        assert_null(strchr(out.text.text.data, '\033'));
        weir_buffer_free(&out.text.text);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_that_are_alike_are_put_together),
        cmocka_unit_test(each_may_have_its_line_and_its_stack),
        cmocka_unit_test(an_answer_may_be_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
