/* SPDX-License-Identifier: MIT */
/* Human-readable durations and sizes. */
#include <weir/text.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t size;
};

#define US 1000
#define MS 1000000
#define SECOND 1000000000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static const struct unit durations[] = {{"h", HOUR}, {"m", MINUTE}, {"s", SECOND},
                                        {"ms", MS},  {"us", US},    {"ns", 1}};

static const struct unit sizes[] = {{"TiB", 1LL << 40}, {"GiB", 1LL << 30}, {"MiB", 1LL << 20},
                                    {"KiB", 1LL << 10}, {"B", 1},           {"", 1}};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t count_digits(const char *p)
{
    size_t n = 0;

    while (is_digit(p[n]))
        n++;
    return n;
}

/* Returns: the unit whose name is exactly the n bytes at p. */
static const struct unit *find_unit(const struct unit *table, size_t count, const char *p, size_t n)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(table[i].name) == n && memcmp(table[i].name, p, n) == 0)
            return &table[i];
    }
    return NULL;
}

/* Adds the whole number in n digits, times unit. */
static int add_whole(uint64_t *total, const char *digits, size_t n, uint64_t unit)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++) {
        if (__builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, (uint64_t)(digits[i] - '0'), &value))
            return -ERANGE;
    }
    if (__builtin_mul_overflow(value, unit, &value) || __builtin_add_overflow(*total, value, total))
        return -ERANGE;
    return 0;
}

/* Adds the digits behind a point, times unit; exactly, or not at all. */
static int add_fraction(uint64_t *total, const char *digits, size_t n, uint64_t unit)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t digit = (uint64_t)(digits[i] - '0');
        if (unit % 10 != 0 && digit != 0)
            return -EINVAL;
        unit = unit % 10 == 0 ? unit / 10 : 1; /* 1: only zeros may follow */
        if (__builtin_add_overflow(*total, digit * unit, total))
            return -ERANGE;
    }
    return 0;
}

/* Reads one number with its unit, which must be smaller than *unit, from *p on. */
static int read_part(const char **p, const struct unit **unit, uint64_t *total)
{
    const char *whole = *p;
    size_t whole_digits = count_digits(whole);
    const char *rest = whole + whole_digits;
    const char *fraction = *rest == '.' ? rest + 1 : rest;
    size_t fraction_digits = *rest == '.' ? count_digits(fraction) : 0;
    int r;
    const char *name;
    size_t name_length;
    const struct unit *found;

    if (whole_digits == 0 || (*rest == '.' && fraction_digits == 0))
        return -EINVAL;
    name = fraction + fraction_digits;
    name_length = strcspn(name, "0123456789.");
    found = find_unit(durations, COUNT(durations), name, name_length);
    if (found == NULL || (*unit != NULL && found <= *unit))
        return -EINVAL;
    *p = name + name_length;
    *unit = found;
    r = add_fraction(total, fraction, fraction_digits, (uint64_t)found->size);
    return r < 0 ? r : add_whole(total, whole, whole_digits, (uint64_t)found->size);
}

int weir_duration_parse(const char *text, weir_duration *out)
{
    uint64_t total = 0;
    const struct unit *unit = NULL;

    do {
        int r = read_part(&text, &unit, &total);
        if (r < 0)
            return r;
    } while (*text != '\0');
    if (total > INT64_MAX)
        return -ERANGE;
    out->ns = (int64_t)total;
    return 0;
}

int weir_size_parse(const char *text, uint64_t *out)
{
    size_t n = count_digits(text);
    const struct unit *unit = find_unit(sizes, COUNT(sizes), text + n, strlen(text + n));
    uint64_t total = 0;
    int r;

    if (n == 0 || unit == NULL)
        return -EINVAL;
    r = add_whole(&total, text, n, (uint64_t)unit->size);
    if (r == 0)
        *out = total;
    return r;
}

static uint64_t round_to(uint64_t ns, uint64_t step)
{
    return (ns + step / 2) / step * step;
}

/* The step that leaves three digits below a second, then what the header promises. */
static uint64_t step_for(uint64_t ns)
{
    uint64_t step = 1;

    if (ns >= HOUR)
        return MINUTE;
    if (ns >= MINUTE)
        return SECOND;
    if (ns >= SECOND)
        return MS;
    while (ns / step >= 1000)
        step *= 10;
    return step;
}

static void format_one(char *out, size_t room, const char *sign, uint64_t ns)
{
    uint64_t unit = ns >= SECOND ? SECOND : ns >= MS ? MS : ns >= US ? US : 1;
    const char *name = ns >= SECOND ? "s" : ns >= MS ? "ms" : ns >= US ? "us" : ns > 0 ? "ns" : "s";
    uint64_t thousandths = unit > 1 ? ns % unit / (unit / 1000) : 0;
    char fraction[8] = "";

    if (thousandths > 0) {
        int n = snprintf(fraction, sizeof fraction, ".%03u", (unsigned)thousandths);
        while (fraction[n - 1] == '0')
            fraction[--n] = '\0';
    }
    snprintf(out, room, "%s%llu%s%s", sign, (unsigned long long)(ns / unit), fraction, name);
}

static void format_two(char *out, size_t room, const char *sign, uint64_t ns, uint64_t unit,
                       const char *names)
{
    unsigned long long whole = ns / unit;
    unsigned long long rest = ns % unit / (unit / 60);

    if (rest > 0)
        snprintf(out, room, "%s%llu%c%llu%c", sign, whole, names[0], rest, names[1]);
    else
        snprintf(out, room, "%s%llu%c", sign, whole, names[0]);
}

const char *weir_duration_format(char *out, size_t room, weir_duration d)
{
    const char *sign = d.ns < 0 ? "-" : "";
    uint64_t ns = d.ns < 0 ? 0 - (uint64_t)d.ns : (uint64_t)d.ns;

    ns = round_to(ns, step_for(ns));
    if (ns >= HOUR)
        format_two(out, room, sign, ns, HOUR, "hm");
    else if (ns >= MINUTE)
        format_two(out, room, sign, ns, MINUTE, "ms");
    else
        format_one(out, room, sign, ns);
    return out;
}
