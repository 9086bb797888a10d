/* SPDX-License-Identifier: MIT */
/* The reasons for which a request is refused: each that a refusal names, or the code of its answer, stands
 * here. */
#include <weir/http_server.h>

static const weir_refusal refusals[] = {
    {"exchanges", WEIR_REFUSAL_LOAD},        {"queueing", WEIR_REFUSAL_LOAD},
    {"pool_full", WEIR_REFUSAL_LOAD},        {"pool_wait", WEIR_REFUSAL_LOAD},
    {"pool_deadline", WEIR_REFUSAL_LOAD},    {"pool_late", WEIR_REFUSAL_LOAD},
    {"pool_other", WEIR_REFUSAL_LOAD},       {"busy", WEIR_REFUSAL_LOAD},
    {"memory", WEIR_REFUSAL_LOAD},           {"timeout", WEIR_REFUSAL_SLOWNESS},
    {"body_rate", WEIR_REFUSAL_SLOWNESS},    {"unread", WEIR_REFUSAL_SLOWNESS},
    {"not_found", WEIR_REFUSAL_FAULT},       {"method_not_allowed", WEIR_REFUSAL_FAULT},
    {"malformed", WEIR_REFUSAL_FAULT},       {"truncated", WEIR_REFUSAL_FAULT},
    {"too_large", WEIR_REFUSAL_FAULT},       {"head_too_large", WEIR_REFUSAL_FAULT},
    {"target_too_long", WEIR_REFUSAL_FAULT}, {"not_implemented", WEIR_REFUSAL_FAULT},
    {"other", WEIR_REFUSAL_FAULT},
};

const weir_refusal *weir_refusal_at(size_t i)
{
    return i < sizeof refusals / sizeof *refusals ? &refusals[i] : NULL;
}
