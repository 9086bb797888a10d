/* SPDX-License-Identifier: MIT */
/* The hosts file and resolv.conf: read again when they have changed, by a thread and never by a loop. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/dns_server.h"
#include "support/run.h"

struct rig {
    char folder[64], hosts[96], conf[96];
    struct dns_server server;
    int (*fn)(struct rig *rig);
};

static bool answer(void *arg, const struct dns_query *q, struct dns_message *m)
{
    (void)arg;
    dns_begin(m, q, DNS_OK);
    if (strcmp(q->name, "db.b.test") == 0 && q->type == DNS_A)
        dns_add_a(m, q->name, 300, "10.0.0.2");
    else if (strcmp(q->name, "web.test") == 0 && q->type == DNS_A)
        dns_add_a(m, q->name, 300, "10.0.0.3");
    else
        dns_begin(m, q, DNS_NO_NAME);
    return true;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static int run_fn(void *arg)
{
    struct rig *rig = arg;

    return rig->fn(rig);
}

/* by_option: the server is named by the options, and not by resolv.conf. once: on one kernel interface: the
 * files are a thread's, which looks at them once a second. */
static void run_real(int (*fn)(struct rig *rig), bool by_option, bool once)
{
    static const enum weir_io all[] = {WEIR_IO_EPOLL, WEIR_IO_URING};
    struct rig rig = {.fn = fn};

    for (int i = 0; i < (once ? 1 : 2); i++) {
        weir_resolver_options resolver = {.hosts_path = rig.hosts, .resolv_conf_path = rig.conf};
        const char *servers[] = {rig.server.address};
        weir_options options = {.io = all[i], .resolver = &resolver};
        if (!io_is_here(all[i]))
            continue;
        strcpy(rig.folder, P_tmpdir "/weir-names-XXXXXX");
        assert_non_null(mkdtemp(rig.folder));
        (void)snprintf(rig.hosts, sizeof rig.hosts, "%s/hosts", rig.folder);
        (void)snprintf(rig.conf, sizeof rig.conf, "%s/resolv.conf", rig.folder);
        dns_server_open(&rig.server, answer, NULL);
        resolver.servers = servers;
        resolver.server_count = by_option ? 1 : 0;
        assert_int_equal(weir_run(&options, run_fn, &rig), 0);
        dns_server_close(&rig.server);
        (void)unlink(rig.hosts);
        (void)unlink(rig.conf);
        (void)rmdir(rig.folder);
    }
}

/* What a name stands for now: an address, or why there is none. */
static void now(const char *name, char out[200])
{
    weir_resolved *r = calloc(1, sizeof *r);
    int err = weir_resolve(name, r);

    assert_true(err == 0 || err == -WEIR_EDNS);
    (void)snprintf(out, 200, "%s", err == 0 ? r->addresses[0] : r->why);
    free(r);
}

static void expect(const char *name, const char *expected)
{
    char is[200];

    now(name, is);
    assert_string_equal(is, expected);
}

/* Asks until a change of a file has been seen. */
static void await(const char *name, const char *expected)
{
    char is[200];

    for (now(name, is); strcmp(is, expected) != 0; now(name, is))
        assert_int_equal(weir_sleep(weir_ms(20)), 0);
}

static int change_hosts(struct rig *rig)
{
    char other[128];

    expect("localhost", "127.0.0.1"); /* without a file */
    write_file(rig->hosts, "10.0.0.1 db.test\n");
    await("db.test", "10.0.0.1");
    expect("DB.Test", "10.0.0.1");
    expect("db.test.", "10.0.0.1"); /* an absolute name */
    expect("none.test", "no such name");
    write_file(rig->hosts, "10.0.0.2 db.test\n10.0.0.7 localhost\n"); /* written in place */
    await("db.test", "10.0.0.2");
    expect("localhost", "10.0.0.7"); /* what the file says */
    (void)snprintf(other, sizeof other, "%s/other", rig->folder);
    write_file(other, "10.0.0.3 db.test\n");
    assert_int_equal(rename(other, rig->hosts), 0); /* another file in its place */
    await("db.test", "10.0.0.3");
    expect("web.test", "10.0.0.3"); /* of the server */
    write_file(rig->hosts, "10.0.0.4 db.test web.test\n");
    await("web.test", "10.0.0.4"); /* the file comes before the cache */
    assert_int_equal(unlink(rig->hosts), 0);
    await("db.test", "no such name");
    expect("web.test", "10.0.0.3");
    return 0;
}

static void a_changed_hosts_file_is_seen(void **state)
{
    (void)state;
    run_real(change_hosts, true, true);
}

static int change_conf(struct rig *rig)
{
    char text[200], name[32], words[200] = "";

    (void)snprintf(text, sizeof text, "nameserver %s\nsearch a.test\n", rig->server.address);
    write_file(rig->conf, text);
    write_file(rig->hosts, "");
    expect("db", "no such name");
    (void)snprintf(text, sizeof text, "search a.test b.test\nnameserver %s\n", rig->server.address);
    write_file(rig->conf, text);
    await("db", "10.0.0.2");                                          /* db.b.test */
    write_file(rig->conf, "nameserver 127.0.0.1:1\nsearch b.test\n"); /* a dead one: the old address serves */
    for (int i = 0; strcmp(words, "127.0.0.1:1: connection refused") != 0; i++) {
        assert_int_equal(weir_sleep(weir_ms(20)), 0);
        (void)snprintf(name, sizeof name, "n%d.test", i); /* one that nothing is known of */
        now(name, words);
    }
    expect("db", "10.0.0.2");
    return 0;
}

static void a_changed_resolv_conf_is_seen(void **state)
{
    (void)state;
    run_real(change_conf, false, true);
}

/* A file that cannot be read like one: a folder, a FIFO that nobody writes. */
static int strange_files(struct rig *rig)
{
    assert_int_equal(mkfifo(rig->hosts, 0600), 0);
    expect("localhost", "127.0.0.1");
    assert_int_equal(unlink(rig->hosts), 0);
    assert_int_equal(mkdir(rig->hosts, 0700), 0);
    expect("localhost", "127.0.0.1");
    expect("web.test", "10.0.0.3");
    assert_int_equal(rmdir(rig->hosts), 0);
    return 0;
}

static void strange_files_are_empty(void **state)
{
    (void)state;
    run_real(strange_files, true, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_hosts_file_is_seen),
        cmocka_unit_test(a_changed_resolv_conf_is_seen),
        cmocka_unit_test(strange_files_are_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
