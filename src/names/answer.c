/* SPDX-License-Identifier: MIT */
#include "names/answer.h"

#include <string.h>

enum {
    HEAD_BYTES = 12,
    WIRE_NAME_BYTES = 255, /* RFC 1035, 2.3.4 */
    LABEL_MAX = 63,
    POINTERS_MAX = 128,
    TYPE_A = 1,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_AAAA = 28,
    CLASS_IN = 1,
    IS_ANSWER = 0x8000,
    IS_CUT = 0x0200,
    OPCODE = 0x7800,
    RCODE = 0x000f,
    RCODE_OK = 0,
    RCODE_NO_NAME = 3,
};

struct message {
    const uint8_t *data;
    size_t len, at;
};

/* A name as labels with their lengths, in lower case; the last label is empty. */
struct wire_name {
    size_t len; /* with the last, empty label */
    uint8_t bytes[WIRE_NAME_BYTES];
};

/* --- names --- */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool append_label(struct wire_name *name, const uint8_t *label, size_t len)
{
    if (name->len + 1 + len > WIRE_NAME_BYTES)
        return false;
    name->bytes[name->len++] = (uint8_t)len;
    for (size_t i = 0; i < len; i++)
        name->bytes[name->len++] = lower(label[i]);
    return true;
}

static bool name_of_text(const char *text, struct wire_name *out)
{
    out->len = 0;
    for (const char *dot; *text != '\0'; text = *dot == '.' ? dot + 1 : dot) {
        dot = strchrnul(text, '.');
        if (dot == text || dot - text > LABEL_MAX ||
            !append_label(out, (const uint8_t *)text, (size_t)(dot - text)))
            return false;
    }
    return append_label(out, NULL, 0);
}

/* Reads a name and moves behind it. A pointer must point to before the name or pointer it stands in, so that
 * every name ends. */
static bool read_name(struct message *m, struct wire_name *out)
{
    size_t at = m->at, least = m->at;
    bool jumped = false;

    out->len = 0;
    for (int pointers = 0; at < m->len;) {
        uint8_t c = m->data[at];

        if (c <= LABEL_MAX) {
            if (at + 1 + c > m->len || !append_label(out, m->data + at + 1, c))
                return false;
            at += 1 + (size_t)c;
            if (!jumped)
                m->at = at;
            if (c == 0)
                return true;
        } else {
            size_t to;
            if (c < 0xc0 || at + 2 > m->len || pointers++ == POINTERS_MAX)
                return false;
            to = (size_t)(c & 0x3f) << 8 | m->data[at + 1];
            if (!jumped)
                m->at = at + 2;
            jumped = true;
            if (to >= least)
                return false;
            at = least = to;
        }
    }
    return false;
}

static bool same_name(const struct wire_name *a, const struct wire_name *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* Whether a name is a zone's, or below it. */
static bool is_within(const struct wire_name *name, const struct wire_name *zone)
{
    for (size_t at = 0; at < name->len; at += 1 + (size_t)name->bytes[at])
        if (name->len - at == zone->len && memcmp(name->bytes + at, zone->bytes, zone->len) == 0)
            return true;
    return false;
}

/* --- numbers and records --- */

static bool read_u16(struct message *m, unsigned *out)
{
    if (m->len - m->at < 2)
        return false;
    *out = (unsigned)m->data[m->at] << 8 | m->data[m->at + 1];
    m->at += 2;
    return true;
}

static bool read_u32(struct message *m, uint32_t *out)
{
    unsigned high, low;

    if (!read_u16(m, &high) || !read_u16(m, &low))
        return false;
    *out = (uint32_t)high << 16 | low;
    return true;
}

struct record {
    struct wire_name owner;
    unsigned type, class;
    uint32_t ttl_s;
    struct message data; /* at: where it begins; len: where it ends */
};

static bool read_record(struct message *m, struct record *out)
{
    unsigned len;

    if (!read_name(m, &out->owner) || !read_u16(m, &out->type) || !read_u16(m, &out->class) ||
        !read_u32(m, &out->ttl_s) || !read_u16(m, &len) || m->len - m->at < len)
        return false;
    out->data = (struct message){m->data, m->at + len, m->at};
    if (out->ttl_s > INT32_MAX) /* RFC 2181, 8 */
        out->ttl_s = 0;
    m->at += len;
    return true;
}

/* --- the answer --- */

struct reading {
    struct message records;  /* at the first */
    unsigned answers, zones; /* records of the answer and the authority section */
    struct wire_name name;   /* the asked one, later what it is an alias of */
    unsigned type;           /* of the wanted records */
    struct weir__answer *out;
};

static void note_ttl(struct weir__answer *out, uint32_t ttl_s)
{
    if (!out->has_ttl || ttl_s < out->ttl_s)
        out->ttl_s = ttl_s;
    out->has_ttl = true;
}

static void add_address(struct reading *r, const struct record *record)
{
    struct weir__ip ip = {.family = r->type == TYPE_A ? WEIR__IPV4 : WEIR__IPV6};
    size_t bytes = weir__ip_bytes(&ip);

    if (record->data.len - record->data.at != bytes || r->out->count == WEIR_RESOLVED_MAX)
        return;
    memcpy(ip.bytes, record->data.data + record->data.at, bytes);
    if (!weir__ip_is_in(r->out->ips, r->out->count, &ip))
        r->out->ips[r->out->count++] = ip;
    note_ttl(r->out, record->ttl_s);
}

enum pass { PASS_BROKEN, PASS_ENDED, PASS_FOLLOWED };

/* Goes through the answer section once: takes the addresses of the present name, or the name that it is an
 * alias of. */
static enum pass pass_over(struct reading *r)
{
    struct message m = r->records;
    struct wire_name target;
    bool is_alias = false;

    for (unsigned i = 0; i < r->answers; i++) {
        struct record record;
        if (!read_record(&m, &record))
            return PASS_BROKEN;
        if (record.class != CLASS_IN || !same_name(&record.owner, &r->name))
            continue;
        if (record.type == r->type) {
            add_address(r, &record);
        } else if (record.type == TYPE_CNAME && !is_alias) {
            if (!read_name(&record.data, &target) || record.data.at != record.data.len)
                return PASS_BROKEN;
            is_alias = true;
            note_ttl(r->out, record.ttl_s);
        }
    }
    if (r->out->count > 0 || !is_alias)
        return PASS_ENDED;
    r->name = target;
    return PASS_FOLLOWED;
}

/* Takes the time for which "no such name" or "no address" is kept: RFC 2308, 5. Without a SOA the TTLs of the
 * chain say nothing. */
static bool read_negative_ttl(struct reading *r)
{
    struct message m = r->records;
    uint32_t chain_s = r->out->has_ttl ? r->out->ttl_s : INT32_MAX;

    r->out->has_ttl = false;
    for (unsigned i = 0; i < r->answers + r->zones; i++) {
        struct record record;
        struct wire_name skipped;
        uint32_t least_s;
        if (!read_record(&m, &record))
            return false;
        if (i < r->answers || record.type != TYPE_SOA || record.class != CLASS_IN ||
            !is_within(&r->name, &record.owner))
            continue;
        if (!read_name(&record.data, &skipped) || !read_name(&record.data, &skipped) ||
            record.data.len - record.data.at != 20)
            return false;
        record.data.at += 16; /* serial, refresh, retry, expire */
        if (!read_u32(&record.data, &least_s))
            return false;
        note_ttl(r->out, record.ttl_s < least_s ? record.ttl_s : least_s);
        note_ttl(r->out, chain_s);
        return true;
    }
    return true;
}

static int fail(struct weir__answer *out, const char *why)
{
    *out = (struct weir__answer){.type = WEIR__ANSWER_FAILED, .why = why};
    return -WEIR_EPROTOCOL;
}

/* Reads the head and the question. Returns: NULL; what is wrong. */
static const char *read_head(struct reading *r, struct message *m, unsigned *rcode)
{
    static const char malformed[] = "malformed answer of a DNS server";
    struct wire_name asked;
    unsigned flags, questions, more, type, class;

    m->at = 2;
    if (!read_u16(m, &flags) || !read_u16(m, &questions) || !read_u16(m, &r->answers) ||
        !read_u16(m, &r->zones) || !read_u16(m, &more) || !read_name(m, &asked) || !read_u16(m, &type) ||
        !read_u16(m, &class))
        return malformed;
    if ((flags & IS_ANSWER) == 0 || (flags & OPCODE) != 0 || questions != 1 || type != r->type ||
        class != CLASS_IN || !same_name(&asked, &r->name))
        return "answer of a DNS server to another question";
    if (flags & IS_CUT)
        return "answer of a DNS server is cut short";
    *rcode = flags & RCODE;
    return NULL;
}

int weir__answer_read(const void *data, size_t len, const char *name, uint8_t family,
                      struct weir__answer *out)
{
    struct message m = {data, len, 0};
    struct reading r = {.type = family == WEIR__IPV4 ? TYPE_A : TYPE_AAAA, .out = out};
    enum pass pass = PASS_FOLLOWED;
    const char *wrong;
    unsigned rcode = 0;

    out->has_ttl = false;
    out->why = NULL;
    out->count = 0;
    if (len < HEAD_BYTES || !name_of_text(name, &r.name))
        return fail(out, "malformed answer of a DNS server");
    wrong = read_head(&r, &m, &rcode);
    if (wrong != NULL)
        return fail(out, wrong);
    if (rcode != RCODE_OK && rcode != RCODE_NO_NAME)
        return fail(out, "a DNS server answers with an error");
    r.records = m;
    if (r.answers > WEIR__RECORDS_MAX) {
        r.answers = WEIR__RECORDS_MAX;
        r.zones = 0;
    }
    if (r.zones > WEIR__RECORDS_MAX)
        r.zones = WEIR__RECORDS_MAX;
    for (int aliases = 0; pass == PASS_FOLLOWED; aliases++) {
        if (aliases > WEIR__ALIASES_MAX)
            return fail(out, "aliases of the name do not end");
        pass = pass_over(&r);
    }
    if (rcode == RCODE_NO_NAME) /* whatever else it says */
        out->count = 0;
    out->type = out->count > 0           ? WEIR__ANSWER_ADDRESSES
                : rcode == RCODE_NO_NAME ? WEIR__ANSWER_NO_NAME
                                         : WEIR__ANSWER_NO_ADDRESS;
    if (pass == PASS_BROKEN || (out->count == 0 && !read_negative_ttl(&r)))
        return fail(out, "malformed answer of a DNS server");
    return 0;
}
