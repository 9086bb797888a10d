/* SPDX-License-Identifier: MIT */
/* Hashes of passwords, as htpasswd writes them.
 *
 * Threading: any thread.
 */
#ifndef APP_AUTH_PASSWORD_H
#define APP_AUTH_PASSWORD_H

#include <stdbool.h>

#include <weir/error.h>

/* Says what is wrong with a hash, and what was expected: bcrypt or the SHA of crypt, whole, and at a cost
 * that takes no seconds.
 * Returns: NULL when it can be compared with passwords.
 */
const char *password_hash_fault(const char *hash);

/* Compares a password with a hash, in a time that the hash alone decides. Computes for a long time: tens to
 * hundreds of milliseconds.
 * Returns: 1 it is the password; 0 it is another; -ENOMEM.
 */
WEIR_CHECKED int password_compare(const char *password, const char *hash);

#endif
