/* SPDX-License-Identifier: MIT */
#include "metrics/sums.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/snapshot.h"

enum { TABLE = 4096, KEY_BYTES_MAX = (TOTALS_KEYS_MAX + 1) * (TOTALS_TEXT_BYTES_MAX + 1), PAUSE_ROWS = 64 };

/* How many numbers of a part have windows; others have none. */
static const signed char windowed[TOTALS_PARTS] = {
    [TOTALS_GATEWAY] = -1,
    [TOTALS_ROUTE] = ROUTE_NUMBERS,
    [TOTALS_OUTCOME] = -1,
    [TOTALS_BREAKDOWN] = BREAKDOWN_NUMBERS,
    [TOTALS_EXEMPLARS] = -1,
    [TOTALS_GATHER] = 1,
    [TOTALS_CALL] = -1,
    [TOTALS_ORIGIN] = ORIGIN_NUMBERS,
    [TOTALS_LOOP] = LOOP_NUMBERS,
    [TOTALS_POOL] = POOL_NUMBERS,
    [TOTALS_POOL_QUEUE] = 0,
    [TOTALS_CLIENT] = -1,
    [TOTALS_STALLS] = -1,
    [TOTALS_WORST_STALL] = -1,
    [TOTALS_GUARD_CALL] = -1,
    [TOTALS_TLS] = TLS_NUMBERS,
    [TOTALS_CERTIFICATE] = -1,
    [TOTALS_BACKEND] = BACKEND_NUMBERS,
    [TOTALS_INSTANCE] = INSTANCE_NUMBERS,
    [TOTALS_ATTEMPTS] = ATTEMPTS_NUMBERS,
    [TOTALS_APP] = APP_NUMBERS,
    [TOTALS_APP_WAIT] = 0,
};
_Static_assert(TOTALS_APP_WAIT + 1 == TOTALS_PARTS, "every part stands here");

/* What several processes have in common, as last read. */
struct common {
    uint64_t id;
    struct common *next; /* read longer ago */
    uint64_t last[];
};

struct row {
    struct sum_row shown;         /* first: a sum_row is cast to its row */
    struct row *same_hash, *next; /* next: of its part */
    char *key;
    size_t key_len;
    struct common *common;  /* the latest first */
    uint64_t *now, *kept;   /* kept: of what has ended, or began anew */
    weir_buffer kept_meter; /* packed; empty: none */
    struct series series;
    weir_meter *resting; /* in place of a series: of a row that is gone for long */
    weir_instant seen;
    bool wanted;
    /* Where it stands in the totals of each process, and in those that are being taken; 0: nowhere */
    uint32_t at[SUMS_PROCESSES_MAX];
    uint32_t coming;
};

struct sums {
    struct row *table[TABLE];
    struct row *first[TOTALS_PARTS], **last[TOTALS_PARTS];
    weir_buffer totals[SUMS_PROCESSES_MAX]; /* of the processes, by place */
    size_t count;
};

static struct row *row_of(const struct sum_row *shown)
{
    return (struct row *)(uintptr_t)shown;
}

/* --- rows --- */

static uint32_t hash_of(enum totals_part part, weir_bytes key)
{
    uint32_t hash = 2166136261U ^ (uint32_t)part; /* FNV-1a */

    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.data[i]) * 16777619U;
    return hash % TABLE;
}

static struct row *find(const struct sums *s, enum totals_part part, weir_bytes key)
{
    struct row *row = s->table[hash_of(part, key)];

    while (row != NULL &&
           (row->shown.part != part || row->key_len != key.len || memcmp(row->key, key.data, key.len) != 0))
        row = row->same_hash;
    return row;
}

static void free_row(struct row *row)
{
    while (row->common != NULL) {
        struct common *next = row->common->next;
        free(row->common);
        row->common = next;
    }
    series_close(&row->series);
    weir_buffer_free(&row->kept_meter);
    free(row->resting);
    free(row->now);
    free(row->key);
    free(row);
}

/* Opens the windows of a row, which begin with what there is. */
static int open_series(struct row *row)
{
    const int numbers = windowed[row->shown.part];

    return totals_shapes[row->shown.part].meter ? series_open(&row->series, (size_t)numbers)
                                                : series_open_plain(&row->series, (size_t)numbers);
}

static void point_to_keys(struct row *row)
{
    const char *at = row->key;

    for (size_t i = 0; i < TOTALS_KEYS_MAX && at < row->key + row->key_len; i++, at += strlen(at) + 1)
        row->shown.keys[i] = at;
}

static struct row *new_row(enum totals_part part, weir_bytes key)
{
    const size_t numbers = totals_shapes[part].numbers;
    struct row *row = calloc(1, sizeof *row);

    if (row == NULL)
        return NULL;
    row->shown.part = part;
    row->key_len = key.len;
    row->key = malloc(key.len + 1);
    row->now = calloc(2 * numbers + 1, sizeof *row->now);
    weir_buffer_init(&row->kept_meter, TOTALS_BYTES_MAX);
    if (row->key == NULL || row->now == NULL || (windowed[part] >= 0 && open_series(row) < 0)) {
        free_row(row);
        return NULL;
    }
    memcpy(row->key, key.data, key.len);
    row->kept = row->now + numbers;
    row->shown.numbers = row->now;
    row->shown.series = windowed[part] >= 0 ? &row->series : NULL;
    point_to_keys(row);
    return row;
}

static struct row *find_or_add(struct sums *s, enum totals_part part, weir_bytes key)
{
    struct row *row = find(s, part, key);
    struct row **bucket;

    if (row != NULL || s->count == SUMS_ROWS_MAX || (row = new_row(part, key)) == NULL)
        return row;
    bucket = &s->table[hash_of(part, key)];
    row->same_hash = *bucket;
    *bucket = row;
    *s->last[part] = row;
    s->last[part] = &row->next;
    s->count++;
    return row;
}

/* *link points to the row, in the list of its part. */
static void forget(struct sums *s, struct row **link)
{
    struct row *row = *link;
    struct row **bucket = &s->table[hash_of(row->shown.part, (weir_bytes){row->key, row->key_len})];

    while (*bucket != row)
        bucket = &(*bucket)->same_hash;
    *bucket = row->same_hash;
    *link = row->next;
    if (*link == NULL)
        s->last[row->shown.part] = link;
    s->count--;
    free_row(row);
}

/* --- opening and closing --- */

int sums_open(struct sums **out)
{
    struct sums *s = calloc(1, sizeof *s);

    if (s == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < TOTALS_PARTS; i++)
        s->last[i] = &s->first[i];
    for (size_t i = 0; i < SUMS_PROCESSES_MAX; i++)
        weir_buffer_init(&s->totals[i], TOTALS_BYTES_MAX);
    *out = s;
    return 0;
}

void sums_close(struct sums *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < TOTALS_PARTS; i++)
        while (s->first[i] != NULL)
            forget(s, &s->first[i]);
    for (size_t i = 0; i < SUMS_PROCESSES_MAX; i++)
        weir_buffer_free(&s->totals[i]);
    free(s);
}

/* --- looking rows up --- */

static weir_bytes join_keys(char text[KEY_BYTES_MAX], const char *const *keys)
{
    size_t length = 0;

    for (; *keys != NULL; keys++) {
        const size_t n = strnlen(*keys, TOTALS_TEXT_BYTES_MAX);
        memcpy(text + length, *keys, n);
        text[length + n] = '\0';
        length += n + 1;
    }
    return (weir_bytes){text, length};
}

const struct sum_row *sums_want(struct sums *s, enum totals_part part, const char *const *keys)
{
    char text[KEY_BYTES_MAX];
    struct row *row = find_or_add(s, part, join_keys(text, keys));

    if (row == NULL)
        return NULL;
    row->wanted = true;
    return &row->shown;
}

const struct sum_row *sums_find(const struct sums *s, enum totals_part part, const char *const *keys)
{
    char text[KEY_BYTES_MAX];
    const struct row *row = find(s, part, join_keys(text, keys));

    return row != NULL ? &row->shown : NULL;
}

const struct sum_row *sums_first(const struct sums *s, enum totals_part part)
{
    return s->first[part] != NULL ? &s->first[part]->shown : NULL;
}

const struct sum_row *sums_next(const struct sum_row *row)
{
    const struct row *next = row_of(row)->next;

    return next != NULL ? &next->shown : NULL;
}

size_t sums_row_count(const struct sums *s)
{
    return s->count;
}

/* --- what a process has --- */

static bool read_at(const struct sums *s, size_t place, uint32_t at, struct totals_row *out)
{
    size_t next;

    return at > 0 && totals_read(weir_buffer_bytes(&s->totals[place]), at, out, &next);
}

bool sums_each_living(const struct sums *s, const struct sum_row *row, size_t *place, struct totals_row *out)
{
    const struct row *of = row_of(row);

    while (*place < SUMS_PROCESSES_MAX) {
        const size_t i = (*place)++;
        if (read_at(s, i, of->at[i], out))
            return true;
    }
    return false;
}

static bool is_first_of(const struct sums *s, const struct row *row, size_t place, uint64_t common)
{
    struct totals_row other;

    for (size_t i = 0; common > 0 && i < place; i++)
        if (read_at(s, i, row->at[i], &other) && other.common == common)
            return false;
    return true;
}

bool sums_each_apart(const struct sums *s, const struct sum_row *row, size_t *place, struct totals_row *out)
{
    while (sums_each_living(s, row, place, out))
        if (is_first_of(s, row_of(row), *place - 1, out->common))
            return true;
    return false;
}

/* Keeps what a process had in a row. What all have in common is no process's own. */
static void keep(struct row *row, const struct totals_row *had)
{
    weir_meter sum = {0};
    struct text_out packed;

    if (had->common > 0)
        return;
    for (size_t i = 0; i < totals_shapes[had->part].numbers; i++)
        row->kept[i] += had->numbers[i];
    if (had->meter == NULL || totals_meter_count(had->meter) == 0)
        return;
    text_out_init(&packed, TOTALS_BYTES_MAX);
    totals_meter_add(had->meter, &sum);
    if (row->kept_meter.len > 0)
        totals_meter_add((const unsigned char *)row->kept_meter.data, &sum);
    totals_meter_pack(&packed, &sum);
    if (packed.err < 0) { /* no memory: rather these durations than all of them */
        weir_buffer_free(&packed.text);
        return;
    }
    weir_buffer_free(&row->kept_meter);
    row->kept_meter = packed.text;
}

static bool is_less(const uint64_t *a, const uint64_t *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i] < b[i])
            return true;
    return false;
}

/* Whether a process has begun anew with a row. */
static bool went_back(const struct totals_row *now, const struct totals_row *before)
{
    return is_less(now->numbers, before->numbers, totals_shapes[now->part].numbers) ||
           totals_meter_count(now->meter) < totals_meter_count(before->meter);
}

static struct row *row_for(struct sums *s, int number, const struct totals_row *read)
{
    char text[KEY_BYTES_MAX];
    int length;

    if (read->part != TOTALS_LOOP)
        return find_or_add(s, read->part, read->key);
    length = snprintf(text, sizeof text, "%d", number) + 1;
    memcpy(text + length, read->key.data, read->key.len);
    return find_or_add(s, read->part, (weir_bytes){text, (size_t)length + read->key.len});
}

/* Notes where each row stands in new totals, and keeps what the process has begun anew with. */
static void take_rows(struct sums *s, size_t place, int number, weir_bytes totals)
{
    struct totals_row read, before;

    for (size_t at = totals_first(totals), next; totals_read(totals, at, &read, &next); at = next) {
        struct row *row = row_for(s, number, &read);
        if (row == NULL || row->coming > 0)
            continue;
        row->coming = (uint32_t)at;
        if (read_at(s, place, row->at[place], &before) && went_back(&read, &before))
            keep(row, &before);
    }
}

/* Keeps what the process has no more, and makes the new places the present ones. */
static void turn_rows(struct sums *s, size_t place)
{
    struct totals_row before;

    for (size_t part = 0; part < TOTALS_PARTS; part++)
        for (struct row *row = s->first[part]; row != NULL; row = row->next) {
            if (row->coming == 0 && read_at(s, place, row->at[place], &before))
                keep(row, &before);
            row->at[place] = row->coming;
            row->coming = 0;
        }
}

int sums_take(struct sums *s, size_t place, int number, weir_buffer *totals)
{
    int err = totals_check(weir_buffer_bytes(totals));

    if (err < 0)
        return err;
    take_rows(s, place, number, weir_buffer_bytes(totals));
    turn_rows(s, place);
    weir_buffer_free(&s->totals[place]);
    s->totals[place] = *totals;
    weir_buffer_init(totals, TOTALS_BYTES_MAX);
    return 0;
}

void sums_end(struct sums *s, size_t place)
{
    turn_rows(s, place);
    weir_buffer_free(&s->totals[place]);
    weir_buffer_init(&s->totals[place], TOTALS_BYTES_MAX);
}

/* --- adding up --- */

/* Adds what was last read of what processes have in common. */
static void add_common(const struct row *row, uint64_t *numbers)
{
    for (const struct common *c = row->common; c != NULL; c = c->next)
        for (size_t i = 0; i < totals_shapes[row->shown.part].numbers; i++)
            numbers[i] += c->last[i];
}

/* Finds what several processes have in common, or adds it, and makes it the first. */
static struct common *common_of(struct row *row, uint64_t id)
{
    const size_t count = totals_shapes[row->shown.part].numbers;
    struct common **link = &row->common, *found;
    size_t others = 0;

    for (; *link != NULL && (*link)->id != id && others < SUMS_COMMON_MAX - 1; others++)
        link = &(*link)->next;
    found = *link;
    if (found == NULL && (found = calloc(1, sizeof *found + count * sizeof *found->last)) == NULL)
        return NULL;
    if (*link != NULL)
        *link = found->next;
    for (size_t i = 0; found->id != id && i < count; i++) {
        row->kept[i] += found->last[i]; /* in place of what was read longest ago */
        found->last[i] = 0;
    }
    found->id = id;
    found->next = row->common;
    row->common = found;
    return found;
}

/* Takes the greatest of what the processes report of it, now or before: that is the latest. */
static void read_common(const struct sums *s, struct row *row, uint64_t id)
{
    const size_t count = totals_shapes[row->shown.part].numbers;
    struct common *common = common_of(row, id);
    struct totals_row read;

    if (common == NULL)
        return;
    for (size_t place = 0; sums_each_living(s, &row->shown, &place, &read);)
        for (size_t i = 0; read.common == id && i < count; i++)
            common->last[i] = common->last[i] > read.numbers[i] ? common->last[i] : read.numbers[i];
}

static void add_living(const struct sums *s, struct row *row, uint64_t *numbers, weir_meter *meter)
{
    const size_t count = totals_shapes[row->shown.part].numbers;
    struct totals_row read;

    row->shown.lives = false;
    for (size_t place = 0; sums_each_apart(s, &row->shown, &place, &read);) {
        row->shown.lives = true;
        for (size_t i = 0; read.common == 0 && i < count; i++)
            numbers[i] += read.numbers[i];
        if (read.common > 0)
            read_common(s, row, read.common);
        totals_meter_add(read.meter, meter);
    }
}

static void add_up(const struct sums *s, struct row *row)
{
    uint64_t numbers[TOTALS_NUMBERS_MAX] = {0};
    weir_meter meter = {0};

    if (row->kept_meter.len > 0)
        totals_meter_add((const unsigned char *)row->kept_meter.data, &meter);
    add_living(s, row, numbers, &meter);
    add_common(row, numbers);
    for (size_t i = 0; i < totals_shapes[row->shown.part].numbers; i++)
        row->now[i] = row->kept[i] + numbers[i];
    if (row->resting != NULL)
        *row->resting = meter;
    if (row->series.window != NULL)
        series_update(&row->series, totals_shapes[row->shown.part].meter ? &meter : NULL, row->now);
}

/* A row that is gone for so long that its windows are empty needs them no more. */
static void rest(struct row *row)
{
    weir_meter *meter = row->series.meter != NULL ? malloc(sizeof *meter) : NULL;

    if (row->series.meter != NULL && meter == NULL)
        return;
    if (meter != NULL)
        *meter = *row->series.meter;
    series_close(&row->series);
    row->resting = meter;
    row->series.meter = meter;
    row->series.numbers = row->now;
}

static void wake(struct row *row)
{
    weir_meter *meter = row->resting;

    if (open_series(row) < 0) { /* no memory: later */
        row->series = (struct series){.meter = meter, .numbers = row->now};
        return;
    }
    row->resting = NULL;
    series_update(&row->series, meter, row->now);
    sliding_window_begin_here(row->series.window);
    free(meter);
}

static bool is_gone(const struct row *row, weir_instant now)
{
    return row->seen.ns != now.ns;
}

static void note_seen(struct row *row, weir_instant now)
{
    if (row->wanted || row->shown.lives)
        row->seen = now;
    row->wanted = false;
    row->shown.gone = is_gone(row, now);
    if (row->shown.series == NULL)
        return;
    if (is_gone(row, now) && row->series.window != NULL &&
        weir_between(row->seen, now).ns > SUMS_REST_S * INT64_C(1000000000))
        rest(row);
    else if (!is_gone(row, now) && row->series.window == NULL)
        wake(row);
}

/* What is of the present alone is forgotten when no process has it; of the rest the row gone longest. */
static bool is_of_the_present(enum totals_part part)
{
    return part == TOTALS_CLIENT || part == TOTALS_CERTIFICATE || part == TOTALS_EXEMPLARS ||
           part == TOTALS_WORST_STALL;
}

static size_t forget_present(struct sums *s, weir_instant now)
{
    size_t gone = 0;

    for (size_t part = 0; part < TOTALS_PARTS; part++)
        for (struct row **link = &s->first[part]; *link != NULL;) {
            struct row *row = *link;
            const bool present = is_of_the_present((enum totals_part)part);
            if (is_gone(row, now) && present) {
                forget(s, link);
                continue;
            }
            gone += is_gone(row, now);
            link = &row->next;
        }
    return gone;
}

static void forget_oldest(struct sums *s, weir_instant now)
{
    struct row **oldest = NULL;

    for (size_t part = 0; part < TOTALS_PARTS; part++)
        for (struct row **link = &s->first[part]; *link != NULL; link = &(*link)->next)
            if (is_gone(*link, now) && (oldest == NULL || (*link)->seen.ns < (*oldest)->seen.ns))
                oldest = link;
    if (oldest != NULL)
        forget(s, oldest);
}

static void each_row(struct sums *s, void (*pause)(void),
                     void (*fn)(struct sums *s, struct row *row, void *arg), void *arg)
{
    size_t count = 0;

    for (size_t part = 0; part < TOTALS_PARTS; part++)
        for (struct row *row = s->first[part]; row != NULL; row = row->next) {
            fn(s, row, arg);
            if (pause != NULL && ++count % PAUSE_ROWS == 0)
                pause();
        }
}

static void add_up_one(struct sums *s, struct row *row, void *arg)
{
    add_up(s, row);
    note_seen(row, *(weir_instant *)arg);
}

void sums_add_up(struct sums *s, weir_instant now, void (*pause)(void))
{
    size_t gone;

    each_row(s, pause, add_up_one, &now);
    gone = forget_present(s, now);
    for (; gone > SUMS_GONE_MAX; gone--)
        forget_oldest(s, now);
}

/* --- windows --- */

void sums_next_second(struct sums *s, const struct window_clock *clock)
{
    for (size_t part = 0; part < TOTALS_PARTS; part++)
        for (struct row *row = s->first[part]; row != NULL; row = row->next)
            if (row->series.window != NULL)
                sliding_window_next_second(row->series.window, clock);
}

/* A moment of a clock. */
struct moment {
    enum totals_part only;
    const struct window_clock *clock;
    weir_instant now;
};

static void work_out_one(struct sums *s, struct row *row, void *arg)
{
    const struct moment *moment = arg;

    (void)s;
    if (row->series.window != NULL && (moment->only == TOTALS_PARTS || moment->only == row->shown.part))
        series_work_out(&row->series, moment->clock, moment->now);
}

void sums_work_out(struct sums *s, enum totals_part only, const struct window_clock *clock, weir_instant now,
                   void (*pause)(void))
{
    struct moment moment = {only, clock, now};

    each_row(s, pause, work_out_one, &moment);
}
