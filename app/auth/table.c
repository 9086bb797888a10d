/* SPDX-License-Identifier: MIT */
#include "auth/table.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "auth/credentials.h"
#include "auth/password.h"

bool auth_digest(const unsigned char key[AUTH_KEY_BYTES], weir_bytes text,
                 unsigned char out[AUTH_DIGEST_BYTES])
{
    if (HMAC(EVP_sha256(), key, AUTH_KEY_BYTES, (const unsigned char *)text.data, text.len, out, NULL) !=
        NULL)
        return true;
    ERR_clear_error();
    return false;
}

/* --- lines --- */

struct reading {
    struct auth_table *table;
    char *fault;
    size_t line, room;
};

__attribute__((format(printf, 2, 3))) static int tell(struct reading *r, const char *format, ...)
{
    int used = snprintf(r->fault, AUTH_FAULT_BYTES, "%zu: ", r->line);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(r->fault + used, AUTH_FAULT_BYTES - (size_t)used, format, args);
    va_end(args);
    return -WEIR_ECONFIG;
}

/* Takes the spaces off both ends. */
static char *trim(char *text)
{
    size_t length;

    text += strspn(text, " \t");
    length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
        text[--length] = '\0';
    return text;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

static int read_user(struct reading *r, char *line, struct auth_entry *entry)
{
    char *colon = strchr(line, ':');
    const char *fault;

    if (colon == NULL)
        return tell(r, "the line has no ':', expected USER:HASH, as 'htpasswd -B FILE USER' writes it");
    *colon = '\0';
    if (*line == '\0' || colon - line > CREDENTIALS_USER_MAX)
        return tell(r, "the name of the user has %zu bytes, expected 1 to %d", (size_t)(colon - line),
                    CREDENTIALS_USER_MAX);
    fault = password_hash_fault(colon + 1);
    if (fault != NULL)
        return tell(r, "the hash of '%.40s' %s", line, fault);
    *entry = (struct auth_entry){.user = line, .hash = colon + 1};
    return 0;
}

static int read_token(struct reading *r, char *line, struct auth_entry *entry)
{
    char *colon = strchr(line, ':');
    char *token = colon != NULL ? trim(colon + 1) : line;

    *entry = (struct auth_entry){0};
    if (colon != NULL) {
        *colon = '\0';
        entry->user = trim(line);
        if (*entry->user == '\0' || strlen(entry->user) > CREDENTIALS_USER_MAX)
            return tell(r, "the name of the token has %zu bytes, expected 1 to %d, or none and no ':'",
                        strlen(entry->user), CREDENTIALS_USER_MAX);
    }
    if (!credentials_token_is_valid(weir_bytes_of(token)))
        return tell(r, "the token has characters that none may have, expected letters, digits and -._~+/, as "
                       "'openssl rand -hex 32' writes it");
    if (!auth_digest(r->table->key, weir_bytes_of(token), entry->digest))
        return -ENOMEM;
    explicit_bzero(token, strlen(token));
    return 0;
}

static struct auth_entry *next_entry(struct reading *r)
{
    struct auth_table *table = r->table;
    struct auth_entry *grown;

    if (table->count < r->room)
        return &table->entries[table->count];
    r->room = r->room > 0 ? 2 * r->room : 16;
    grown = realloc(table->entries, r->room * sizeof *grown);
    if (grown == NULL)
        return NULL;
    table->entries = grown;
    return &grown[table->count];
}

static int read_line(struct reading *r, char *line)
{
    struct auth_entry *entry;
    int err;

    line = trim(line);
    if (*line == '\0' || *line == '#')
        return 0;
    if (strlen(line) > AUTH_LINE_BYTES_MAX)
        return tell(r, "the line has %zu bytes, expected at most %d", strlen(line), AUTH_LINE_BYTES_MAX);
    if (has_control(line))
        return tell(r, "the line has a control character, expected text");
    if (r->table->count == AUTH_ENTRIES_MAX)
        return tell(r, "the file has more entries, expected at most %d", AUTH_ENTRIES_MAX);
    entry = next_entry(r);
    if (entry == NULL)
        return -ENOMEM;
    err = r->table->scheme == CONFIG_AUTH_BASIC ? read_user(r, line, entry) : read_token(r, line, entry);
    entry->line = r->line;
    r->table->count += err == 0;
    return err;
}

static int read_lines(struct reading *r, size_t length)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of the byte order, which some editors write */
    char *line = r->table->text, *end = line + length;
    int err = 0;

    if (length >= sizeof mark - 1 && memcmp(line, mark, sizeof mark - 1) == 0)
        line += sizeof mark - 1;
    while (err == 0 && line < end) {
        char *newline = memchr(line, '\n', (size_t)(end - line));

        r->line++;
        if (newline == NULL)
            newline = end;
        *newline = '\0';
        err = strlen(line) < (size_t)(newline - line) ? tell(r, "the line has a NUL character, expected text")
                                                      : read_line(r, line);
        line = newline + 1;
    }
    if (err == 0 && r->table->count == 0) {
        r->line = 1;
        return tell(r, "the file has no entry, expected %s",
                    r->table->scheme == CONFIG_AUTH_BASIC ? "lines USER:HASH" : "lines TOKEN or NAME: TOKEN");
    }
    return err;
}

/* --- order --- */

static int by_user(const void *a, const void *b)
{
    return strcmp(((const struct auth_entry *)a)->user, ((const struct auth_entry *)b)->user);
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(((const struct auth_entry *)a)->digest, ((const struct auth_entry *)b)->digest,
                  AUTH_DIGEST_BYTES);
}

static int tell_twice(struct reading *r, const struct auth_entry *a, const struct auth_entry *b)
{
    const struct auth_entry *first = a->line < b->line ? a : b, *second = first == a ? b : a;

    r->line = second->line;
    if (r->table->scheme == CONFIG_AUTH_BASIC)
        return tell(r, "user '%.40s' is there already, in line %zu, expected each user once", second->user,
                    first->line);
    return tell(r, "the token%s%.40s is there already, in line %zu, expected each token once",
                second->user != NULL ? " of " : "", second->user != NULL ? second->user : "", first->line);
}

static int sort(struct reading *r)
{
    struct auth_table *table = r->table;
    int (*compare)(const void *, const void *) = table->scheme == CONFIG_AUTH_BASIC ? by_user : by_digest;

    qsort(table->entries, table->count, sizeof *table->entries, compare);
    for (size_t i = 1; i < table->count; i++)
        if (compare(&table->entries[i - 1], &table->entries[i]) == 0)
            return tell_twice(r, &table->entries[i - 1], &table->entries[i]);
    return 0;
}

/* --- the table --- */

void auth_table_free(void *arg)
{
    struct auth_table *table = arg;

    if (table == NULL)
        return;
    free(table->entries);
    free(table->text);
    OPENSSL_cleanse(table, sizeof *table);
    free(table);
}

int auth_table_make(enum config_auth_scheme scheme, weir_bytes bytes, struct auth_table **out,
                    char fault[AUTH_FAULT_BYTES])
{
    struct auth_table *table = calloc(1, sizeof *table);
    struct reading r = {.table = table, .fault = fault};
    int err = table != NULL ? 0 : -ENOMEM;

    fault[0] = '\0';
    if (err == 0 && getrandom(table->key, sizeof table->key, 0) != sizeof table->key)
        err = -EIO;
    if (err == 0) {
        table->scheme = scheme;
        table->text = malloc(bytes.len + 1);
        err = table->text != NULL ? 0 : -ENOMEM;
    }
    if (err == 0) {
        if (bytes.len > 0)
            memcpy(table->text, bytes.data, bytes.len);
        table->text[bytes.len] = '\0';
        (void)SHA256((const unsigned char *)table->text, bytes.len, table->content);
        err = read_lines(&r, bytes.len);
    }
    if (err == 0)
        err = sort(&r);
    if (err < 0)
        auth_table_free(table);
    else
        *out = table;
    return err;
}

const struct auth_entry *auth_table_user(const struct auth_table *table, const char *user, bool *known)
{
    const struct auth_entry wanted = {.user = user};
    const struct auth_entry *found = bsearch(&wanted, table->entries, table->count, sizeof wanted, by_user);
    unsigned char digest[AUTH_DIGEST_BYTES] = {0};
    uint64_t number;

    *known = found != NULL;
    (void)!auth_digest(table->key, weir_bytes_of(user), digest);
    memcpy(&number, digest, sizeof number);
    return found != NULL ? found : &table->entries[number % table->count];
}

const struct auth_entry *auth_table_token(const struct auth_table *table, weir_bytes token)
{
    struct auth_entry wanted;

    return auth_digest(table->key, token, wanted.digest)
               ? bsearch(&wanted, table->entries, table->count, sizeof wanted, by_digest)
               : NULL;
}
