/* SPDX-License-Identifier: MIT */
/* The applications, as all gateway processes together ask them. */
#include "config/app.h"
#include "metrics/joined_parts.h"

void joined_want_apps(struct sums *sums, const struct config *config)
{
    char label[SNAPSHOT_APP_LABEL_BYTES];

    for (size_t i = 0; i < config->app_count; i++) {
        const char *const keys[] = {config->apps[i].name, NULL};
        (void)sums_want(sums, TOTALS_APP, keys);
        (void)sums_want(sums, TOTALS_APP_WAIT, keys);
        if (config_app_has_attempts(&config->apps[i]))
            joined_want_attempts(sums, snapshot_app_label(config->apps[i].name, label));
    }
}

static void add_app(struct snapshot *s, const struct sums *sums, const struct sum_row *row)
{
    const struct sum_row *wait = sums_find(sums, TOTALS_APP_WAIT, (const char *const[]){row->keys[0], NULL});
    struct snapshot_app *app = &s->apps[s->app_count];
    char label[SNAPSHOT_APP_LABEL_BYTES];
    struct totals_row read;

    if (wait == NULL)
        return;
    *app = (struct snapshot_app){.name = row->keys[0], .served = *row->series, .waited = *wait->series};
    app->attempts = joined_attempts(sums, snapshot_app_label(app->name, label));
    for (size_t place = 0; sums_each_living(sums, row, &place, &read);) {
        app->in_flight += (int)read.values[APP_VALUE_IN_FLIGHT];
        app->waiting += (int)read.values[APP_VALUE_WAITING];
    }
    s->app_count++;
}

void joined_apps(struct snapshot *s, const struct sums *sums, bool with_gone)
{
    s->app_count = 0;
    s->apps = joined_room(s->apps, joined_count(sums, TOTALS_APP, with_gone), sizeof *s->apps);
    for (const struct sum_row *row = sums_first(sums, TOTALS_APP); row != NULL && s->apps != NULL;
         row = sums_next(row))
        if (joined_lists(row, with_gone))
            add_app(s, sums, row);
}
