/* SPDX-License-Identifier: MIT */
#include "gateway/access_output.h"

#include <unistd.h>

#include <weir/charge.h>
#include <weir/log.h>

#include "gateway/access_fields.h"
#include "gateway/access_log.h"
#include "http/client_address.h"
#include "text/hidden.h"

static bool has_failed(const weir_exchange_record *record)
{
    return !record->complete || record->refused != NULL || record->status >= 500 || record->status == 0;
}

/* Spreads traces, whose ids need not be random, over 0 to 99. */
static int percentile(const weir_trace *trace)
{
    const uint64_t mixed = (trace->id_low ^ trace->id_high) * UINT64_C(0x9e3779b97f4a7c15);

    return (int)((mixed >> 32) * 100 >> 32);
}

bool access_output_wants(const struct config_access_log *settings, const weir_exchange_record *record,
                         const weir_trace *trace, int *sample)
{
    *sample = 0;
    if (settings->sample == 100 || has_failed(record) ||
        (settings->slow.ns > 0 && record->took.ns >= settings->slow.ns))
        return true;
    *sample = settings->sample;
    return percentile(trace) < settings->sample;
}

int access_output_open(const struct config_access_log *settings, weir_log_file **out)
{
    const weir_log_file_options options = {
        .name = "access",
        .path = settings->path,
        .fd = STDERR_FILENO,
        .json = settings->format == CONFIG_LOG_JSON,
    };

    *out = NULL;
    return settings->on && settings->apart ? weir_log_file_open(&options, out) : 0;
}

void access_output_reopen(const struct config_access_log *settings, weir_log_file *file)
{
    int err;

    if (file == NULL || settings->path == NULL) {
        weir_log(WEIR_LOG_INFO,
                 "SIGUSR1 has no effect: the log goes to stderr, so no file has to be opened again");
        return;
    }
    err = weir_log_file_reopen(file);
    if (err < 0)
        weir_log(WEIR_LOG_ERROR, "the access log could not be opened again: lines go to the file as before",
                 WEIR_KV("path", settings->path), WEIR_KV_ERROR("error", err));
    else
        weir_log(WEIR_LOG_INFO, "the access log was opened again", WEIR_KV("path", settings->path));
}

/* What takes room on the stack that most lines do not need, and is made before the rest. */
struct shown {
    const char *target; /* NULL: as it came */
    const struct access_fields *fields;
    int sample;
};

/* noinline: the buffers of the line are on the stack only while it is made. */
__attribute__((noinline)) static void write_line(const struct config *config, weir_log_file *file,
                                                 const weir_exchange_record *record,
                                                 const struct shown *shown)
{
    char client[CLIENT_TEXT_BYTES];
    weir_charge charges[WEIR_CHARGES_MAX];
    const struct access_log_more more = {
        .peer = weir_request_peer(record->request),
        .client =
            client_behind(record->request, config->trusted_proxies, config->trusted_proxy_count, client),
        .user = weir_request_user(record->request),
        .trace = weir_request_trace(record->request),
        .charges = charges,
        .charge_count = weir_exchange_charges(record, charges),
        .target = shown->target,
        .sample = shown->sample,
        .fields = shown->fields,
    };
    struct access_log_line line;

    access_log_fill(&line, record, &more);
    if (file != NULL)
        weir_log_file_write(file, WEIR_LOG_INFO, "request", line.pairs, line.count);
    else
        weir_log_write(WEIR_LOG_INFO, "request", line.pairs, line.count);
}

/* The stack of a task grows by the buffers only where something is hidden, or headers are shown. */
__attribute__((noinline)) static void write_hidden(const struct config *config, weir_log_file *file,
                                                   const weir_exchange_record *record, struct shown shown)
{
    char target[HIDDEN_TARGET_BYTES];

    shown.target = hidden_target(config->access_log.hide, record->target, target);
    write_line(config, file, record, &shown);
}

static void write_shown(const struct config *config, weir_log_file *file, const weir_exchange_record *record,
                        const struct shown *shown)
{
    if (config->access_log.hide != NULL)
        write_hidden(config, file, record, *shown);
    else
        write_line(config, file, record, shown);
}

__attribute__((noinline)) static void write_with_fields(const struct config *config, weir_log_file *file,
                                                        const weir_exchange_record *record,
                                                        struct shown shown)
{
    struct access_fields fields;

    access_fields_fill(&fields, &config->access_log, record->request);
    shown.fields = &fields;
    write_shown(config, file, record, &shown);
}

void access_output_write(const struct config *config, weir_log_file *file, const weir_exchange_record *record)
{
    const struct config_access_log *settings = &config->access_log;
    struct shown shown = {0};

    if (!access_output_wants(settings, record, weir_request_trace(record->request), &shown.sample))
        return;
    if (settings->fields != NULL)
        write_with_fields(config, file, record, shown);
    else
        write_shown(config, file, record, &shown);
}
