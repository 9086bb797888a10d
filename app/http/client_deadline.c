/* SPDX-License-Identifier: MIT */
#include "http/client_deadline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/scope.h>

enum { DIGITS_MAX = 9, NS_PER_MS = 1000000 };

/* --- reading it --- */

static bool parse(const char *value, int64_t *ms)
{
    const size_t digits = strspn(value, "0123456789");

    if (digits == 0 || digits > DIGITS_MAX || value[digits] != '\0')
        return false;
    *ms = strtol(value, NULL, 10);
    return true;
}

static int answered(int err)
{
    return err < 0 ? err : 1;
}

__attribute__((noinline)) static int read_given(weir_request *req, weir_response *res, weir_instant *until)
{
    const char *value;
    int64_t ms;

    value = weir_request_header_joined(req, CLIENT_DEADLINE_HEADER); /* of two fields, no number */
    if (value == NULL)
        return -ENOMEM;
    if (!parse(value, &ms))
        return answered(weir_respond_fault(
            res, 400, "malformed",
            CLIENT_DEADLINE_HEADER " is not valid, expected milliseconds: one number of 1 to 9 digits"));
    if (ms == 0)
        return answered(client_deadline_respond(res));
    *until = weir_after_ms(ms);
    return 0;
}

int client_deadline_read(weir_request *req, weir_response *res, weir_instant *until)
{
    *until = weir_never();
    return weir_request_header(req, CLIENT_DEADLINE_HEADER) == NULL ? 0 : read_given(req, res, until);
}

int client_deadline_respond(weir_response *res)
{
    return weir_respond_fault(res, 504, "deadline", "the deadline of the request has passed");
}

/* --- a handler under it --- */

/* A deadline in force. It lies in the memory of the request, since an answer may begin later. */
struct in_force {
    weir_scope *scope; /* NULL: the handler has returned */
};

/* Too late an answer is refused here, where 504 can take its place. */
static int lift(void *arg, weir_response *res, const weir_response_head *head)
{
    const struct in_force *in_force = arg;

    (void)res;
    (void)head;
    return in_force->scope != NULL ? weir_scope_set_deadline(in_force->scope, weir_never()) : 0;
}

static int run_until(weir_instant until, weir_request *req, weir_response *res, weir_handler *handler,
                     void *state)
{
    static const weir_response_filter filter = {.head = lift};
    struct in_force *in_force = weir_request_alloc(req, sizeof *in_force);
    weir_scope scope;
    int err;

    if (in_force == NULL)
        return -ENOMEM;
    in_force->scope = &scope;
    err = weir_response_filter_add(res, &filter, in_force);
    if (err < 0)
        return err;
    weir_scope_open(&scope, until, 0);
    err = handler(req, res, state);
    in_force->scope = NULL;
    (void)weir_scope_close(&scope);
    return err;
}

int client_deadline_run(weir_request *req, weir_response *res, weir_handler *handler, void *state)
{
    weir_instant until;
    int err = client_deadline_read(req, res, &until);

    if (err != 0)
        return err < 0 ? err : 0;
    return weir_is_never(until) ? handler(req, res, state) : run_until(until, req, res, handler, state);
}

/* --- what is left --- */

bool client_deadline_passed(weir_instant until)
{
    return !weir_is_never(until) && weir_between(weir_now(), until).ns <= 0;
}

weir_instant client_deadline_min(weir_instant a, weir_instant b)
{
    return a.ns < b.ns ? a : b;
}

const char *client_deadline_left(char text[CLIENT_DEADLINE_BYTES], weir_instant until)
{
    const int64_t left_ns = weir_between(weir_now(), until).ns;

    (void)snprintf(text, CLIENT_DEADLINE_BYTES, "%lld", (long long)(left_ns > 0 ? left_ns / NS_PER_MS : 0));
    return text;
}
