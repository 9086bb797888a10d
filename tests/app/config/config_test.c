/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "app/support/reading.h"
#include "config/route_kind.h"
#include "routes/gather_settings.h"
#include "routes/respond.h"

#define HEAD "listen: 127.0.0.1:8080\nroutes:\n"
#define HELLO "  - {path: /, respond: {body: x}}\n"

static void the_defaults_are_those_promised(void **state)
{
    struct config c;

    (void)state;
    reading_fine(HEAD HELLO, &c);
    assert_int_equal(c.listen_count, 1);
    assert_string_equal(c.listen[0].host, "127.0.0.1");
    assert_int_equal(c.listen[0].port, 8080);
    assert_null(c.admin);
    assert_int_equal(c.loops, 0);
    assert_int_equal(c.io, CONFIG_IO_AUTO);
    assert_int_equal(c.drain.ns, weir_seconds(30).ns);
    assert_int_equal(c.limits.head_bytes, 16 << 10);
    assert_int_equal(c.limits.headers, 100);
    assert_int_equal(c.limits.body_bytes, 1 << 20);
    assert_int_equal(c.limits.reply_bytes, 4 << 20);
    assert_int_equal(c.limits.head_timeout.ns, weir_seconds(10).ns);
    assert_int_equal(c.limits.idle_timeout.ns, weir_seconds(60).ns);
    assert_int_equal(c.limits.connections, 10000);
    assert_int_equal(c.limits.exchanges, 2000);
    assert_non_null(config_pool_find(&c, "compute"));
    assert_non_null(config_pool_find(&c, "blocking"));
    assert_int_equal(c.stall.after.ns, weir_ms(10).ns);
    assert_int_equal(c.guard.mode, CONFIG_GUARD_COUNT);
    assert_null(c.guard.allow);
    assert_int_equal(c.log, CONFIG_LOG_TEXT);
    assert_true(c.access_log.on);
    config_free(&c);
}

static void outliers_are_read(void **state)
{
    struct config c;

    (void)state;
    reading_fine(HEAD HELLO, &c);
    assert_int_equal(c.outliers.keep, 100);
    assert_null(c.outliers.path);
    assert_int_equal(c.outliers.disk_bytes, 64 << 20);
    assert_int_equal(c.routes[0].slow.ns, 0);
    assert_int_equal(strlen(c.digest), strlen("sha256:") + 64);
    config_free(&c);
    reading_fine(
        "outliers: {keep: 5, path: /a, disk: 1MiB}\n" HEAD "  - {path: /, respond: {}, slow: 500ms}\n", &c);
    assert_int_equal(c.outliers.keep, 5);
    assert_string_equal(c.outliers.path, "/a");
    assert_int_equal(c.outliers.disk_bytes, 1 << 20);
    assert_int_equal(c.routes[0].slow.ns, weir_ms(500).ns);
    config_free(&c);
    reading_fine("outliers: false\n" HEAD HELLO, &c);
    assert_int_equal(c.outliers.keep, 0);
    config_free(&c);
}

static void the_guard_is_read(void **state)
{
    struct config c;

    (void)state;
    reading_fine("guard: {mode: abort, allow: [getaddrinfo, \"read:file\"]}\n" HEAD HELLO, &c);
    assert_int_equal(c.guard.mode, CONFIG_GUARD_ABORT);
    assert_string_equal(c.guard.allow[0], "getaddrinfo");
    assert_string_equal(c.guard.allow[1], "read:file");
    assert_null(c.guard.allow[2]);
    config_free(&c);
}

static void the_watch_is_read(void **state)
{
    struct config c;

    (void)state;
    reading_fine("stall: {after: 2s, then: abort}\n" HEAD HELLO, &c);
    assert_int_equal(c.stall.after.ns, weir_seconds(2).ns);
    assert_int_equal(c.stall.then, CONFIG_STALL_ABORT);
    config_free(&c);
    reading_fine("stall: {after: 1ms}\n" HEAD HELLO, &c);
    assert_int_equal(c.stall.then, CONFIG_STALL_LOG);
    config_free(&c);
}

static void a_gather_is_read_whole(void **state)
{
    const struct gather_settings *gather;
    const struct config_route *route;
    struct config c;

    (void)state;
    reading_fine(HEAD "  - path: /page/{id}\n"
                      "    methods: [GET, POST]\n"
                      "    limits: {body: 2KiB, reply: 1GiB}\n"
                      "    gather:\n"
                      "      deadline: 2s\n"
                      "      require: all\n"
                      "      forward: [authorization]\n"
                      "      calls:\n"
                      "        - {name: a, url: \"http://h:1/u/{id}?q={id}\", deadline: 200ms}\n"
                      "        - {name: b, url: \"http://[::1]\", method: POST, headers: {x-a: b}}\n",
                 &c);
    route = &c.routes[0];
    gather = route->settings;
    assert_string_equal(route->methods, "GET POST");
    assert_int_equal(route->limits.body_bytes, 2048);
    assert_int_equal(route->limits.reply_bytes, 1 << 30);
    assert_int_equal(gather->deadline.ns, weir_seconds(2).ns);
    assert_int_equal(gather->require, GATHER_ALL);
    assert_string_equal(gather->forward[0], "authorization");
    assert_int_equal(gather->call_count, 2);
    assert_string_equal(gather->calls[0].url.origin, "http://h:1");
    assert_int_equal(gather->calls[0].deadline.ns, weir_ms(200).ns);
    assert_int_equal(gather->calls[0].url.part_count, 4);
    assert_false(gather->calls[0].url.parts[1].in_query);
    assert_true(gather->calls[0].url.parts[3].in_query);
    assert_string_equal(gather->calls[1].method_text, "POST");
    assert_string_equal(gather->calls[1].headers.header[0].value, "b");
    config_free(&c);
}

static const struct reading_fault table[] = {
    {"", 1, 1, "empty"},
    {"routes: []\n", 1, 1, "listen"},
    {"listen: 127.0.0.1:8080\n", 1, 1, "routes"},
    {"listn: 127.0.0.1:8080\nroutes:\n" HELLO, 1, 1, "did you mean 'listen'?"},
    {"listen: 127.0.0.1\nroutes:\n" HELLO, 1, 9, "HOST:PORT"},
    {"listen: 127.0.0.1:70000\nroutes:\n" HELLO, 1, 19, "65535"},
    {"listen: ::1:80\nroutes:\n" HELLO, 1, 9, "brackets"},
    {"listen: [a:1, a:1]\nroutes:\n" HELLO, 1, 15, "of its own"},
    {"admin: 127.0.0.1:8080\n" HEAD HELLO, 1, 8, "of its own"},
    {"loops: 0\n" HEAD HELLO, 1, 8, "loops"},
    {"stall: {after: 0ms}\n" HEAD HELLO, 1, 16, "1ms"},
    {"stall: {after: soon}\n" HEAD HELLO, 1, 16, "stall.after"},
    {"stall: {then: warn}\n" HEAD HELLO, 1, 15, "log or abort"},
    {"stall: {afer: 1ms}\n" HEAD HELLO, 1, 9, "did you mean 'after'?"},
    {"outliers: on\n" HEAD HELLO, 1, 11, "true, false or a mapping"},
    {"outliers: [1]\n" HEAD HELLO, 1, 11, "mapping"},
    {"outliers: {keep: 0}\n" HEAD HELLO, 1, 18, "1 to 10000"},
    {"outliers: {path: ''}\n" HEAD HELLO, 1, 18, "text that is not empty"},
    {"outliers: {path: a, disk: 1KiB}\n" HEAD HELLO, 1, 27, "1MiB"},
    {"outliers: {disk: 2MiB}\n" HEAD HELLO, 1, 12, "without outliers.path"},
    {"outliers: {folder: a}\n" HEAD HELLO, 1, 12, "unknown key 'folder'"},
    {HEAD "  - {path: /, respond: {}, slow: 0s}\n", 3, 34, "at least 1ms"},
    {"outliers: false\n" HEAD "  - {path: /, respond: {}, slow: 1s}\n", 4, 5, "but outliers is false"},
    {"guard: {mode: on}\n" HEAD HELLO, 1, 15, "off, count, warn or abort"},
    {"guard: {allow: read}\n" HEAD HELLO, 1, 16, "list"},
    {"guard: {allow: [read, raed]}\n" HEAD HELLO, 1, 23, "did you mean 'read'?"},
    {"guard: {alow: [read]}\n" HEAD HELLO, 1, 9, "did you mean 'allow'?"},
    {"loops: many\n" HEAD HELLO, 1, 8, "loops"},
    {"io: kqueue\n" HEAD HELLO, 1, 5, "auto, uring or epoll"},
    {"drain: 30\n" HEAD HELLO, 1, 8, "drain"},
    {"limits: {hed: 1KiB}\n" HEAD HELLO, 1, 10, "did you mean 'head'?"},
    {"limits: {body: 1KB}\n" HEAD HELLO, 1, 16, "limits.body"},
    {"loops: 1\nloops: 2\n" HEAD HELLO, 2, 1, "loops"},
    {"listen: &a 127.0.0.1:1\nroutes:\n" HELLO, 1, 9, "anchor"},
    {"loops: 010\n" HEAD HELLO, 1, 8, "whole number"},
    {"loops: 1.5\n" HEAD HELLO, 1, 8, "whole number"},
    {"access_log: yes\n" HEAD HELLO, 1, 13, "true, false or a mapping"},
    {"admin_hosts: [a]\n" HEAD HELLO, 1, 1, "without admin"},
    {"admin: 127.0.0.1:0\nadmin_hosts: [a, 'b:1']\n" HEAD HELLO, 2, 18, "without a port"},
    {"admin: 127.0.0.1:0\nadmin_host: [a]\n" HEAD HELLO, 2, 1, "did you mean 'admin_hosts'?"},
    /* bytes */
    {"\xef\xbb\xbflisen: 127.0.0.1:0\n", 1, 1, "did you mean 'listen'?"},
    {"# a\n\xef\xbb\xbf" HEAD HELLO, 2, 1, "byte order mark"},
    {"\xff\xfel", 1, 1, "UTF-16, expected UTF-8"},
    {"io: a\x01\n" HEAD HELLO, 1, 6, "control character (0x01)"},
    {"# \xc3\xa4\xff\n" HEAD HELLO, 1, 4, "expected UTF-8"},
    {"io: a\xe2\x80\xa8z\n" HEAD HELLO, 1, 6, "line break"},
    /* tabs */
    {"limits:\n\tbody: 1MiB\n" HEAD HELLO, 2, 1, "a tab: indent with spaces"},
    {HEAD "  - path: /\n\t  respond: {}\n", 4, 1, "a tab: indent with spaces"},
    {HEAD "  - path: /\n  \trespond: {}\n", 4, 3, "a tab: indent with spaces"},
    {HEAD "  -\tpath: /\n    respond: {}\n", 3, 4, "a tab: indent with spaces"},
    {HEAD "\t- {path: /, respond: {}}\n", 3, 1, "a tab: indent with spaces"},
    {"\t" HEAD HELLO, 1, 1, "a tab: indent with spaces"},
    {"limits:\r\n\tbody: 1MiB\r\n" HEAD HELLO, 2, 1, "a tab: indent with spaces"},
    /* quotes */
    {"io: \"auto\nlog: text\n" HEAD HELLO, 1, 5, "quote \" that begins here is never closed"},
    {"io: 'auto\nlog: text\n" HEAD HELLO, 1, 5, "quote ' that begins here is never closed"},
    {"io: 'auto\n---\n" HEAD HELLO, 1, 5, "quote ' that begins here is never closed"},
    {HEAD "  - {path: '/a, respond: {}}\n  - {path: '/b', respond: {}}\n", 3, 12, "not closed before line 4"},
    {"io: \"auto\nlog: \"text\"\n" HEAD HELLO, 1, 5, "not closed before line 2"},
    {"io: \"a\\q\"\n" HEAD HELLO, 1, 7, "escape"},
    {"io: a: b\n" HEAD HELLO, 1, 6, "quotes around"},
    {"io: @a\n" HEAD HELLO, 1, 5, "@ cannot begin a value, expected quotes"},
    {HEAD "  - {path: *, respond: {}}\n", 3, 12, "* cannot begin a value, expected quotes"},
    /* brackets */
    {"limits: {body: 1MiB\n" HEAD HELLO, 1, 9, "the { that begins here is never closed, expected }"},
    {HEAD "  - {path: /, methods: [GET, respond: {}}\n", 3, 0, NULL},
    {HEAD "  - {path: /, respond: {}\n" HELLO, 3, 5, "never closed"},
    {"listen: [127.0.0.1:0\nroutes:\n" HELLO, 1, 9, "the [ that begins here is never closed, expected ]"},
    {HEAD "  - {path: /, respond: {}}}\n", 3, 27, "closes nothing"},
    {HEAD "  - {path: /, respond: {]}\n", 3, 25, "expected a value"},
    {HEAD "  - {path: /page/{id}, respond: {}}\n", 3, 18, "needs quotes"},
    {HEAD "  - {path: / respond: {}}\n", 3, 21, "expected ','"},
    /* indentation and colons */
    {"limits:\n  body: 1MiB\n   head: 1KiB\n" HEAD HELLO, 3, 4, "indented by 3, expected 2 as in line 2"},
    {"limits:\n    body: 1MiB\n  head: 1KiB\n" HEAD HELLO, 3, 3, "indented by 2, expected 0 as in line 1"},
    {" " HEAD HELLO, 2, 1, "indented by 0, expected 1 as in line 1"},
    {HEAD "  - path: /\n   respond: {}\n", 4, 4, "indented by 3, expected 2 as in line 3"},
    {"io auto\n" HEAD HELLO, 1, 1, "KEY: VALUE"},
    {"log: text\nio auto\n" HEAD HELLO, 2, 1, "KEY: VALUE"},
    {"log: text\n- io: auto\n" HEAD HELLO, 2, 1, "a list's '-' among the keys"},
    {"%YAML 1.2\n" HEAD HELLO, 2, 1, "expected ---"},
    {HEAD HELLO "---\nx: y\n", 4, 1, "second document"},
    {"a: &a [x]\nb: *a\n" HEAD HELLO, 1, 4, "anchor"},
    /* the shape of json.pick */
    {HEAD "  - {path: /, json: {pick: {each: /a, pik: /b}}}\n", 3, 39, "did you mean 'pick'?"},
    {HEAD "  - {path: /, json: {pick: {a: {eache: /a, pick: /b}}}}\n", 3, 33, "did you mean 'each'?"},
    {HEAD "  - {path: /, json: {pick: {a: [{each: /a, Pick: /b}]}}}\n", 3, 0, "did you mean 'pick'?"},
    {HEAD "  - {path: /, json: {pick: {eahc: /a, pik: /b}}}\n", 3, 29, "did you mean 'each'?"},
    {HEAD "  - {path: x, respond: {}}\n", 3, 12, "path"},
    {HEAD "  - {path: /{a}/{a}, respond: {}}\n", 3, 0, NULL},
    {HEAD "  - {path: '/x/{user-id}', respond: {}}\n", 3, 17, "letters, digits and '_'"},
    {HEAD "  - {path: '/x/{1}', respond: {}}\n", 3, 17, "starting with a letter or '_'"},
    {HEAD "  - {respond: {}}\n", 3, 5, "path"},
    {HEAD "  - {path: /}\n", 3, 5, "has no kind"},
    {HEAD "  - {path: /, respnd: {}}\n", 3, 15, "did you mean 'respond'?"},
    {HEAD "  - {path: /, respond: {}, sleep: {for: 1s}}\n", 3, 28, "second kind"},
    {HEAD "  - {path: /, run: {function: x}}\n", 3, 15, "not in this build"},
    {HEAD "  - {path: /, respond: {type: plain}}\n", 3, 31, "respond.type is 'plain', expected a media type"},
    {HEAD "  - {path: /, respond: {type: ''}}\n", 3, 31, "a media type"},
    {HEAD "  - {path: /, respond: {}, headers: {response: {set: {Content-Type: text}}}}\n", 3, 69,
     "headers.response.set is 'text', expected a media type"},
    {HEAD "  - {path: '/{id}', respond: {}, headers: {response: {set: {content-type: 'a/b {id}'}}}}\n"
          "  - {path: '/x/*', file: {root: x, types: {md: 'text/x y'}}}\n",
     4, 48, "a media type"},
    {HEAD "  - {path: /, respond: {status: 99}}\n", 3, 33, "respond.status"},
    {HEAD "  - {path: /, respond: {status: 204, body: x}}\n", 3, 0, "204"},
    {HEAD "  - {path: /, respond: {headers: {Content-Length: 1}}}\n", 3, 0, "connection"},
    {HEAD "  - {path: /, methods: [GTE], respond: {}}\n", 3, 25, "GET"},
    {HEAD "  - {path: /, methods: [GET, POST], thumbnail: {width: 1, height: 1}}\n", 3, 25,
     "'GET', which this route of the kind 'thumbnail' never answers, expected POST, PUT"},
    {HEAD "  - {path: /, methods: HEAD, thumbnail: {width: 1, height: 1}}\n", 3, 24, "'HEAD', which"},
    {HEAD "  - {path: /, sleep: {}}\n", 3, 0, "5ms"},
    {HEAD "  - {path: /, burn: {cpu: 1m1s}}\n", 3, 27, "burn.cpu"},
    {HEAD "  - {path: /, respond: {}, compress_response: maybe}\n", 3, 47, "true, false or a mapping"},
    {HEAD "  - {path: /, respond: {}, compress_response: [gzip]}\n", 3, 47, "true, false or a mapping"},
    {HEAD "  - {path: /, respond: {}, methods: {GET: 1}}\n", 3, 37, "a method, or a list of them"},
    {HEAD "  - {path: /, respond: {}, limits: {body: 0}}\n", 3, 43, "a size above 0, such as 16KiB"},
    {HEAD "  - {path: /, serve: [shop]}\n", 3, 22, "the name of one in apps, or a mapping"},
    {"listen: [[127.0.0.1:0]]\nroutes:\n" HELLO, 1, 10, "HOST:PORT, unix:PATH, or a mapping with address"},
    {HEAD "  - {path: /, respond: {}, compress_response: {encodings: [gzp]}}\n", 3, 60,
     "did you mean 'gzip'?"},
    {HEAD "  - {path: /, respond: {}, compress_response: {encodings: [br, br]}}\n", 3, 64, "'br' twice"},
    {HEAD "  - {path: /, respond: {}, compress_response: {encodings: []}}\n", 3, 59, "empty list"},
    {HEAD "  - {path: /, respond: {}, compress_response: {levels: {br: 12}}}\n", 3, 61, "from 0 to 11"},
    {HEAD "  - {path: /, respond: {}, compress_response: {minn: 1KiB}}\n", 3, 48, "did you mean 'min'?"},
    {HEAD "  - {path: /, hash: {algorithm: sha265}}\n", 3, 33, "did you mean 'sha256'?"},
    {HEAD "  - {path: /, hash: {algoritm: md5}}\n", 3, 22, "did you mean 'algorithm'?"},
    {HEAD "  - {path: /, compress: {level: 3}}\n", 3, 25, "no 'encoding', expected gzip, br or zstd"},
    {HEAD "  - {path: /, compress: {encoding: deflate}}\n", 3, 36, "gzip, br or zstd"},
    {HEAD "  - {path: /, compress: {encoding: gzip, level: 10}}\n", 3, 49, "from 1 to 9 for gzip"},
    {HEAD "  - {path: /, compress: {encoding: br, level: -1}}\n", 3, 47, "from 0 to 11 for br"},
    {HEAD "  - {path: /, compress: {encoding: zstd, level: 22}}\n", 3, 49, "from 1 to 19 for zstd"},
    {HEAD "  - {path: /, compress: {encoding: zstd, at_once: 0}}\n", 3, 51, "compress.at_once"},
    {HEAD "  - {path: /, json: {}}\n", 3, 21, "no 'pick', expected a JSON pointer"},
    {HEAD "  - {path: /, json: {pick: {a: b}}}\n", 3, 32, "one that begins with /"},
    {HEAD "  - {path: /, json: {pick: [/a~2]}}\n", 3, 29, "~0"},
    {HEAD "  - {path: /, json: {pick: {each: [/a], pick: /b}}}\n", 3, 28, "each is not a string"},
    {HEAD "  - {path: /, json: {pick: /a, missing: nul}}\n", 3, 41, "did you mean 'null'?"},
    {HEAD "  - {path: /, json: {pick: /a, depth: 2000}}\n", 3, 39, "from 0 to 1024"},
    {HEAD "  - {path: /, thumbnail: {width: 5}}\n", 3, 26, "no 'height', expected a number of pixels"},
    {HEAD "  - {path: /, thumbnail: {width: 5, height: 4097}}\n", 3, 45, "from 1 to 4096"},
    {HEAD "  - {path: /, thumbnail: {width: 5, height: 5, format: gif}}\n", 3, 56, "auto, jpeg, png or webp"},
    {HEAD "  - {path: /t, thumbnail: {width: 5, height: 5, root: .}}\n", 3, 27, "ends with /*"},
    {HEAD "  - {path: /t, thumbnail: {width: 5, height: 5, memory: 1KiB}}\n", 3, 57, "from 1MiB"},
    {HEAD "  - {path: /, on: nowhere, respond: {}}\n", 3, 19, "nowhere"},
    {HEAD "  - {path: /, on: computer, burn: {cpu: 1ms}}\n", 3, 19, "did you mean 'compute'?"},
    {HEAD "  - {path: /, share: 30, burn: {cpu: 1ms}}\n", 3, 22, "such as 30%"},
    {HEAD "  - {path: /, share: 101%, burn: {cpu: 1ms}}\n", 3, 22, "at most 100%"},
    {HEAD "  - {path: /, share: 30%, respond: {}}\n", 3, 15, "uses no pool"},
    {HEAD "  - {path: /, on: loop, share: 30%, burn: {cpu: 1ms}}\n", 3, 25, "uses no pool"},
    {HEAD "  - {path: /a, share: 70%, burn: {cpu: 1ms}}\n  - {path: /b, share: 31%, burn: {cpu: 1ms}}\n", 4,
     23, "at most 30%, which is left of pool 'compute'"},
    {"pools: {loop: {}}\n" HEAD HELLO, 1, 9, "not 'loop'"},
    {"pools: {compute: {workers: 0}}\n" HEAD HELLO, 1, 28, "pool.workers"},
    {"pools: {compute: {worker: 2}}\n" HEAD HELLO, 1, 19, "did you mean 'workers'?"},
    {"pools: {images: {class: fast}}\n" HEAD HELLO, 1, 25, "compute or blocking"},
    {"pools: {compute: {class: blocking}}\n" HEAD HELLO, 1, 18, "expected 'compute', or another name"},
    {"pools: {compute: 2}\n" HEAD HELLO, 1, 18, "the pool"},
    {HEAD HELLO HELLO, 4, 5, "never reached"},
    {HEAD "  - {path: /, proxy: {}}\n", 3, 22,
     "proxy has no 'to', expected http:// or https://HOST[:PORT] or unix:PATH, or"},
    {HEAD "  - {path: /, proxy: {to: x}}\n", 3, 27, "http:// or https://HOST[:PORT]"},
    {HEAD "  - {path: /, proxy: {to: \"http://h/a?b\"}}\n", 3, 38, "no query"},
    {HEAD "  - {path: /, proxy: {to: \"http://h/{id}\"}}\n", 3, 0, "%XX"},
    {HEAD "  - {path: /, proxy: {to: \"unix:\"}}\n", 3, 0, "path of a Unix socket"},
    {HEAD "  - {path: /, proxy: {to: \"http://h\", backend: b}}\n", 3, 39, "beside 'to'"},
    {HEAD "  - {path: /, proxy: {backend: b}}\n", 3, 32, "'b'"},
    {HEAD "  - {path: /a/*, proxy: {to: \"http://h\", strip: /b}}\n", 3, 49,
     "with which the path '/a/*' begins"},
    {HEAD "  - {path: /ab/*, proxy: {to: \"http://h\", strip: /a}}\n", 3, 50, "whole segments"},
    {HEAD "  - {path: /a/*, proxy: {to: \"http://h\", strip: \"/a/*\"}}\n", 3, 49, "whole segments"},
    {HEAD "  - {path: /, proxy: {to: \"http://h\", timeout: 0s}}\n", 3, 48, "1ms"},
    {HEAD "  - {path: /, proxy: {to: \"http://h\", host: mine}}\n", 3, 45, "backend or client"},
    {HEAD "  - {path: /, proxy: {to: \"http://h\", buffer: 1GiB}}\n", 3, 47, "64MiB"},
    {HEAD "  - {path: /, proxy: {to: \"http://h\", striq: /a}}\n", 3, 39, "did you mean 'strip'?"},
    {HEAD "  - {path: /, gather: {calls: []}}\n", 3, 31, "1 to 256"},
    {HEAD "  - {path: /, gather: {calls: [{name: a, url: \"http://h/{id}\"}]}}\n", 3, 58, "{id}"},
    {HEAD "  - {path: /, gather: {calls: [{name: \"a\\\"b\", url: \"http://h/\"}]}}\n", 3, 0, "letters"},
    {HEAD "  - {path: /, gather: {deadline: 1s, calls: [{name: a, url: \"http://h/\", deadline: 2s}]}}\n", 3,
     0, "1s of the whole"},
    {HEAD "  - {path: /, gather: {calls: [{name: a, url: \"http://h/\"}, {name: a, url: \"http://h/\"}]}}\n",
     3, 0, "second time"},
    {HEAD "  - {path: /, gather: {forward: [host], calls: [{name: a, url: \"http://h/\"}]}}\n", 3, 0, "host"},
    {HEAD "  - {path: /, gather: {require: most, calls: [{name: a, url: \"http://h/\"}]}}\n", 3, 33,
     "all, any or none"},
};

static void faults_name_their_place_and_what_was_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        reading_has(&table[i]);
}

static void pools_are_read_with_the_shares_of_routes(void **state)
{
    const struct config_pool *images;
    const struct config_pool *compute;
    struct config c;

    (void)state;
    reading_fine(
        "pools: {compute: {workers: 3, queue: 0, wait: 0ms}, images: {class: blocking, workers: 7}}\n" HEAD
        "  - {path: /a, share: 30%, burn: {cpu: 1ms}}\n"
        "  - {path: /b, on: images, share: 100%, burn: {cpu: 1ms}}\n"
        "  - {path: /c, share: 70%, on: compute, burn: {cpu: 1ms}}\n"
        "  - {path: /d, on: loop, burn: {cpu: 1ms}}\n"
        "  - {path: /e, respond: {}}\n",
        &c);
    assert_int_equal(c.pool_count, 3);
    compute = config_pool_find(&c, "compute");
    images = config_pool_find(&c, "images");
    assert_int_equal(compute->work, WEIR_POOL_COMPUTE);
    assert_int_equal(compute->workers, 3);
    assert_int_equal(compute->queue, 0);
    assert_int_equal(compute->wait.ns, 0);
    assert_int_equal(compute->share_count, 2);
    assert_string_equal(compute->shares[1].name, "/c");
    assert_int_equal(compute->shares[1].percent, 70);
    assert_int_equal(images->work, WEIR_POOL_BLOCKING);
    assert_int_equal(images->queue, 64);
    assert_int_equal(images->wait.ns, weir_ms(250).ns);
    assert_int_equal(images->shares[0].percent, 100);
    assert_int_equal(config_pool_find(&c, "blocking")->work, WEIR_POOL_BLOCKING);
    assert_int_equal(config_pool_find(&c, "blocking")->workers, 0);
    assert_string_equal(c.routes[0].on, "compute");
    assert_int_equal(c.routes[0].share, 1);
    assert_int_equal(c.routes[1].share, 1);
    assert_int_equal(c.routes[2].share, 2);
    assert_string_equal(c.routes[3].on, "loop");
    assert_int_equal(c.routes[3].share, 0);
    assert_null(c.routes[4].on);
    config_free(&c);
}

static void shares_are_told_apart_by_host(void **state)
{
    const struct config_pool *compute;
    struct config c;

    (void)state;
    reading_fine(HEAD "  - {path: /a, host: one.test, share: 30%, burn: {cpu: 1ms}}\n"
                      "  - {path: /a, host: two.test, share: 20%, burn: {cpu: 1ms}}\n"
                      "  - {path: /b, host: two.test, share: 10%, burn: {cpu: 1ms}}\n",
                 &c);
    compute = config_pool_find(&c, "compute");
    assert_int_equal(compute->share_count, 3);
    assert_string_equal(compute->shares[0].name, "one.test/a");
    assert_string_equal(compute->shares[1].name, "two.test/a");
    assert_string_equal(compute->shares[2].name, "/b");
    config_free(&c);
}

static void several_faults_are_told_together_in_order(void **state)
{
    struct config c;
    struct config_faults faults;
    char out[2000] = "";
    const char *one, *two, *three, *four;
    FILE *file;

    (void)state;
    assert_int_equal(reading("listen: nowhere\nloops: 0\nio: x\nroutes:\n  - {path: /}\n", &c, &faults),
                     -WEIR_ECONFIG);
    file = fmemopen(out, sizeof out, "w");
    config_faults_print(&faults, true, file);
    fclose(file);
    one = strstr(out, "f:1:9: ");
    two = strstr(out, "f:2:8: ");
    three = strstr(out, "f:3:5: ");
    four = strstr(out, "f:5:5: ");
    if (one == NULL || two == NULL || three == NULL || four == NULL ||
        !(one < two && two < three && three < four))
        fail_msg("%s", out);
}

/* A fault never writes control characters of the file to the terminal. */
static void faults_are_printable(void **state)
{
    struct config c;
    struct config_faults faults;

    (void)state;
    assert_int_equal(reading("\"li\\e[2Jsten\": 1\n" HEAD HELLO, &c, &faults), -WEIR_ECONFIG);
    assert_null(strchr(faults.fault[0].text, '\033'));
}

static void what_can_not_be_read_is_a_fault(void **state)
{
    struct config c;
    struct config_faults faults;

    (void)state;
    assert_int_equal(config_load(&c, "/nowhere/at/all.yaml", &route_kinds, &faults), -WEIR_ECONFIG);
    assert_non_null(strstr(faults.fault[0].text, "cannot be read"));
}

static void a_byte_order_mark_is_skipped(void **state)
{
    struct config c;

    (void)state;
    reading_fine("\xef\xbb\xbf" HEAD HELLO, &c);
    config_free(&c);
    reading_fine("\xef\xbb\xbf# first\r\n" HEAD HELLO, &c);
    config_free(&c);
}

static void a_pick_may_have_members_of_any_other_name(void **state)
{
    struct config c;

    (void)state;
    reading_fine(HEAD "  - {path: /, json: {pick: {each: {each: /a, pick: /b}, x: {path: /p, eaten: /e, "
                      "picture: /f}, y: {peach: /a, pick: /b}}}}\n",
                 &c);
    config_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_promised),
        cmocka_unit_test(outliers_are_read),
        cmocka_unit_test(the_guard_is_read),
        cmocka_unit_test(the_watch_is_read),
        cmocka_unit_test(a_gather_is_read_whole),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
        cmocka_unit_test(a_pick_may_have_members_of_any_other_name),
        cmocka_unit_test(faults_name_their_place_and_what_was_expected),
        cmocka_unit_test(pools_are_read_with_the_shares_of_routes),
        cmocka_unit_test(shares_are_told_apart_by_host),
        cmocka_unit_test(several_faults_are_told_together_in_order),
        cmocka_unit_test(faults_are_printable),
        cmocka_unit_test(what_can_not_be_read_is_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
