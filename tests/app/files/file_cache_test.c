/* SPDX-License-Identifier: MIT */
/* The cache of files, over a file system that is made up: what is asked of it and when, what changes and
 * fails. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/files/fake_files.h"
#include "files/file_cache.h"
#include "http/rooted_open.h"
#include "support/run.h"
#include "support/torture.h"

/* --- the frame --- */

struct frame {
    struct file_cache_options options;
    int (*test)(struct file_cache *cache);
};

static int frame_main(void *arg)
{
    struct frame *frame = arg;
    struct file_cache *cache;
    int result;

    memset(&fs, 0, sizeof fs);
    frame->options.calls = &fake_calls;
    assert_int_equal(file_cache_open(&frame->options, &cache), 0);
    result = frame->test(cache);
    file_cache_close(cache);
    assert_int_equal(fs.now_open, 0);
    return result;
}

static void run_with(int (*test)(struct file_cache *cache), struct file_cache_options options)
{
    struct frame frame = {options, test};

    for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++)
        run_simulated(seed, frame_main, &frame);
}

static void pass(int ms)
{
    assert_int_equal(weir_sleep(weir_ms(ms)), 0);
}

static struct cached_file *get(struct file_cache *cache, const char *path)
{
    struct cached_file *file;
    int err = file_cache_get(cache, ROOT, path, &file);

    if (err < 0)
        fail_msg("%s: %s", path, weir_error_name(err));
    return file;
}

static void expect_error(struct file_cache *cache, const char *path, int err)
{
    struct cached_file *file;

    assert_int_equal(file_cache_get(cache, ROOT, path, &file), err);
    assert_null(file);
}

static void expect_letter(struct file_cache *cache, const char *path, char letter)
{
    struct cached_file *file = get(cache, path);

    assert_non_null(file->content);
    assert_int_equal(file->content[0], letter);
    file_cache_release(cache, file);
}

static void get_and_release(struct file_cache *cache, const char *path)
{
    file_cache_release(cache, get(cache, path));
}

/* --- what is kept --- */

static int kept(struct file_cache *cache)
{
    static const off_t sizes[] = {0, 1, 65536, 65537, 1 << 30};

    fs.read_most = 1000;
    for (size_t i = 0; i < 5; i++) {
        struct cached_file *file, *again;

        (void)fake_put("a", sizes[i], 'a');
        pass(1001);
        file = get(cache, "a");
        assert_int_equal(file->bytes, sizes[i]);
        assert_true((file->content != NULL) == (sizes[i] <= 65536));
        assert_true((file->fd < 0) == (file->content != NULL));
        for (off_t at = 0; file->content != NULL && at < sizes[i]; at++)
            assert_int_equal(file->content[at], 'a');
        again = get(cache, "a");
        assert_ptr_equal(again, file);
        file_cache_release(cache, file);
        file_cache_release(cache, again);
    }
    assert_int_equal(fs.opens, 5);
    return 0;
}

static void small_files_are_kept_in_memory_and_others_open(void **state)
{
    (void)state;
    run_with(kept, (struct file_cache_options){0});
}

static int facts(struct file_cache *cache)
{
    struct fake *f = fake_put("a", 0x123, 'a');
    struct cached_file *file;

    f->about.st_mtim = (struct timespec){784111777, 0xabc};
    file = get(cache, "a");
    assert_string_equal(file->etag, "\"123-2ebc98a1.000000abc\"");
    assert_string_equal(file->last_modified, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_null(file->type);
    file_cache_release(cache, file);
    return 0;
}

static void facts_are_those_of_the_file(void **state)
{
    (void)state;
    run_with(facts, (struct file_cache_options){0});
}

/* --- when it is looked at again --- */

static int looked(struct file_cache *cache)
{
    (void)fake_put("a", 10, 'a');
    expect_letter(cache, "a", 'a');
    pass(400);
    expect_letter(cache, "a", 'a');
    assert_int_equal(fs.opens, 1);
    pass(200);
    expect_letter(cache, "a", 'a');
    assert_int_equal(fs.opens, 2);
    assert_int_equal(fs.reads, 2); /* of the first look: the content, and its end */
    (void)fake_put("a", 10, 'b');  /* as by a rename */
    expect_letter(cache, "a", 'a');
    pass(1000);
    expect_letter(cache, "a", 'b');
    memset(fake_find("a"), 0, sizeof(struct fake));
    pass(1000);
    expect_error(cache, "a", -ENOENT);
    expect_error(cache, "a", -ENOENT);
    assert_int_equal(fs.opens, 4);
    (void)fake_put("a", 10, 'c');
    expect_error(cache, "a", -ENOENT);
    pass(1000);
    expect_letter(cache, "a", 'c');
    fake_find("a")->error = -EISDIR;
    pass(1000);
    expect_error(cache, "a", -EISDIR);
    expect_error(cache, "a", -EISDIR);
    assert_int_equal(fs.opens, 6);
    return 0;
}

static void changes_are_seen_after_a_second(void **state)
{
    (void)state;
    run_with(looked, (struct file_cache_options){0});
}

static int touched_now(struct file_cache *cache)
{
    struct fake *f = fake_put("a", 10, 'a');

    f->about.st_ctim.tv_sec = time(NULL);
    expect_letter(cache, "a", 'a');
    f->letter = 'b'; /* within the same tick of the clock of files */
    pass(1000);
    expect_letter(cache, "a", 'b');
    return 0;
}

static void a_file_that_has_just_changed_is_read_again(void **state)
{
    (void)state;
    run_with(touched_now, (struct file_cache_options){0});
}

static int changed_in_place(struct file_cache *cache)
{
    struct fake *f = fake_put("a", 70000, 'a');
    struct cached_file *held = get(cache, "a"), *now;

    f->about.st_size = 80000;
    f->about.st_ctim.tv_sec++;
    now = get(cache, "a");
    assert_int_equal(now->bytes, 80000);
    assert_string_not_equal(now->etag, held->etag);
    assert_int_equal(fs.opens, 2);
    file_cache_release(cache, now);
    now = get(cache, "a");
    assert_int_equal(fs.opens, 2);
    f->about.st_size = 20; /* and it is content from now on */
    file_cache_release(cache, now);
    expect_letter(cache, "a", 'a');
    f->about.st_size = 10; /* which is one thing with its facts */
    now = get(cache, "a");
    assert_int_equal(now->bytes, 20);
    assert_int_equal(held->bytes, 70000);
    file_cache_release(cache, now);
    file_cache_release(cache, held);
    return 0;
}

static void an_open_file_that_changes_is_looked_at_at_once(void **state)
{
    (void)state;
    run_with(changed_in_place, (struct file_cache_options){0});
}

/* --- several at once --- */

struct asker {
    struct file_cache *cache;
    const char *path;
    int result;
    char letter;
};

static int ask_one(void *arg)
{
    struct asker *a = arg;
    struct cached_file *file;

    a->result = file_cache_get(a->cache, ROOT, a->path, &file);
    a->letter = a->result == 0 && file->content != NULL ? file->content[0] : 0;
    file_cache_release(a->cache, file);
    return 0;
}

static void ask_many(struct asker *askers, int count)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < count; i++)
        assert_int_equal(weir_spawn(&scope, "asker", ask_one, &askers[i]), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
}

static int forgotten(struct file_cache *cache)
{
    struct cached_file *held, *other;

    (void)fake_put("a", 10, 'a');
    held = get(cache, "a");
    expect_error(cache, "b", -ENOENT);
    assert_int_equal(file_cache_get(cache, OTHER_ROOT, "a", &other), 0);
    (void)fake_put("a", 10, 'A');
    (void)fake_put("b", 10, 'B');
    file_cache_forget(cache, ROOT);
    expect_letter(cache, "a", 'A');
    expect_letter(cache, "b", 'B');
    assert_int_equal(held->content[0], 'a'); /* what is being sent stays */
    assert_int_equal(other->content[0], 'a');
    file_cache_release(cache, held);
    file_cache_release(cache, other);
    assert_int_equal(file_cache_get(cache, OTHER_ROOT, "a", &other), 0);
    assert_int_equal(other->content[0], 'a'); /* of another root nothing is forgotten */
    file_cache_release(cache, other);
    return 0;
}

static int forgotten_during_a_look(struct file_cache *cache)
{
    struct asker looker = {.cache = cache, .path = "a"};
    weir_scope scope;

    (void)fake_put("a", 10, 'a');
    get_and_release(cache, "a");
    pass(1000);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "looker", ask_one, &looker), 0);
    assert_int_equal(weir_yield(), 0);
    file_cache_forget(cache, ROOT);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(looker.result, 0);
    assert_int_equal(looker.letter, 'a'); /* it found the same as before */
    expect_letter(cache, "a", 'a');
    return 0;
}

static void what_is_below_a_root_may_be_forgotten(void **state)
{
    (void)state;
    run_with(forgotten, (struct file_cache_options){0});
    run_with(forgotten_during_a_look, (struct file_cache_options){0});
}

static int together(struct file_cache *cache)
{
    struct asker askers[50];

    (void)fake_put("a", 10, 'a');
    for (int i = 0; i < 50; i++)
        askers[i] = (struct asker){cache, i % 2 == 0 ? "a" : "nothing", 0, 0};
    ask_many(askers, 50);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(askers[i].result, i % 2 == 0 ? 0 : -ENOENT);
        assert_int_equal(askers[i].letter, i % 2 == 0 ? 'a' : 0);
    }
    assert_int_equal(fs.opens, 2);
    pass(700);
    ask_many(askers, 50); /* one of them looks */
    assert_int_equal(fs.opens, 4);
    fake_find("a")->error = -EIO;
    pass(2000);
    ask_many(askers, 50);
    for (int i = 0; i < 50; i += 2)
        assert_int_equal(askers[i].result, -EIO);
    assert_int_equal(fs.opens, 6);
    return 0;
}

static void many_that_ask_for_one_file_cause_one_look(void **state)
{
    (void)state;
    run_with(together, (struct file_cache_options){0});
}

static int beside_a_look(struct file_cache *cache)
{
    struct asker looker = {cache, "a", 0, 0};
    weir_scope scope;
    weir_instant before;

    (void)fake_put("a", 10, 'a');
    expect_letter(cache, "a", 'a');
    pass(700);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "looker", ask_one, &looker), 0);
    assert_int_equal(weir_yield(), 0);
    before = weir_now();
    expect_letter(cache, "a", 'a');
    assert_int_equal(weir_now().ns, before.ns); /* no time has passed: it did not wait */
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_true(weir_now().ns > before.ns);
    assert_int_equal(looker.letter, 'a');
    return 0;
}

static void what_is_known_is_used_while_one_looks(void **state)
{
    (void)state;
    run_with(beside_a_look, (struct file_cache_options){0});
}

/* --- changes while it is read --- */

static void change_time(struct fake *f)
{
    f->about.st_mtim.tv_nsec++;
}

static void shrink_once(struct fake *f)
{
    f->about.st_size = 5;
    f->letter = 'b';
}

static int changing(struct file_cache *cache)
{
    struct cached_file *file;

    (void)fake_put("a", 10, 'a');
    fs.reading = change_time;
    file = get(cache, "a");
    assert_null(file->content);
    assert_true(file->fd >= FD_BASE);
    file_cache_release(cache, file);
    assert_true(fs.reads <= 2 * FILE_LOAD_TRIES);
    fs.reading = shrink_once;
    (void)fake_put("b", 10, 'a');
    file = get(cache, "b");
    assert_int_equal(file->bytes, 5);
    assert_memory_equal(file->content, "bbbbb", 5);
    file_cache_release(cache, file);
    return 0;
}

static void content_is_of_one_moment_or_not_kept(void **state)
{
    (void)state;
    run_with(changing, (struct file_cache_options){0});
}

static int held(struct file_cache *cache)
{
    struct cached_file *small, *large;

    (void)fake_put("a", 10, 'a');
    (void)fake_put("b", 100000, 'b');
    small = get(cache, "a");
    large = get(cache, "b");
    (void)fake_put("a", 20, 'c');
    (void)fake_put("b", 200000, 'c');
    pass(1000);
    get_and_release(cache, "a");
    get_and_release(cache, "b");
    assert_int_equal(small->bytes, 10);
    assert_memory_equal(small->content, "aaaaaaaaaa", 10);
    assert_int_equal(fs.open[large->fd - FD_BASE].st_size, 100000); /* still open */
    file_cache_release(cache, small);
    file_cache_release(cache, large);
    pass(1000);
    get_and_release(cache, "a"); /* its job closes what is no longer needed */
    assert_int_equal(fs.now_open, 1);
    return 0;
}

static void a_version_lasts_as_long_as_it_is_sent(void **state)
{
    (void)state;
    run_with(held, (struct file_cache_options){0});
}

/* --- failures --- */

static int failing(struct file_cache *cache)
{
    (void)fake_put("a", 10, 'a');
    expect_letter(cache, "a", 'a');
    fake_find("a")->error = -EIO;
    pass(700);
    expect_letter(cache, "a", 'a'); /* what is known is not old enough */
    pass(400);
    expect_error(cache, "a", -EIO);
    fake_find("a")->error = 0;
    expect_letter(cache, "a", 'a'); /* a failure is not kept */
    (void)fake_put("b", 10, 'b');
    fs.read_error = EIO;
    expect_error(cache, "b", -EIO);
    fs.read_error = 0;
    expect_letter(cache, "b", 'b');
    assert_int_equal(fs.now_open, 0);
    return 0;
}

static void a_failure_ends_what_is_known_after_its_second(void **state)
{
    (void)state;
    run_with(failing, (struct file_cache_options){0});
}

static int no_descriptors(struct file_cache *cache)
{
    (void)fake_put("a", 100000, 'a');
    (void)fake_put("b", 10, 'b');
    get_and_release(cache, "a");
    assert_int_equal(fs.now_open, 1);
    fs.emfile = 1;
    expect_letter(cache, "b", 'b'); /* for the descriptor of a */
    assert_int_equal(fs.now_open, 0);
    fs.emfile = 5;
    expect_error(cache, "c", -EMFILE); /* there is none to give up */
    assert_int_equal(fs.emfile, 4);
    return 0;
}

static void descriptors_are_given_up_when_the_process_has_none(void **state)
{
    (void)state;
    run_with(no_descriptors, (struct file_cache_options){0});
}

/* --- limits --- */

static int limits(struct file_cache *cache)
{
    struct cached_file *files[4];
    char path[16];

    for (int i = 0; i < 30; i++) { /* large ones and small ones, more than there may be */
        (void)snprintf(path, sizeof path, "%d", i);
        (void)fake_put(path, i % 3 == 0 ? 100000 : 600, (char)('a' + i));
        get_and_release(cache, path);
    }
    assert_true(fs.now_open <= 3 + 1);
    fs.opens = 0;
    get_and_release(cache, "29");
    get_and_release(cache, "27");
    assert_int_equal(fs.opens, 0);
    get_and_release(cache, "28"); /* 1000 bytes hold one of 600 */
    assert_int_equal(fs.opens, 1);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%d", i * 3);
        files[i] = get(cache, path);
    }
    expect_error(cache, "9", -EMFILE); /* three are being sent */
    file_cache_release(cache, files[0]);
    files[0] = get(cache, "9");
    for (int i = 0; i < 3; i++)
        file_cache_release(cache, files[i]);
    files[0] = get(cache, "1");
    files[1] = get(cache, "2"); /* what is sent is held, and more is not kept */
    fs.opens = 0;
    get_and_release(cache, "2");
    assert_int_equal(fs.opens, 1);
    file_cache_release(cache, files[0]);
    file_cache_release(cache, files[1]);
    return 0;
}

static int long_names(struct file_cache *cache)
{
    char a[1501], b[1501];

    memset(a, 'a', sizeof a - 1);
    memset(b, 'b', sizeof b - 1);
    a[1500] = b[1500] = '\0';
    expect_error(cache, a, -ENOENT);
    expect_error(cache, a, -ENOENT);
    assert_int_equal(fs.opens, 1);
    expect_error(cache, b, -ENOENT); /* in the place of the other */
    expect_error(cache, b, -ENOENT);
    assert_int_equal(fs.opens, 2);
    expect_error(cache, a, -ENOENT);
    assert_int_equal(fs.opens, 3);
    return 0;
}

static void long_names_take_the_place_of_others(void **state)
{
    (void)state;
    run_with(long_names, (struct file_cache_options){.names = 8});
}

static void limits_hold_and_what_was_used_last_stays(void **state)
{
    (void)state;
    run_with(limits, (struct file_cache_options){.content_bytes = 1000, .names = 8, .descriptors = 3});
}

static int idle(struct file_cache *cache)
{
    (void)fake_put("a", 100000, 'a');
    (void)fake_put("b", 10, 'b');
    get_and_release(cache, "a");
    for (int i = 0; i < 70; i++) {
        pass(1000);
        get_and_release(cache, "b");
    }
    assert_int_equal(fs.now_open, 0);
    return 0;
}

static void a_file_that_nobody_asks_for_is_closed(void **state)
{
    (void)state;
    run_with(idle, (struct file_cache_options){0});
}

/* --- cancels --- */

static int ask_and_count(void *arg)
{
    struct asker *a = arg;
    int err;

    for (int i = 0; i < 2; i++) {
        struct cached_file *file;

        err = file_cache_get(a->cache, ROOT, i == 0 ? "a" : "b", &file);
        file_cache_release(a->cache, file);
        if (err < 0)
            return err;
    }
    return 0;
}

static int cancelled_world(struct torture *t)
{
    struct file_cache_options options = {.calls = &fake_calls};
    struct asker victim = {0}, other = {.path = "a"};
    weir_scope scope;
    int result;

    memset(&fs, 0, sizeof fs);
    (void)fake_put("a", 10, 'a');
    (void)fake_put("b", 100000, 'b');
    assert_int_equal(file_cache_open(&options, &victim.cache), 0);
    other.cache = victim.cache;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "other", ask_one, &other), 0);
    if (*(bool *)t->arg)
        assert_int_equal(weir_yield(), 0); /* the other looks first */
    result = torture_victim(t, ask_and_count, &victim);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(other.result, 0); /* whatever became of the victim */
    assert_int_equal(other.letter, 'a');
    file_cache_close(victim.cache);
    assert_int_equal(fs.now_open, 0);
    return result;
}

static void one_that_leaves_hinders_no_other(void **state)
{
    bool other_first = false;

    (void)state;
    assert_true(torture(cancelled_world, &other_first) > 2);
    other_first = true;
    assert_true(torture(cancelled_world, &other_first) > 2);
}

/* --- the file system of the machine --- */

static int real_main(void *arg)
{
    static const char *const made =
        "cd %s && printf 12345 >file && mkdir folder && mkfifo pipe && ln -s file inside"
        " && ln -s /etc/passwd outside && ln -s /dev/zero device";
    char base[] = "/tmp/cached-XXXXXX", command[300];
    struct file_cache *cache;
    struct cached_file *file;
    int root;

    (void)arg;
    assert_non_null(mkdtemp(base));
    (void)snprintf(command, sizeof command, made, base);
    assert_int_equal(system(command), 0);
    root = rooted_open_root(base);
    assert_true(root >= 0);
    assert_int_equal(file_cache_open(&(struct file_cache_options){0}, &cache), 0);
    assert_int_equal(file_cache_get(cache, root, "pipe", &file), -ENOENT);
    assert_int_equal(file_cache_get(cache, root, "device", &file), -ENOENT);
    assert_int_equal(file_cache_get(cache, root, "outside", &file), -ENOENT);
    assert_int_equal(file_cache_get(cache, root, "folder", &file), -EISDIR);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(file_cache_get(cache, root, i == 0 ? "file" : "inside", &file), 0);
        assert_int_equal(file->bytes, 5);
        assert_memory_equal(file->content, "12345", 5);
        file_cache_release(cache, file);
    }
    file_cache_close(cache);
    close(root);
    (void)snprintf(command, sizeof command, "rm -r %s", base);
    assert_int_equal(system(command), 0);
    return 0;
}

static void only_regular_files_below_the_root_are_found(void **state)
{
    (void)state;
    run_everywhere(real_main, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_files_are_kept_in_memory_and_others_open),
        cmocka_unit_test(facts_are_those_of_the_file),
        cmocka_unit_test(changes_are_seen_after_a_second),
        cmocka_unit_test(what_is_below_a_root_may_be_forgotten),
        cmocka_unit_test(a_file_that_has_just_changed_is_read_again),
        cmocka_unit_test(an_open_file_that_changes_is_looked_at_at_once),
        cmocka_unit_test(many_that_ask_for_one_file_cause_one_look),
        cmocka_unit_test(what_is_known_is_used_while_one_looks),
        cmocka_unit_test(content_is_of_one_moment_or_not_kept),
        cmocka_unit_test(a_version_lasts_as_long_as_it_is_sent),
        cmocka_unit_test(a_failure_ends_what_is_known_after_its_second),
        cmocka_unit_test(descriptors_are_given_up_when_the_process_has_none),
        cmocka_unit_test(long_names_take_the_place_of_others),
        cmocka_unit_test(limits_hold_and_what_was_used_last_stays),
        cmocka_unit_test(a_file_that_nobody_asks_for_is_closed),
        cmocka_unit_test(one_that_leaves_hinders_no_other),
        cmocka_unit_test(only_regular_files_below_the_root_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
