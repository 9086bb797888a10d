/* SPDX-License-Identifier: MIT */
/* A file route in one run with its client: paths, a disk that hangs, one that refuses, and clients that leave
 * at every moment. What is answered to whom is tests/e2e/files_test.py. */
#include <sys/stat.h>
#include <unistd.h>

#include "app/routes/wanted.h"
#include "config/load.h"
#include "files/file_load.h"
#include "http/rooted_open.h"
#include "http/server/server_rig.h"
#include "routes/filing.h"
#include "routes/table.h"
#include "support/torture.h"

enum { LARGE_BYTES = 200000, ANSWER_BYTES = 300000 };

static char folder[40] = "/tmp/weir-file-test-XXXXXX";

/* --- paths --- */

static void paths_are_made(void **state)
{
    static const struct {
        const char *asked;
        bool in_folder;
        int result;
        const char *wanted;
    } table[] = {
        {"", false, FILE_IS_FOLDER, NULL},
        {"", true, 0, "index.html"},
        {"/", true, 0, "index.html"},
        {"///", true, 0, "index.html"},
        {"a", false, 0, "a"},
        {"a/", true, 0, "a/index.html"},
        {"a//", true, 0, "a/index.html"},
        {"a//b", false, 0, "a/b"},
        {"%61%20b/", true, 0, "a b/index.html"},
        {".well-known/x", false, 0, ".well-known/x"},
        {".well-known/", true, 0, ".well-known/index.html"},
        {".git/", true, -ENOENT, NULL},
        {"%2e%2e/", true, -ENOENT, NULL},
        {"a%2fb", false, -ENOENT, NULL},
        {"a%00", false, -ENOENT, NULL},
        {"%", true, -ENOENT, NULL},
    };
    static const char *const dot_files[] = {".well-known", NULL};
    const struct file_settings settings = {.index = "index.html", .dot_files = dot_files};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *out =
            malloc(strlen(table[i].asked) + strlen(settings.index) + 2); /* the room of the contract */
        int result;

        assert_non_null(out);
        result = file_path_of(&settings, weir_bytes_of(table[i].asked), table[i].in_folder, out);
        if (result != table[i].result || (result == 0 && strcmp(out, table[i].wanted) != 0))
            fail_msg("'%s': %d", table[i].asked, result);
        free(out);
    }
}

static void a_path_that_no_file_can_have_is_not_asked_for(void **state)
{
    const struct file_settings settings = {.index = "index.html"};
    char asked[5001], out[5020];

    (void)state;
    memset(asked, 'x', sizeof asked);
    asked[5000] = '\0';
    assert_int_equal(file_path_of(&settings, weir_bytes_of(asked), false, out), -ENOENT);
    asked[4095] = '\0';
    assert_int_equal(file_path_of(&settings, weir_bytes_of(asked), true, out), 0);
}

/* --- the world --- */

struct world {
    struct rig rig; /* first */
    struct config config;
    struct file_calls calls;
    struct route_loop loop;
    void *state;
    struct torture *torture;
    const char *request, *wanted;
};

static void *open_route(void *arg, weir_server *server)
{
    struct world *w = arg;
    const struct file_cache_options options = {.calls = &w->calls};

    (void)server;
    w->loop.config = &w->config;
    assert_int_equal(file_cache_open(&options, &w->loop.files), 0);
    assert_int_equal(w->config.routes[0].kind->open(&w->config.routes[0], &w->loop, &w->state), 0);
    return w;
}

static void close_route(void *state)
{
    struct world *w = state;

    w->config.routes[0].kind->close(w->state);
    file_cache_close(w->loop.files);
}

static int pass(weir_request *req, weir_response *res, void *state)
{
    struct world *w = state;

    return w->config.routes[0].kind->handle(req, res, w->state);
}

static int be_quiet(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    return weir_respond_text(res, 200, "quiet");
}

static const weir_route routes[] = {{.path = "/quiet", .handler = be_quiet}, {.path = "/*", .handler = pass}};

static int world_main(void *arg)
{
    struct world *w = arg;
    struct config_faults faults;
    char text[300];
    int result,
        length = snprintf(text, sizeof text,
                          "listen: 127.0.0.1:1\nroutes: [{path: '/*', file: {root: %s, precompressed: "
                          "true, fallback: small.txt}}]\n",
                          folder);

    config_faults_open(&faults, "file_test");
    assert_int_equal(config_parse(&w->config, text, (size_t)length, &route_kinds, &faults), 0);
    w->rig.routes = routes;
    w->rig.route_count = 2;
    w->rig.unrecorded = true;
    w->rig.options.setup = open_route;
    w->rig.options.teardown = close_route;
    w->rig.options.drain = weir_ms(1);
    result = rig_main(&w->rig);
    config_free(&w->config);
    return result;
}

static int ask(void *arg)
{
    const struct world *w = arg;

    return ask_for_wanted(w->rig.address, w->request, w->wanted, ANSWER_BYTES);
}

/* --- a disk that hangs --- */

static int hanging;  /* opens that hang */
static int released; /* the disk works again */

static int hang(int root, const char *path, struct stat *about)
{
    (void)__atomic_add_fetch(&hanging, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&released, __ATOMIC_SEQ_CST) == 0)
        (void)usleep(1000);
    return rooted_open(root, path, about);
}

static int ask_small(void *arg)
{
    struct world w = *(struct world *)arg;

    w.request = "GET /small.txt HTTP/1.0\r\n\r\n";
    w.wanted = "0123456789";
    return ask(&w);
}

static int ask_others(struct rig *rig)
{
    struct world w = *(struct world *)(void *)rig;
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(weir_spawn(&scope, "client", ask_small, &w), 0);
    while (__atomic_load_n(&hanging, __ATOMIC_SEQ_CST) == 0)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    for (int i = 0; i < 20; i++) { /* the loop answers while its disk hangs */
        struct world quiet = w;

        quiet.request = "GET /quiet HTTP/1.0\r\n\r\n";
        quiet.wanted = "quiet";
        assert_int_equal(ask(&quiet), 0);
    }
    __atomic_store_n(&released, 1, __ATOMIC_SEQ_CST);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(hanging, 1); /* one look for all */
    return 0;
}

static void a_disk_that_hangs_holds_up_no_other_route(void **state)
{
    static const enum weir_io interfaces[] = {WEIR_IO_EPOLL, WEIR_IO_URING};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world w = {.calls = file_calls_of_system, .rig = {.test = ask_others}};
        const weir_options options = {.loops = 1, .io = interfaces[i]};

        if (!io_is_here(interfaces[i]))
            continue;
        hanging = released = 0;
        w.calls.open = hang;
        assert_int_equal(weir_run(&options, world_main, &w), 0);
    }
}

/* --- a disk that fails, a process without descriptors --- */

static int failure;

static int fail_to_open(int root, const char *path, struct stat *about)
{
    (void)root, (void)path, (void)about;
    return failure;
}

static int ask_of_failure(struct rig *rig)
{
    static const struct {
        int failure;
        const char *wanted;
    } table[] = {{-EIO, "HTTP/1.1 500 "},
                 {-EMFILE, "HTTP/1.1 503 "},
                 {-ENFILE, "HTTP/1.1 503 "},
                 {-ENOMEM, "HTTP/1.1 503 "}};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct world w = *(struct world *)(void *)rig;

        failure = table[i].failure;
        w.request = "GET /small.txt HTTP/1.0\r\n\r\n";
        w.wanted = table[i].wanted;
        assert_int_equal(ask(&w), 0);
    }
    return 0;
}

static void failures_are_no_missing_files(void **state)
{
    struct world w = {.calls = file_calls_of_system, .rig = {.test = ask_of_failure}};

    (void)state;
    w.calls.open = fail_to_open;
    run_everywhere(world_main, &w);
}

/* --- clients that leave --- */

static int leave(struct rig *rig)
{
    struct world *w = (struct world *)(void *)rig;

    return torture_victim(w->torture, ask, w);
}

static int leaving_world(struct torture *t)
{
    struct world w = *(const struct world *)t->arg;

    w.torture = t;
    t->also_fine = -ECONNRESET;
    return world_main(&w);
}

static void clients_may_leave_at_every_moment(void **state)
{
    static const char *const table[][2] = {
        {"GET /small.txt HTTP/1.0\r\nAccept-Encoding: br, gzip\r\n\r\n", "packed"},
        {"GET /large.bin HTTP/1.0\r\n\r\n", "the end"},
        {"GET /large.bin HTTP/1.0\r\nRange: bytes=0-100000,150000-\r\n\r\n", "the end"},
        {"GET /none HTTP/1.0\r\n\r\n", "0123456789"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct world w = {.calls = file_calls_of_system,
                          .rig = {.test = leave},
                          .request = table[i][0],
                          .wanted = table[i][1]};

        assert_true(torture(leaving_world, &w) > 5);
    }
}

/* --- the tree --- */

static void put(const char *name, const char *content, size_t bytes)
{
    char path[100];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static int make_tree(void **state)
{
    static char large[LARGE_BYTES];

    (void)state;
    assert_non_null(mkdtemp(folder));
    memset(large, 'x', sizeof large);
    memcpy(large + sizeof large - 7, "the end", 7);
    put("small.txt", "0123456789", 10);
    put("small.txt.gz", "packed", 6);
    put("large.bin", large, sizeof large);
    return 0;
}

static int remove_tree(void **state)
{
    static const char *const names[] = {"small.txt", "small.txt.gz", "large.bin"};
    char path[100];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_made),
        cmocka_unit_test(a_path_that_no_file_can_have_is_not_asked_for),
        cmocka_unit_test(a_disk_that_hangs_holds_up_no_other_route),
        cmocka_unit_test(failures_are_no_missing_files),
        cmocka_unit_test(clients_may_leave_at_every_moment),
    };

    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
