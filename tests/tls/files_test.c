/* SPDX-License-Identifier: MIT */
/* Files that cannot be used: the code, and the sentence, which names the file and what is wrong. */
#include <sys/stat.h>
#include <unistd.h>

#include "tls/pair.h"

static const char *why;

static int open_pair(const char *cert, const char *key)
{
    weir_tls_certificate own = {cert, key};
    weir_tls_server_options options = {.certificates = &own, .certificate_count = 1};
    weir_tls *tls = NULL;
    int err = weir_tls_server_open(&options, &why, &tls);

    weir_tls_close(tls);
    return err;
}

static void assert_why(const char *path, const char *words)
{
    if (why == NULL || strstr(why, path) == NULL || strstr(why, words) == NULL)
        fail_msg("\"%s\" instead of \"%s\" about %s", why, words, path);
}

static const char *text_file(const char *name, const char *text)
{
    const char *path = certificates_path(name);

    certificates_put_text(path, text);
    return path;
}

struct fault {
    const char *cert, *key;
    int err;
    bool is_key; /* the sentence names the key */
    const char *words;
};

static void check(const struct fault *f)
{
    assert_int_equal(open_pair(f->cert, f->key), f->err);
    assert_why(f->is_key ? f->key : f->cert, f->words);
}

static int cannot_be_read(void *arg)
{
    const struct certificate *c = certificate_of_server();
    const char *cert = certificate_file(c), *key = certificate_key_file(c);
    const char *folder = certificates_path("folder"), *fifo = certificates_path("fifo"),
               *missing = certificates_path("missing.pem");

    (void)arg;
    (void)mkdir(folder, 0700);
    (void)mkfifo(fifo, 0600);
    check(&(struct fault){missing, key, -ENOENT, false, "no such file"});
    check(&(struct fault){cert, missing, -ENOENT, true, "no such file"});
    check(&(struct fault){folder, key, -WEIR_ECONFIG, false, "is a folder"});
    check(&(struct fault){cert, folder, -WEIR_ECONFIG, true, "is a folder"});
    check(&(struct fault){fifo, key, -WEIR_ECONFIG, false, "no regular file"});
    check(&(struct fault){"", key, -ENOENT, false, "no such file"});
    if (geteuid() != 0) {
        (void)chmod(key, 0);
        check(&(struct fault){cert, key, -EACCES, true, "permission denied"});
    }
    return 0;
}

static int is_no_pem(void *arg)
{
    const struct certificate *c = certificate_of_server();
    const char *cert = certificate_file(c), *key = certificate_key_file(c),
               *sealed = certificates_path("sealed");
    const char *empty = text_file("empty", ""), *garbage = text_file("garbage", "Lorem ipsum\n");
    const char *der = text_file("der", "0\x82\x03\x01xxxxxxxx");
    const char *damaged =
        text_file("damaged", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    const char *cut = text_file("cut", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    const char *bad_key =
        text_file("bad_key", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n");

    (void)arg;
    certificate_put_encrypted(c, sealed);
    check(&(struct fault){empty, key, -WEIR_ECONFIG, false, "is empty; a certificate in PEM"});
    check(&(struct fault){cert, empty, -WEIR_ECONFIG, true, "is empty; a private key in PEM"});
    check(&(struct fault){garbage, key, -WEIR_ECONFIG, false, "holds no certificate in PEM format"});
    check(&(struct fault){cert, garbage, -WEIR_ECONFIG, true, "holds no private key in PEM format"});
    check(&(struct fault){der, key, -WEIR_ECONFIG, false, "DER"});
    check(&(struct fault){damaged, key, -WEIR_ECONFIG, false, "certificate 1 in"});
    check(&(struct fault){cut, key, -WEIR_ECONFIG, false, "is damaged"});
    check(&(struct fault){cert, bad_key, -WEIR_ECONFIG, true, "is damaged"});
    check(
        &(struct fault){key, cert, -WEIR_ECONFIG, false, "holds a private key; a certificate was expected"});
    check(
        &(struct fault){cert, cert, -WEIR_ECONFIG, true, "holds a certificate; a private key was expected"});
    check(&(struct fault){cert, sealed, -WEIR_ECONFIG, true, "is encrypted"});
    return 0;
}

static int is_unfit(void *arg)
{
    const struct certificate *c = certificate_of_server(), *other = certificate_of_client();
    const char *cert = certificate_file(c);

    (void)arg;
    check(&(struct fault){cert, certificate_key_file(other), -WEIR_ECONFIG, true, "does not fit"});
    for (int i = 0; i < 2; i++) {
        const struct certificate *weak = certificate_make(&(struct certificate_options){
            .cn = "weak", .key = i == 0 ? CERTIFICATE_RSA_1024 : CERTIFICATE_ECDSA_224});

        check(&(struct fault){certificate_file(weak), certificate_key_file(weak), -WEIR_ECONFIG, true,
                              i == 0 ? "too weak: RSA 1024" : "of the curve secp224r1"});
    }
    return 0;
}

/* One file with both is usual, and so are words before a certificate. */
static int is_fine(void *arg)
{
    const struct certificate *c = certificate_of_server();
    const char *both = certificates_path("both");
    char text[8192];
    FILE *file;
    size_t len;

    (void)arg;
    certificate_put_key(c, both);
    file = fopen(both, "r+");
    assert_non_null(file);
    (void)fseek(file, 0, SEEK_END);
    fputs("subject=CN = server\n", file);
    PEM_write_X509(file, c->x509);
    (void)fseek(file, 0, SEEK_SET);
    len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    assert_true(len > 100);
    assert_int_equal(open_pair(both, both), 0);
    assert_null(why);
    return 0;
}

static int is_out_of_range(void *arg)
{
    weir_tls_certificate own = {certificate_file(certificate_of_server()),
                                certificate_key_file(certificate_of_server())};
    const char *const empty[] = {""};
    weir_tls *tls = NULL;
    weir_tls_server_options server = {0};
    weir_tls_client_options client = {.cert = own.cert};

    (void)arg;
    assert_int_equal(weir_tls_server_open(&server, &why, &tls), -EINVAL);
    assert_string_equal(why, "a server needs a certificate");
    server = (weir_tls_server_options){.certificates = &own, .certificate_count = 1001};
    assert_int_equal(weir_tls_server_open(&server, &why, &tls), -EINVAL);
    server = (weir_tls_server_options){.certificates = &own, .certificate_count = 1, .min = 11};
    assert_int_equal(weir_tls_server_open(&server, &why, &tls), -EINVAL);
    server = (weir_tls_server_options){
        .certificates = &own, .certificate_count = 1, .alpn = empty, .alpn_count = 1};
    assert_int_equal(weir_tls_server_open(&server, &why, &tls), -EINVAL);
    server = (weir_tls_server_options){.certificates = &own, .certificate_count = 1, .reserved = {1}};
    assert_int_equal(weir_tls_server_open(&server, NULL, &tls), -EINVAL);
    server = (weir_tls_server_options){.certificates = &own, .certificate_count = 1, .recheck.ns = -1};
    assert_int_equal(weir_tls_server_open(&server, NULL, &tls), -EINVAL);
    assert_int_equal(weir_tls_client_open(&client, &why, &tls), -EINVAL);
    assert_string_equal(why, "a certificate needs a key, and a key a certificate");
    client = (weir_tls_client_options){.server_name = "a b"};
    assert_int_equal(weir_tls_client_open(&client, &why, &tls), -EINVAL);
    client = (weir_tls_client_options){.ca = certificates_path("missing.pem")};
    assert_int_equal(weir_tls_client_open(&client, &why, &tls), -ENOENT);
    assert_null(tls);
    return 0;
}

static int tells_certificate(const weir_tls_certificate_info *info, const char *names, const char *key)
{
    return strcmp(info->names, names) == 0 && strcmp(info->key, key) == 0 && info->failed == NULL &&
           info->not_before_s < info->not_after_s;
}

static void look_at(void *arg, const weir_tls_certificate_info *info)
{
    int *seen = arg;

    *seen += tells_certificate(info, *seen == 0 ? "localhost, db.internal, 127.0.0.1, ::1" : "billing",
                               "ECDSA P-256");
}

static int are_told(void *arg)
{
    weir_tls_certificate own[] = {
        {certificate_file(certificate_of_server()), certificate_key_file(certificate_of_server())},
        {certificate_file(certificate_of_client()), certificate_key_file(certificate_of_client())}};
    weir_tls *tls = server_open(&(weir_tls_server_options){.certificates = own, .certificate_count = 2});
    int seen = 0;

    (void)arg;
    weir_tls_certificates_each(tls, look_at, &seen);
    assert_int_equal(seen, 2);
    weir_tls_close(tls);
    return 0;
}

TEST(files_that_cannot_be_read, cannot_be_read)
TEST(files_without_what_is_expected, is_no_pem)
TEST(keys_that_do_not_fit_or_are_weak, is_unfit)
TEST(certificate_and_key_in_one_file, is_fine)
TEST(options_out_of_range, is_out_of_range)
TEST(certificates_are_told, are_told)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(files_without_what_is_expected),
        cmocka_unit_test(keys_that_do_not_fit_or_are_weak),
        cmocka_unit_test(certificate_and_key_in_one_file),
        cmocka_unit_test(options_out_of_range),
        cmocka_unit_test(certificates_are_told),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
