/* A finding of the guard, in the log. Threading: any thread. */
#ifndef WEIR__GUARD_REPORT_H
#define WEIR__GUARD_REPORT_H

#include "core/guard_places.h"

/* One line: what was called, by which task, from where, and what to write instead. */
void weir__guard_report(const struct weir__place *place);

#endif
