/* SPDX-License-Identifier: MIT */
/* What is said of TLS: findings. */
#include "findings_rig.h"

static const int64_t now_s = 1793577600, day_s = 86400; /* 2026-11-02 */

/* A listener and a backend with a certificate each, without any fault. */
struct gateway {
    struct advice_input advice;
    struct snapshot_certificate certificates[2];
    struct snapshot_tls tls[2];
    struct findings_input in;
};

static void begin(struct gateway *g)
{
    static char listener[] = "0.0.0.0:443", backend[] = "db", cert[] = "/shop.pem",
                names[] = "shop.example.com", key[] = "ECDSA P-256", none[] = "";
    static char *const of[] = {listener, backend};
    static char *const named[] = {names, none};

    *g = (struct gateway){.advice = {.loops = 2, .cpus = 2}};
    for (int i = 0; i < 2; i++) {
        g->certificates[i] = (struct snapshot_certificate){
            .cert = cert, .names = named[i], .key = key, .not_after_s = now_s + 60 * day_s};
        g->tls[i] = (struct snapshot_tls){.side = i == 0 ? GATEWAY_TLS_LISTENER : GATEWAY_TLS_BACKEND,
                                          .name = of[i],
                                          .certificates = &g->certificates[i],
                                          .certificate_count = 1};
        g->tls[i].handshakes.last[LAST_60S].numbers[TLS_HANDSHAKES] = 1000;
        g->tls[i].handshakes.last[LAST_60S].numbers[TLS_RESUMED] = 800;
    }
    g->in = (struct findings_input){
        .advice = &g->advice,
        .tls = g->tls,
        .tls_count = 2,
        .now_s = now_s,
        .refused = {.reason = "other", .route = "none"},
        .host = {.wanted_ms = 500, .cpus = 2, .pressed_share = -1, .quota_cgroup = ""},
    };
}

static uint64_t *numbers(struct gateway *g, int i)
{
    return g->tls[i].handshakes.last[LAST_60S].numbers;
}

static const char *write_all(const struct gateway *g)
{
    return findings_text(&g->in);
}

static void says(const struct gateway *g, const char *wanted)
{
    findings_say(&g->in, wanted);
}

static void nothing_is_said_of_what_is_well(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    assert_string_equal(write_all(&g), "[]");
    g.certificates[0].not_after_s = now_s + 14 * day_s;
    numbers(&g, 0)[TLS_FAILED + WEIR_TLS_FAILED_LEFT] = 19;
    numbers(&g, 1)[TLS_HANDSHAKES] = 299; /* too few to say that none is resumed */
    numbers(&g, 1)[TLS_RESUMED] = 0;
    assert_string_equal(write_all(&g), "[]");
}

static void certificates_at_their_end_are_told(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    g.certificates[0].not_after_s = now_s + 13 * day_s;
    says(&g, "certificate of shop.example.com (/shop.pem, of 0.0.0.0:443) expires 2026-11-15, in 13 days: "
             "renew it");
    g.certificates[0].not_after_s = now_s - day_s;
    says(&g, "expired 2026-11-01, and clients that verify it refuse it");
    says(&g, "\"about\":\"certificate\",\"name\":\"shop.example.com\",\"impact\":1,");
}

static void files_that_cannot_be_used_are_told(void **state)
{
    static char why[] = "new.key is not the key of new.pem";
    struct gateway g;

    (void)state;
    begin(&g);
    g.certificates[0].failed = why;
    says(&g,
         "the files of the certificate of shop.example.com (of 0.0.0.0:443) have changed and cannot be used: "
         "new.key is not the key of new.pem. The old certificate");
}

static void many_failures_are_told_with_their_reason(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    numbers(&g, 0)[TLS_FAILED + WEIR_TLS_FAILED_REFUSED] = 250;
    numbers(&g, 0)[TLS_FAILED + WEIR_TLS_FAILED_LEFT] = 10;
    says(&g,
         "0.0.0.0:443: 20.6 % of 1260 handshakes of TLS fail, mostly (250) for refused: clients refuse the "
         "certificate");
    begin(&g);
    numbers(&g, 1)[TLS_HANDSHAKES] = 0;
    numbers(&g, 1)[TLS_RESUMED] = 0;
    numbers(&g, 1)[TLS_FAILED + WEIR_TLS_FAILED_EXPIRED] = 20;
    says(&g, "backend db: 100 % of 20 handshakes of TLS fail, mostly (20) for expired: its certificate has "
             "expired");
    for (int i = 0; i < WEIR_TLS_FAILURES; i++) { /* each has words, on both sides */
        begin(&g);
        numbers(&g, 0)[TLS_FAILED + i] = numbers(&g, 1)[TLS_FAILED + i] = 500;
        says(&g, "0.0.0.0:443: 33.3 %");
        says(&g, "backend db: 33.3 %");
        says(&g, weir_tls_failure_name((enum weir_tls_failure)i));
    }
}

static void sessions_that_are_not_resumed_are_told(void **state)
{
    struct gateway g;

    (void)state;
    begin(&g);
    numbers(&g, 0)[TLS_RESUMED] = numbers(&g, 1)[TLS_RESUMED] = 99;
    says(&g, "0.0.0.0:443: 1000 handshakes of TLS in the last minute, of which 9.9 % resumed a session");
    says(&g, "let clients keep their connections");
    says(&g, "or let the server keep sessions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_of_what_is_well),
        cmocka_unit_test(certificates_at_their_end_are_told),
        cmocka_unit_test(files_that_cannot_be_used_are_told),
        cmocka_unit_test(many_failures_are_told_with_their_reason),
        cmocka_unit_test(sessions_that_are_not_resumed_are_told),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);

    weir_buffer_free(&out.text);
    return failed;
}
