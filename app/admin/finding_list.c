/* SPDX-License-Identifier: MIT */
#include "admin/finding_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

double finding_share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

double finding_at_most_1(double value)
{
    return value < 1 ? value : 1;
}

struct finding *finding_add(struct finding_list *list, const char *about, const char *name, double impact)
{
    struct finding *f;

    if (list->count == FINDINGS_MAX)
        return NULL;
    f = &list->items[list->count++];
    *f = (struct finding){.about = about, .impact = impact};
    snprintf(f->name, sizeof f->name, "%s", name);
    return f;
}

void finding_say(struct finding *f, const char *format, ...)
{
    const size_t used = strlen(f->text);
    va_list args;

    va_start(args, format);
    vsnprintf(f->text + used, sizeof f->text - used, format, args);
    va_end(args);
}

void finding_number(struct finding *f, const char *name, double value)
{
    for (size_t i = 0; i < ADVICE_NUMBERS_MAX; i++)
        if (f->numbers[i].name == NULL) {
            f->numbers[i] = (struct advice_number){name, value};
            return;
        }
}
