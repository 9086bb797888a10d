/* SPDX-License-Identifier: MIT */
#include "names/resolv_conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weir/address.h>

#include "names/words.h"

enum { NAME_CHARS_MAX = 253 };

/* --- servers --- */

int weir__name_server_parse(const char *text, size_t len, struct weir__name_server *out)
{
    weir_address address;

    *out = (struct weir__name_server){.port = WEIR__DNS_PORT};
    if (weir__ip_parse(text, len, &out->ip) == 0)
        return 0;
    if (weir_address_parse((weir_bytes){text, len}, &address, NULL) < 0 || address.port == 0)
        return -EINVAL;
    out->port = address.port;
    return weir__ip_parse(address.host.data, address.host.len, &out->ip);
}

const char *weir__name_server_format(const struct weir__name_server *server,
                                     char out[WEIR__NAME_SERVER_BYTES])
{
    char ip[WEIR_IP_BYTES];

    (void)snprintf(out, WEIR__NAME_SERVER_BYTES, server->ip.family == WEIR__IPV6 ? "[%s]:%u" : "%s:%u",
                   weir__ip_format(&server->ip, ip), server->port);
    return out;
}

int weir_resolver_server_check(const char *text)
{
    struct weir__name_server server;

    return weir__name_server_parse(text, strlen(text), &server);
}

/* --- the file --- */

static bool is_word(weir_bytes word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

/* A port may follow, as c-ares reads it. */
static void add_server(struct weir__resolv_conf *conf, weir_bytes word)
{
    if (conf->server_count < WEIR__CONF_SERVERS_MAX &&
        weir__name_server_parse(word.data, word.len, &conf->servers[conf->server_count]) == 0)
        conf->server_count++;
}

/* The last search or domain line counts. */
static void set_search(struct weir__resolv_conf *conf, weir_bytes line, int most)
{
    char *at = conf->search_text, *end = conf->search_text + sizeof conf->search_text;
    weir_bytes word;

    conf->search_count = 0;
    while (conf->search_count < most && weir__words_next(&line, &word)) {
        while (word.len > 0 && word.data[word.len - 1] == '.')
            word.len--;
        if (weir_host_type_of(word) != WEIR_HOST_NAME || (size_t)(end - at) <= word.len)
            continue;
        conf->search[conf->search_count++] = at;
        memcpy(at, word.data, word.len);
        at[word.len] = '\0';
        at += word.len + 1;
    }
}

/* Reads the number of an option "NAME:NUMBER", at most `most`. Returns: whether it is that option. */
static bool option_number(weir_bytes word, const char *name, int most, int *out)
{
    size_t len = strlen(name);
    int value = 0;

    if (word.len <= len || memcmp(word.data, name, len) != 0)
        return false;
    for (size_t i = len; i < word.len; i++) {
        if (word.data[i] < '0' || word.data[i] > '9')
            return false;
        value = value > most ? value : value * 10 + (word.data[i] - '0');
    }
    *out = value > most ? most : value;
    return true;
}

static void set_options(struct weir__resolv_conf *conf, weir_bytes line)
{
    weir_bytes word;
    int number;

    while (weir__words_next(&line, &word)) {
        if (option_number(word, "ndots:", WEIR__NDOTS_MAX, &number))
            conf->ndots = number;
        else if (option_number(word, "timeout:", WEIR__CONF_TIMEOUT_MAX_S, &number))
            conf->timeout_s = number;
        else if (option_number(word, "attempts:", WEIR__CONF_ATTEMPTS_MAX, &number))
            conf->attempts = number;
        else if (is_word(word, "rotate"))
            conf->rotate = true;
    }
}

static void read_line(struct weir__resolv_conf *conf, weir_bytes line)
{
    weir_bytes key, word;

    if (!weir__words_next(&line, &key) || key.data[0] == '#' || key.data[0] == ';')
        return;
    if (is_word(key, "nameserver") && weir__words_next(&line, &word))
        add_server(conf, word);
    else if (is_word(key, "search"))
        set_search(conf, line, WEIR__SEARCH_MAX);
    else if (is_word(key, "domain"))
        set_search(conf, line, 1);
    else if (is_word(key, "options"))
        set_options(conf, line);
}

void weir__resolv_conf_read(const char *text, size_t len, struct weir__resolv_conf *out)
{
    weir_bytes rest = {text, len}, line;

    memset(out, 0, sizeof *out);
    out->ndots = 1;
    while (weir__words_line(&rest, &line))
        read_line(out, line);
    if (out->server_count == 0)
        out->servers[out->server_count++] =
            (struct weir__name_server){weir__ip_loopback(WEIR__IPV4), WEIR__DNS_PORT};
}

/* --- the search list --- */

static size_t join(const char *name, size_t len, const char *domain, char out[WEIR__NAME_BYTES])
{
    size_t domain_len = strlen(domain), whole = len + (domain_len > 0 ? 1 + domain_len : 0);

    if (whole > NAME_CHARS_MAX)
        return 0;
    memcpy(out, name, len);
    out[len] = '.';
    memcpy(out + whole - domain_len, domain, domain_len);
    out[whole] = '\0';
    return whole;
}

size_t weir__search_name(const struct weir__resolv_conf *conf, const char *name, size_t len, int n,
                         char out[WEIR__NAME_BYTES])
{
    int dots = 0, before;
    bool is_whole = len > 0 && name[len - 1] == '.';

    if (is_whole)
        return n == 0 ? join(name, len - 1, "", out) : 0;
    for (size_t i = 0; i < len; i++)
        dots += name[i] == '.';
    before = dots >= conf->ndots ? 1 : 0; /* tried as it is before the list, else behind it */
    for (int i = 0, made = 0; i < conf->search_count + 1; i++) {
        bool as_it_is = before == 1 ? i == 0 : i == conf->search_count;
        size_t whole = join(name, len, as_it_is ? "" : conf->search[i - before], out);
        if (whole > 0 && made++ == n) /* a name that would be too long is left out */
            return whole;
    }
    return 0;
}
