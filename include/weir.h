/* SPDX-License-Identifier: MIT */
/* Weir: tasks that wait, scopes that own them, services that keep their p99. Includes all public headers. */
#ifndef WEIR_H
#define WEIR_H

#include <weir/address.h>
#include <weir/attempts.h>
#include <weir/backend.h>
#include <weir/buffer.h>
#include <weir/charge.h>
#include <weir/connections.h>
#include <weir/error.h>
#include <weir/fd.h>
#include <weir/frame.h>
#include <weir/guard.h>
#include <weir/histogram.h>
#include <weir/http_client.h>
#include <weir/http_pump.h>
#include <weir/http_request.h>
#include <weir/http_response.h>
#include <weir/http_server.h>
#include <weir/http_text.h>
#include <weir/inspect.h>
#include <weir/job.h>
#include <weir/json.h>
#include <weir/log.h>
#include <weir/log_file.h>
#include <weir/mailbox.h>
#include <weir/memory.h>
#include <weir/meter.h>
#include <weir/pool.h>
#include <weir/process.h>
#include <weir/profile.h>
#include <weir/published.h>
#include <weir/random.h>
#include <weir/resolver.h>
#include <weir/runtime.h>
#include <weir/scope.h>
#include <weir/shared.h>
#include <weir/stream.h>
#include <weir/sync.h>
#include <weir/task.h>
#include <weir/text.h>
#include <weir/time.h>
#include <weir/tls.h>
#include <weir/trace.h>
#include <weir/url.h>
#include <weir/version.h>
#include <weir/watch.h>

#endif
