/* SPDX-License-Identifier: MIT */
/* Authorization, and files of users and tokens: any bytes are refused, or give texts without control
 * characters that lie in the memory for them. The first byte says what the rest is. */
#include "auth/credentials.h"
#include "auth/table.h"

#include <string.h>

#include "fuzz/fuzz.h"

static void check_text(const char *text, size_t most)
{
    CHECK(strlen(text) <= most);
    for (; *text != '\0'; text++)
        CHECK((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_authorization(const uint8_t *bytes, size_t size)
{
    struct credentials_basic basic;
    char *value = malloc(size + 1);
    weir_bytes token;

    CHECK(value != NULL);
    memcpy(value, bytes, size);
    value[size] = '\0';
    if (credentials_read_basic(value, &basic)) {
        CHECK(*basic.user != '\0' && strchr(basic.user, ':') == NULL);
        check_text(basic.user, CREDENTIALS_USER_MAX);
        check_text(basic.password, CREDENTIALS_BYTES_MAX);
    }
    if (credentials_read_bearer(value, &token))
        CHECK(token.len > 0 && token.data + token.len == value + strlen(value));
    free(value);
}

static void check_file(enum config_auth_scheme scheme, const uint8_t *bytes, size_t size)
{
    char fault[AUTH_FAULT_BYTES];
    struct auth_table *table;
    bool known;

    if (auth_table_make(scheme, (weir_bytes){(const char *)bytes, size}, &table, fault) < 0) {
        CHECK(*fault != '\0');
        return;
    }
    CHECK(table->count > 0);
    for (size_t i = 0; i < table->count; i++) {
        const struct auth_entry *entry = &table->entries[i];

        CHECK(scheme == CONFIG_AUTH_BEARER || (entry->user != NULL && entry->hash != NULL));
        if (entry->user != NULL)
            check_text(entry->user, CREDENTIALS_USER_MAX);
        if (scheme == CONFIG_AUTH_BASIC)
            CHECK(auth_table_user(table, entry->user, &known) == entry && known);
    }
    auth_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    if (bytes[0] % 3 == 0)
        check_authorization(bytes + 1, size - 1);
    else
        check_file(bytes[0] % 3 == 1 ? CONFIG_AUTH_BASIC : CONFIG_AUTH_BEARER, bytes + 1, size - 1);
    return 0;
}
