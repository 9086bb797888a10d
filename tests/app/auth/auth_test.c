/* SPDX-License-Identifier: MIT */
/* Tables of users and tokens, what clients say of themselves, and passwords that were right lately. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/credentials.h"
#include "auth/password.h"
#include "auth/verified.h"

#define SECRET "$2b$04$Sdy0bBqVenk4FJHnOn04AOFYM2agTG6mTUX1ZejtV0lYxOanj6nES"

static struct auth_table *table_of(enum config_auth_scheme scheme, const char *text)
{
    char fault[AUTH_FAULT_BYTES];
    struct auth_table *table = NULL;

    if (auth_table_make(scheme, weir_bytes_of(text), &table, fault) < 0)
        fail_msg("%s", fault);
    return table;
}

static void hashes_are_compared_and_others_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "$",
        "$2y$",
        "$5$",
        "$6$",
        "$2b$04$",
        "$2x$04$Sdy0bBqVenk4FJHnOn04AOFYM2agTG6mTUX1ZejtV0lYxOanj6nES",
        "$2b$03$Sdy0bBqVenk4FJHnOn04AOFYM2agTG6mTUX1ZejtV0lYxOanj6nES",
        "$2b$17$Sdy0bBqVenk4FJHnOn04AOFYM2agTG6mTUX1ZejtV0lYxOanj6nES",
        "$2b$04$Sdy0bBqVenk4FJHnOn04AO:YM2agTG6mTUX1ZejtV0lYxOanj6nES",
        "$1$a$b",
        "$apr1$a$b",
        "{SHA}x",
        "*",
        "!",
        "$5$rounds=9999999$mo2QcBu36n3SsnBI$tSslboVJD7BfI2iUFef3xMgaTb06ZxpADRmOLtt1WZ5"};

    (void)state;
    assert_null(password_hash_fault(SECRET));
    assert_int_equal(password_compare("secret", SECRET), 1);
    assert_int_equal(password_compare("Secret", SECRET), 0);
    assert_int_equal(password_compare("", SECRET), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (password_hash_fault(bad[i]) == NULL)
            fail_msg("'%s' passes", bad[i]);
}

static void a_hash_that_is_not_accepted_is_named(void **state)
{
    static const struct {
        const char *hash, *fault;
    } table[] = {
        {"$y$j9T$a$b",
         "is yescrypt ($y$, the default of mkpasswd), expected bcrypt (htpasswd -B FILE USER) or "
         "SHA-crypt (openssl passwd -6)"},
        {"$gy$j9T$a$b", "is yescrypt ($gy$), "},
        {"$7$CU..../....a$b", "is scrypt "},
        {"$apr1$a$b", "is MD5 ($apr1$"},
        {"$1$a$b", "is MD5 ($1$)"},
        {"$2x$04$Sdy0bBqVenk4FJHnOn04AOFYM2agTG6mTUX1ZejtV0lYxOanj6nES", "is bcrypt of a faulty program"},
        {"$argon2id$v=19$m=1,t=1,p=1$a$b", "is Argon2, "},
        {"{SHA}x", "is SHA-1 without salt"},
        {"{SSHA}x", "is SHA-1 ({SSHA})"},
        {"$99$x", "begins with $ and is of no known type"},
        {"{MD5}x", "begins with { and is of no known type"},
        {"secret", "is no hash: a password as it is"},
        {"", "is no hash: "},
    };
    char text[AUTH_FAULT_BYTES], fault[AUTH_FAULT_BYTES];
    struct auth_table *made = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *told = password_hash_fault(table[i].hash);
        if (told == NULL || strncmp(told, table[i].fault, strlen(table[i].fault)) != 0)
            fail_msg("'%s' %s", table[i].hash, told != NULL ? told : "passes");
        (void)snprintf(text, sizeof text, "%.60s:%s",
                       "a-name-that-is-long-a-name-that-is-long-a-name-that-is-long-x", table[i].hash);
        assert_int_equal(auth_table_make(CONFIG_AUTH_BASIC, weir_bytes_of(text), &made, fault),
                         -WEIR_ECONFIG);
        assert_non_null(strstr(fault, "(openssl passwd -6)")); /* the text has room */
    }
}

static void users_are_found_and_others_get_one_always_the_same(void **state)
{
    struct auth_table *table =
        table_of(CONFIG_AUTH_BASIC, "\ufeffb:" SECRET "\n# c\n\n a:" SECRET " \r\nc:" SECRET);
    const struct auth_entry *other;
    bool known;

    (void)state;
    assert_int_equal(table->count, 3);
    for (const char *user = "a\0b\0c\0"; *user != '\0'; user += 2) {
        assert_string_equal(auth_table_user(table, user, &known)->user, user);
        assert_true(known);
    }
    other = auth_table_user(table, "nobody", &known);
    assert_false(known);
    assert_ptr_equal(other, auth_table_user(table, "nobody", &known));
    assert_false(known);
    auth_table_free(table);
}

static void what_is_there_twice_is_told_with_both_lines(void **state)
{
    static const struct {
        enum config_auth_scheme scheme;
        const char *text, *fault;
    } table[] = {
        {CONFIG_AUTH_BASIC, "b:" SECRET "\na:" SECRET "\n\n b:" SECRET "\n",
         "4: user 'b' is there already, in line 1, expected each user once"},
        {CONFIG_AUTH_BEARER, "a: t0ken\n# x\nb: another\nc: t0ken",
         "4: the token of c is there already, in line 1, expected each token once"},
        {CONFIG_AUTH_BEARER, "t0ken\nt0ken",
         "2: the token is there already, in line 1, expected each token once"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char fault[AUTH_FAULT_BYTES];
        struct auth_table *made = NULL;

        assert_int_equal(auth_table_make(table[i].scheme, weir_bytes_of(table[i].text), &made, fault),
                         -WEIR_ECONFIG);
        assert_string_equal(fault, table[i].fault);
    }
}

static void tokens_are_found_by_their_hashes_alone(void **state)
{
    static const char text[] = "a: t0ken==\nanother\n";
    struct auth_table *table = table_of(CONFIG_AUTH_BEARER, text);

    (void)state;
    assert_string_equal(auth_table_token(table, weir_bytes_of("t0ken=="))->user, "a");
    assert_null(auth_table_token(table, weir_bytes_of("another"))->user);
    assert_null(auth_table_token(table, weir_bytes_of("t0ken=")));
    assert_null(auth_table_token(table, weir_bytes_of("a")));
    assert_null(memmem(table->text, sizeof text, "t0ken", 5));
    assert_null(memmem(table->text, sizeof text, "another", 7));
    auth_table_free(table);
}

static void malformed_credentials_are_none(void **state)
{
    static const char *const bad[] = {"",
                                      "basic",
                                      "basic ",
                                      "basic YTpi=",
                                      "basic YTpi====",
                                      "basic YTp",
                                      "basic YTpj YTpj",
                                      "basic\tYTpi",
                                      "basic YT=i",
                                      "basic YTp=",
                                      "basic YT==YTpi",
                                      "basic YR==",
                                      "basic OmE=",
                                      "basic YQ==",
                                      "basic YToA",
                                      "basic YQA6Yg==",
                                      "basic YTpiCg==",
                                      "bearer YTpi",
                                      "basic YTp_"};
    struct credentials_basic basic;
    weir_bytes token;

    (void)state;
    assert_true(credentials_read_basic("Basic YTpiOmM=", &basic)); /* "a:b:c" */
    assert_string_equal(basic.user, "a");
    assert_string_equal(basic.password, "b:c");
    assert_true(credentials_read_basic("BASIC  YTo=", &basic));
    assert_string_equal(basic.password, "");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (credentials_read_basic(bad[i], &basic))
            fail_msg("'%s' is read", bad[i]);
    assert_true(credentials_read_bearer("bearer a.b-c_d~e+f/0==", &token));
    assert_int_equal(token.len, 15);
    for (const char *text = "bearer\0bearer \0bearer =\0bearer a=b\0bearer a b\0bearer a,b\0basic a\0";
         *text != '\0'; text += strlen(text) + 1)
        if (credentials_read_bearer(text, &token))
            fail_msg("'%s' is read", text);
}

static weir_instant at(int64_t s)
{
    return (weir_instant){s * 1000000000};
}

static void what_was_right_lately_is_right_for_its_table_and_time(void **state)
{
    struct verified *verified = verified_open();
    struct verified_key key, other;
    int stores[2];

    (void)state;
    assert_true(verified_key_make(verified, "a", "b", &key));
    key.store = &stores[0];
    key.generation = 1;
    assert_false(verified_has(verified, &key, at(1)));
    verified_add(verified, &key, at(1));
    assert_true(verified_has(verified, &key, at(1)));
    assert_true(verified_has(verified, &key, at(VERIFIED_S)));
    assert_false(verified_has(verified, &key, at(1 + VERIFIED_S)));
    other = key;
    other.generation = 2;
    assert_false(verified_has(verified, &other, at(1)));
    other = key;
    other.store = &stores[1];
    assert_false(verified_has(verified, &other, at(1)));
    assert_true(verified_key_make(verified, "a", "c", &other));
    assert_memory_not_equal(key.digest, other.digest, sizeof key.digest);
    verified_close(verified);
}

/* More than there is room for: the last are there, and no other is taken for one of them. */
static void a_flood_forgets_the_oldest(void **state)
{
    enum { COUNT = 4 * VERIFIED_SETS * VERIFIED_WAYS };
    struct verified *verified = verified_open();
    struct verified_key key;
    int found = 0;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        char user[16];

        (void)snprintf(user, sizeof user, "%d", i);
        assert_true(verified_key_make(verified, user, "", &key));
        verified_add(verified, &key, at(1 + i / 1000));
        assert_true(verified_has(verified, &key, at(1 + i / 1000)));
    }
    for (int i = 0; i < COUNT; i++) {
        char user[16];

        (void)snprintf(user, sizeof user, "%d", i);
        assert_true(verified_key_make(verified, user, "", &key));
        found += verified_has(verified, &key, at(10));
    }
    assert_true(found <= VERIFIED_SETS * VERIFIED_WAYS);
    assert_true(found > VERIFIED_SETS * VERIFIED_WAYS / 2);
    verified_close(verified);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_compared_and_others_refused),
        cmocka_unit_test(what_is_there_twice_is_told_with_both_lines),
        cmocka_unit_test(a_hash_that_is_not_accepted_is_named),
        cmocka_unit_test(users_are_found_and_others_get_one_always_the_same),
        cmocka_unit_test(tokens_are_found_by_their_hashes_alone),
        cmocka_unit_test(malformed_credentials_are_none),
        cmocka_unit_test(what_was_right_lately_is_right_for_its_table_and_time),
        cmocka_unit_test(a_flood_forgets_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
