/* SPDX-License-Identifier: MIT */
#include "http/negotiation.h"

#include <string.h>
#include <strings.h>

#include <weir/http_text.h>

void negotiation_offer_init(struct negotiation_offer *offer, const char *name)
{
    *offer = (struct negotiation_offer){.name = name, .weight = NEGOTIATION_UNNAMED};
}

/* Reads "0", "0.25" or "1.000", in thousandths.
 * Returns: -1 for anything else.
 */
static int read_weight(weir_bytes text)
{
    int weight;

    if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1'))
        return -1;
    weight = text.data[0] == '1' ? NEGOTIATION_BEST : 0;
    if (text.len > 1 && text.data[1] != '.')
        return -1;
    for (size_t i = 2, unit = 100; i < text.len; i++, unit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        weight += (text.data[i] - '0') * (int)unit;
    }
    return weight <= NEGOTIATION_BEST ? weight : -1;
}

/* Reads the weight among the parameters of an element: NEGOTIATION_BEST when there is none, -1 when it is
 * malformed. */
static int weight_of(weir_bytes parameters)
{
    weir_bytes one;

    while (weir_list_next(&parameters, ';', &one))
        if (one.len >= 2 && (one.data[0] == 'q' || one.data[0] == 'Q') && one.data[1] == '=')
            return read_weight((weir_bytes){one.data + 2, one.len - 2});
    return NEGOTIATION_BEST;
}

static int match(weir_bytes range, const char *name)
{
    size_t length = strlen(name);
    size_t type;
    const char *slash;

    if (range.len == length && strncasecmp(range.data, name, length) == 0)
        return NEGOTIATION_BY_NAME;
    slash = strchr(name, '/');
    if (slash == NULL)
        return range.len == 1 && range.data[0] == '*' ? 1 : 0;
    if (range.len == 3 && memcmp(range.data, "*/*", 3) == 0)
        return 1;
    type = (size_t)(slash - name) + 1; /* with its slash */
    return range.len == type + 1 && range.data[type] == '*' && strncasecmp(range.data, name, type) == 0 ? 2
                                                                                                        : 0;
}

void negotiation_read(weir_bytes value, struct negotiation_offer *offers, size_t count)
{
    weir_bytes element, range;

    while (weir_list_next(&value, ',', &element)) {
        int weight;
        if (!weir_list_next(&element, ';', &range))
            continue;
        weight = weight_of(element);
        if (weight < 0)
            continue;
        for (size_t i = 0; i < count; i++) {
            int matched = match(range, offers[i].name);
            if (matched == 0 || matched < offers[i].matched)
                continue;
            offers[i].matched = matched;
            offers[i].weight = weight;
        }
    }
}

size_t negotiation_read_request(const weir_request *req, const char *name, struct negotiation_offer *offers,
                                size_t count)
{
    const weir_bytes wanted = weir_bytes_of(name);
    weir_bytes field, value;
    size_t found = 0;

    for (size_t i = 0; weir_request_header_at(req, i, &field, &value); i++) {
        if (!weir_bytes_equal_nocase(field, wanted))
            continue;
        negotiation_read(value, offers, count);
        found++;
    }
    return found;
}

const struct negotiation_offer *negotiation_choose(const struct negotiation_offer *offers, size_t count)
{
    const struct negotiation_offer *best = NULL;

    for (size_t i = 0; i < count; i++)
        if (offers[i].weight > 0 && (best == NULL || offers[i].weight > best->weight))
            best = &offers[i];
    return best;
}

const struct negotiation_offer *negotiation_choose_coding(const struct negotiation_offer *offers,
                                                          size_t count,
                                                          const struct negotiation_offer *identity)
{
    const struct negotiation_offer *best = negotiation_choose(offers, count);

    if (best != NULL && identity->matched == NEGOTIATION_BY_NAME && identity->weight > best->weight)
        return NULL;
    return best;
}
