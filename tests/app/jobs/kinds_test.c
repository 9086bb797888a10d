/* SPDX-License-Identifier: MIT */
/* The program's kinds of jobs: their parameters, their results, and the reasons of their failures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/pool.h>

#include "jobs/image.h"
#include "jobs/kinds.h"
#include "jobs/vips_library.h"
#include "support/run.h"

static const weir_job_kind *const all[] = {&job_hash, &job_compress, &job_json, &job_thumbnail};

static int register_all(void)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int err = weir_job_kind_register(all[i]);
        if (err < 0)
            return err;
    }
    return 0;
}

static int run_one(const char *kind, const char *params, const char *input, weir_buffer *out,
                   weir_job_fault *fault)
{
    const weir_job_input in = {.params = weir_bytes_of(params), .bytes = weir_bytes_of(input)};

    weir_buffer_init(out, 1 << 20);
    return weir_job_run(weir_pool_compute(), kind, &in, out, fault);
}

static void check(const char *kind, const char *params, const char *input, const char *wanted)
{
    weir_job_fault fault;
    weir_buffer out;
    int err = run_one(kind, params, input, &out, &fault);

    if (err < 0)
        fail_msg("%s %s: %d %s", kind, params, err, fault.text);
    assert_string_equal(out.data, wanted);
    weir_buffer_free(&out);
}

static int answers(void *arg)
{
    (void)arg;
    assert_int_equal(register_all(), 0);
    check("hash", "{\"algorithm\":\"sha256\"}", "abc",
          "{\"algorithm\":\"sha256\",\"hex\":"
          "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}");
    check("hash/1", "{\"algorithm\":\"xxh3\"}", "", "{\"algorithm\":\"xxh3\",\"hex\":\"2d06800538d394c2\"}");
    check("json", "{\"pick\":{\"a\":\"/x/1\",\"b\":\"/y\"}}", " {\"x\":[1,1.0]}", "{\"a\":1.0,\"b\":null}");
    check("json", "{\"pick\":{\"b\":\"/y\"},\"missing\":\"omit\"}", "[]", "{}");
    return 0;
}

static void kinds_give_what_they_say(void **state)
{
    (void)state;
    run_everywhere(answers, NULL);
}

static const struct {
    const char *kind, *params, *input;
    int err;
    const char *says;
} failures[] = {
    {"hash", "", "", -JOB_PARAMS, "not a JSON object"},
    {"hash", "[]", "", -JOB_PARAMS, "not a JSON object"},
    {"hash", "{}", "", -JOB_PARAMS, "algorithm has an unknown value"},
    {"hash", "{\"algorithm\":\"md5\"}", "", -JOB_PARAMS, "algorithm has an unknown value"},
    {"hash", "{\"algorithm\":1}", "", -JOB_PARAMS, "algorithm has an unknown value"},
    {"hash", "{\"algorithm\":\"xxh3\",\"algorithm\":\"xxh3\"}", "", -JOB_PARAMS, "not a JSON object"},
    {"compress", "{\"encoding\":\"lzma\"}", "", -JOB_PARAMS, "encoding has an unknown value"},
    {"compress", "{\"encoding\":\"gzip\",\"level\":0}", "", -JOB_PARAMS, "level is not from 1 to 9"},
    {"compress", "{\"encoding\":\"zstd\",\"level\":20}", "", -JOB_PARAMS, "level is not from 1 to 19"},
    {"compress", "{\"encoding\":\"br\",\"level\":\"9\"}", "", -JOB_PARAMS, "level is not from 0 to 11"},
    {"compress", "{\"encoding\":\"br\",\"bytes\":-2}", "", -JOB_PARAMS, "bytes is not"},
    {"json", "{}", "{}", -JOB_PARAMS, "no template"},
    {"json", "{\"pick\":\"a\"}", "{}", -JOB_PARAMS, "begins with /"},
    {"json", "{\"pick\":\"\",\"missing\":\"maybe\"}", "{}", -JOB_PARAMS, "missing has an unknown value"},
    {"json", "{\"pick\":\"\",\"depth\":1025}", "{}", -JOB_PARAMS, "depth is not from 0 to 1024"},
    {"json", "{\"pick\":\"\"}", "{\"a\":}", -JOB_DAMAGED, "not valid JSON at byte 5"},
    {"json", "{\"pick\":\"\"}", "", -JOB_DAMAGED, "at byte 0"},
    {"json", "{\"pick\":\"\"}", "\"\xff\"", -JOB_DAMAGED, "at byte 1"},
    {"json", "{\"pick\":\"\",\"depth\":2}", "[[[]]]", -JOB_EXCESSIVE, "deeper than 2 levels at byte 2"},
    {"json", "{\"pick\":\"/a\",\"missing\":\"fault\"}", "[]", -JOB_INCOMPLETE, "the document has no /a"},
    {"thumbnail", "{\"width\":0,\"height\":1,\"format\":\"png\"}", "", -JOB_PARAMS,
     "width is not from 1 to 4096"},
    {"thumbnail", "{\"width\":1,\"format\":\"png\"}", "", -JOB_PARAMS, "height is not"},
    {"thumbnail", "{\"width\":1,\"height\":1,\"format\":\"gif\"}", "", -JOB_PARAMS,
     "format has an unknown value"},
    {"thumbnail", "{\"width\":1,\"height\":1,\"format\":\"png\"}", "<svg/>", -JOB_FOREIGN,
     "no format that is accepted"},
    {"thumbnail", "{\"width\":1,\"height\":1,\"format\":\"png\"}", "\x89PNG\r\n\x1a\n", -JOB_DAMAGED,
     "damaged or cut off"},
};

static int fails(void *arg)
{
    (void)arg;
    assert_int_equal(register_all(), 0);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        weir_job_fault fault;
        weir_buffer out;
        int err = run_one(failures[i].kind, failures[i].params, failures[i].input, &out, &fault);
        if (err != failures[i].err || strstr(fault.text, failures[i].says) == NULL)
            fail_msg("%s %s: %d %s", failures[i].kind, failures[i].params, err, fault.text);
        assert_int_equal(out.len, 0);
        weir_buffer_free(&out);
    }
    return 0;
}

static void each_refusal_says_why(void **state)
{
    (void)state;
    run_everywhere(fails, NULL);
}

/* A result without room is a failure, and leaves the buffer empty. */
static int small_room(void *arg)
{
    const weir_job_input in = {.params = weir_bytes_of("{\"encoding\":\"zstd\"}"),
                               .bytes = weir_bytes_of("abcdefgh")};
    weir_buffer out;

    (void)arg;
    assert_int_equal(register_all(), 0);
    weir_buffer_init(&out, 8);
    assert_int_equal(weir_job_run(weir_pool_compute(), "compress", &in, &out, NULL), -WEIR_ETOOLARGE);
    assert_int_equal(out.len, 0);
    weir_buffer_free(&out);
    return 0;
}

static void room_ends(void **state)
{
    (void)state;
    run_everywhere(small_room, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_give_what_they_say),
        cmocka_unit_test(each_refusal_says_why),
        cmocka_unit_test(room_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
