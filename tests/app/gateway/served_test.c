/* SPDX-License-Identifier: MIT */
/* What 'weir check' takes, 'weir serve' serves: tried with configurations made of all that has a meaning, and
 * with the corpora of the fuzzers. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sanitizer.h"
#include "config/load.h"
#include "routes/table.h"
#include "support/refusal.h"

/* Fewer under sanitizers, which are slow and look for nothing that a draw decides. */
#if defined(WITH_ASAN) || defined(WITH_TSAN)
enum { TRIES = 40000 };
#else
enum { TRIES = 112000 };
#endif
enum { TAKEN_LEAST = TRIES / 1120 }; /* of each form, else it shows nothing */
enum { TEXT_BYTES = 4096, FILE_BYTES_MAX = 1 << 20 };

static uint64_t seed = 1;

static unsigned draw(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

/* Reads a configuration. Returns: whether it was taken. */
static bool is_taken(const char *bytes, size_t length)
{
    struct config config;
    struct config_faults faults;
    const char *refused;

    config_faults_open(&faults, "f");
    if (config_parse(&config, bytes, length, &route_kinds, &faults) != 0)
        return false;
    refused = refusal_of(&config);
    config_free(&config);
    if (refused != NULL)
        fail_msg("%s is refused of:\n%.*s", refused, (int)length, bytes);
    return true;
}

/* --- made of pieces --- */

static const char *const path_pieces[] = {
    "/",   "/", "/a", "/{a}", "/{b_2}", "{b-c}", "/{_9}", "{9}", "/*", "*", ".",        "..", "%41", "%2f",
    "%00", "%", "a",  "~",    "-",      "@:",    "\\\"",  "?",   "#",  " ", "\xc3\xa4", "//", "{}",  "|"};
static const char *const host_pieces[] = {"127.0.0.1", "[::1]", "::1", "localhost", "a-b",       ".",
                                          "_",         "1",     "-",   "1.2.3",     "256.0.0.1", "%41",
                                          "@",         "0x7f",  "[",   "]",         "\xc3\xa4",  ""};
static const char *const port_pieces[] = {":80", ":0", ":65535", ":65536", ":", "", ":8o", ":00080"};
static const char *const query_pieces[] = {"?", "&x={a}", "{a}", "{b}",  "=", "%20", "%2",   "#",
                                           "+", "{",      "}",   "\\\\", "<", "'",   "!$()", "/"};
static const char *const name_pieces[] = {
    "x-a",        "Host",        "Connection",     "Content-Length", "TE",  "Trailer",           "Upgrade",
    "Keep-Alive", "Proxy-Thing", "Expect",         "accept",         "a b", "Transfer-Encoding", "x:y",
    "date",       "\xc3\xa4",    "Accept-Encoding"};
static const char *const value_pieces[] = {"a",     " ",       "\\t",  "\\n", "\xc3\xa4",
                                           "\\x7f", "\\u0001", "b: c", ""};
static const char *const limits[] = {"head: 1MiB",
                                     "head: 16MiB",
                                     "head: 1",
                                     "headers: 1",
                                     "headers: 100000",
                                     "body: 1TiB",
                                     "idle_timeout: 1ns",
                                     "head_timeout: 0s",
                                     "body_rate: 0",
                                     "connections: 1",
                                     "exchanges: 2000000",
                                     "connections_per_client: 3",
                                     "idle_timeout: 2562047h"};
static const char *const method_pieces[] = {"GET", "POST", "CONNECT", "PURGE", "\"\"", "get", "PATCH"};

static const char *const wildcards[] = {"", "", "*.", "*", ".", "*.*.", "a.", "A."};
static const char *const schemes[] = {"http://", "http://", "unix:", "https://", "", "unix:/run/"};
static const char *const origins[] = {
    "",         "",  "https://{host}", "http://h:80", "https://www.{host}:443", "//", "{path}",
    "https://", "/", "https://{a}",    "ftp://h"};
static const char *const backend_pieces[] = {
    "host: \"a:1\"",
    "host: \"[::1]\"",
    "host: \"a b\"",
    "balance: round_robin",
    "balance: {hash: \"{a}{host}\"}",
    "connections: {max: 1000000, queue: 10000000, idle: 1h, timeout: 1ms}",
    "connections: {max: 1, queue: 1, idle: 1ms, timeout: 1h}",
    "health: {path: \"/h?a=%20\", every: 10ms, timeout: 1ms, failed: 1000, good: 1000}",
    "health: {path: \"/{a}\"}",
    "health: {path: \"/\", every: 1h, timeout: 1h, failed: 1, good: 1}",
    "eject: {after: 4095, for: 5m, at_most: 100%}",
    "eject: {after: 1, for: 1ms, at_most: 1%}",
    "eject: false",
    "breaker: {failed: 100%, of: 65536, within: 10m, open: 1m}",
    "breaker: {failed: 1%, of: 1, within: 100ms, open: 1ms}",
    "breaker: {within: 1ms}",
    "limit: 10000000",
    "limit: 1"};

static const char *const listener_pieces[] = {"proxy_protocol: true",
                                              "proxy_protocol: false",
                                              "tls: {certificates: [{cert: a, key: b}]}",
                                              "tls: {certificates: [{cert: a, key: b}, {cert: c, key: d}]}",
                                              "tls: {client_ca: e, certificates: [{cert: a, key: b}]}",
                                              "tls: {certificates: [{cert: a, key: b}], min: \"1.2\"}",
                                              "tls: {certificates: []}"};
static const char *const tls_pieces[] = {"ca: a",         "cert: a, key: b", "cert: a",      "name: \"a.b\"",
                                         "name: \"a:1\"", "verify: false",   "min: \"1.3\"", "min: 1"};
static const char *const scheme_pieces[] = {"http", "https", "any", "HTTP", "\"\""};

#define ONE_OF(pieces) (pieces)[draw(sizeof(pieces) / sizeof *(pieces))]
#define SOME_OF(out, pieces, most) some_of(out, sizeof(out), pieces, sizeof(pieces) / sizeof *(pieces), most)

static const char *some_of(char *out, size_t room, const char *const *pieces, size_t count, unsigned most)
{
    size_t used = 0;

    out[0] = '\0';
    for (unsigned n = 1 + draw(most); n > 0; n--)
        used += (size_t)snprintf(out + used, room - used, "%s", pieces[draw((unsigned)count)]);
    return out;
}

/* One part at a time is made of pieces: of several, nearly always one would have a fault. */
static void each_part_that_is_taken_is_served(void **state)
{
    static const char *const forms[] = {
        "listen: \"%s\"\nroutes:\n  - {path: /, respond: {body: x}}\n",
        "listen: a:1\nroutes:\n  - {path: \"%s\", respond: {body: x}}\n",
        "listen: a:1\nroutes:\n  - {path: \"/{a}\", gather: {calls: [{name: a, url: \"http://%s\"}]}}\n",
        ("listen: a:1\nroutes:\n  - {path: /, gather: {calls: [{name: a, url: \"http://h\", headers: "
         "{%s}}]}}\n"),
        "listen: a:1\n%s\nroutes:\n  - {path: /, respond: {body: x}}\n",
        "listen: a:1\nroutes:\n  - {path: /, methods: [%s], respond: {body: x}}\n",
        "listen: a:1\nadmin: \"%s\"\nroutes:\n  - {path: /, respond: {body: x}}\n",
        "listen: a:1\nroutes:\n  - {path: /, host: \"%s\", respond: {body: x}}\n",
        ("listen: a:1\nroutes:\n  - {path: \"/{a}\", respond: {body: x}, headers: {response: {set: {%s}}, "
         "request: "
         "{set: {%s}}}}\n"),
        ("listen: a:1\nbackends: {b: {%s}}\nroutes:\n  - {path: \"/{a}\", gather: {calls: [{name: a, "
         "backend: b, path: "
         "\"/{a}\"}]}}\n"),
        "listen: a:1\nroutes:\n  - {path: \"/{a}/*\", redirect: {to: \"%s\"}}\n",
        ("listen: a:1\nbackends: {b: {urls: \"http://b\"}}\nroutes:\n  - {path: \"/{a}\", gather: {calls: "
         "[{name: a, "
         "backend: b, path: \"%s\"}]}}\n"),
        "listen: a:1\nresolver: {servers: [\"%s\"]}\nroutes:\n  - {path: /, respond: {body: x}}\n",
        "listen: {address: %s}\nroutes:\n  - {path: /, respond: {body: x}}\n",
        ("listen: a:1\nbackends: {b: {urls: \"https://b\", tls: {%s}}}\nroutes:\n  - {path: /, respond: "
         "{body: "
         "x}}\n"),
        ("listen: [a:1, {address: \"a:2\", tls: {certificates: [{cert: a, key: b}]}}]\nroutes:\n  - {path: "
         "/, "
         "scheme: %s, respond: {body: x}}\n"),
    };
    enum { FORMS = sizeof forms / sizeof *forms };
    int taken[FORMS] = {0};

    (void)state;
    for (int i = 0; i < TRIES; i++) {
        char part[1000], a[400], b[400], text[TEXT_BYTES];
        const unsigned form = (unsigned)i % FORMS;
        int length;
        switch (form) {
        case 0:
        case 6:
            snprintf(part, sizeof part, "%s%s", SOME_OF(a, host_pieces, 4), ONE_OF(port_pieces));
            break;
        case 1:
            snprintf(part, sizeof part, "%s", SOME_OF(a, path_pieces, 6));
            break;
        case 2:
            snprintf(part, sizeof part, "h%s%s%s", ONE_OF(port_pieces), SOME_OF(a, path_pieces, 4),
                     SOME_OF(b, query_pieces, 4));
            break;
        case 3:
            snprintf(part, sizeof part, "\"%s\": \"%s\"", ONE_OF(name_pieces), SOME_OF(a, value_pieces, 4));
            break;
        case 4:
            snprintf(part, sizeof part, "limits: {%s}\ndrain: %s", ONE_OF(limits), draw(2) ? "0s" : "30s");
            break;
        case 7:
            snprintf(part, sizeof part, "%s%s", ONE_OF(wildcards), SOME_OF(a, host_pieces, 4));
            break;
        case 8:
            snprintf(part, sizeof part, "\"%s\": \"%s\"", ONE_OF(name_pieces), SOME_OF(a, value_pieces, 4));
            break;
        case 9:
            snprintf(part, sizeof part, "urls: \"%s%s%s\", %s", ONE_OF(schemes), SOME_OF(a, host_pieces, 2),
                     ONE_OF(port_pieces), ONE_OF(backend_pieces));
            break;
        case 10:
            snprintf(part, sizeof part, "%s%s%s", ONE_OF(origins), SOME_OF(a, path_pieces, 4),
                     SOME_OF(b, query_pieces, 4));
            break;
        case 11:
            snprintf(part, sizeof part, "%s%s", SOME_OF(a, path_pieces, 4), SOME_OF(b, query_pieces, 4));
            break;
        case 12:
            snprintf(part, sizeof part, "%s%s", SOME_OF(a, host_pieces, 2), ONE_OF(port_pieces));
            break;
        case 13:
            snprintf(part, sizeof part, "\"%s%s\", %s", SOME_OF(a, host_pieces, 2), ONE_OF(port_pieces),
                     ONE_OF(listener_pieces));
            break;
        case 14:
            snprintf(part, sizeof part, "%s", ONE_OF(tls_pieces));
            break;
        case 15:
            snprintf(part, sizeof part, "%s", ONE_OF(scheme_pieces));
            break;
        default:
            snprintf(part, sizeof part, "%s", ONE_OF(method_pieces));
        }
        length = snprintf(text, sizeof text, forms[form], part, part);
        taken[form] += is_taken(text, (size_t)length);
    }
    for (int form = 0; form < FORMS; form++)
        if (taken[form] < TAKEN_LEAST)
            fail_msg("only %d of form %d were taken: the test shows nothing", taken[form], form);
}

/* --- the corpora --- */

static void try_folder(const char *folder, int *files)
{
    DIR *dir = opendir(folder);
    char *bytes = malloc(FILE_BYTES_MAX);

    assert_non_null(bytes);
    for (struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL; entry = readdir(dir)) {
        char path[1000];
        FILE *file;
        size_t length;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        file = entry->d_name[0] != '.' ? fopen(path, "rb") : NULL;
        if (file == NULL)
            continue;
        length = fread(bytes, 1, FILE_BYTES_MAX, file);
        (void)is_taken(bytes, length);
        ++*files;
        fclose(file);
    }
    if (dir != NULL)
        closedir(dir);
    free(bytes);
}

static void the_corpora_are_no_exception(void **state)
{
    static const char *const folders[] = {"config", "path", "request_head", "json_pick", "text"};
    int files = 0;

    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char folder[100];
        snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", folders[i]);
        try_folder(folder, &files);
    }
    assert_true(files >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_that_is_taken_is_served),
        cmocka_unit_test(the_corpora_are_no_exception),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
