/* SPDX-License-Identifier: MIT */
/* hash: the digest of the request's body. */
#ifndef APP_ROUTES_HASH_H
#define APP_ROUTES_HASH_H

struct hash_settings {
    int algorithm; /* enum digest_algorithm */
};

#endif
