/* SPDX-License-Identifier: MIT */
/* hash: the digest of the input. {"algorithm": "sha256" | "sha512" | "blake2b" | "xxh3"} */
#include "jobs/digest.h"
#include "jobs/kinds.h"
#include "jobs/params.h"

enum { PIECE_BYTES = 64 << 10 }; /* between two looks at whether the job is cancelled */

struct hashing {
    struct digest_method method;
    struct digest digest;
};

static int begin(weir_job *job, void *state, weir_bytes params)
{
    struct hashing *hashing = state;
    int algorithm;
    json_t *tree = params_read(job, params);
    bool good = tree != NULL && params_choice(job, tree, "algorithm", -1, digest_names, &algorithm);
    int err;

    json_decref(tree);
    if (!good)
        return -JOB_PARAMS;
    err = digest_method_open(&hashing->method, (enum digest_algorithm)algorithm);
    if (err < 0)
        return weir_job_fail(job, err, "this OpenSSL has no %s", digest_names[algorithm]);
    err = digest_begin(&hashing->digest, &hashing->method);
    if (err < 0)
        digest_method_close(&hashing->method);
    return err;
}

static int finish(weir_job *job, struct hashing *hashing)
{
    char hex[DIGEST_HEX_BYTES];
    int err = digest_end(&hashing->digest, hex);

    return err < 0 ? err
                   : weir_job_printf(job, "{\"algorithm\":\"%s\",\"hex\":\"%s\"}",
                                     digest_names[hashing->method.algorithm], hex);
}

static int piece(weir_job *job, void *state, weir_bytes piece, bool last)
{
    struct hashing *hashing = state;

    for (size_t at = 0; at < piece.len; at += PIECE_BYTES) {
        size_t n = piece.len - at < PIECE_BYTES ? piece.len - at : PIECE_BYTES;
        int err = weir_job_cancelled(job);
        if (err == 0)
            err = digest_add(&hashing->digest, piece.data + at, n);
        if (err < 0)
            return err;
        weir_job_progress(job, at + n, piece.len);
    }
    return last ? finish(job, hashing) : 0;
}

static void end(void *state)
{
    struct hashing *hashing = state;

    digest_free(&hashing->digest);
    digest_method_close(&hashing->method);
}

const weir_job_kind job_hash = {.name = "hash",
                                .version = 1,
                                .state_bytes = sizeof(struct hashing),
                                .begin = begin,
                                .piece = piece,
                                .end = end};
