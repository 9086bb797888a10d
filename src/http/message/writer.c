/* SPDX-License-Identifier: MIT */
#include "http/message/writer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "http/message/chars.h"

static void fail(weir__http_writer *w, int err)
{
    if (w->err == 0)
        w->err = err;
}

/* Inlined, as put_field() is: what most heads consist of is constant, or nearly so. */
static inline __attribute__((always_inline)) void put(weir__http_writer *w, const char *data, size_t len)
{
    if (w->err != 0)
        return;
    if (len > (size_t)(w->end - w->at)) {
        fail(w, -WEIR_ETOOLARGE);
        return;
    }
    if (len > 0)
        memcpy(w->at, data, len);
    w->at += len;
}

static void put_text(weir__http_writer *w, const char *text)
{
    put(w, text, strlen(text));
}

/* --- first lines --- */

const char *weir__http_reason(int status)
{
    static const char *const reasons[] = {
        [100] = "Continue",
        [101] = "Switching Protocols",
        [102] = "Processing",
        [103] = "Early Hints",
        [200] = "OK",
        [201] = "Created",
        [202] = "Accepted",
        [203] = "Non-Authoritative Information",
        [204] = "No Content",
        [205] = "Reset Content",
        [206] = "Partial Content",
        [207] = "Multi-Status",
        [208] = "Already Reported",
        [226] = "IM Used",
        [300] = "Multiple Choices",
        [301] = "Moved Permanently",
        [302] = "Found",
        [303] = "See Other",
        [304] = "Not Modified",
        [305] = "Use Proxy",
        [307] = "Temporary Redirect",
        [308] = "Permanent Redirect",
        [400] = "Bad Request",
        [401] = "Unauthorized",
        [402] = "Payment Required",
        [403] = "Forbidden",
        [404] = "Not Found",
        [405] = "Method Not Allowed",
        [406] = "Not Acceptable",
        [407] = "Proxy Authentication Required",
        [408] = "Request Timeout",
        [409] = "Conflict",
        [410] = "Gone",
        [411] = "Length Required",
        [412] = "Precondition Failed",
        [413] = "Content Too Large",
        [414] = "URI Too Long",
        [415] = "Unsupported Media Type",
        [416] = "Range Not Satisfiable",
        [417] = "Expectation Failed",
        [421] = "Misdirected Request",
        [422] = "Unprocessable Content",
        [423] = "Locked",
        [424] = "Failed Dependency",
        [425] = "Too Early",
        [426] = "Upgrade Required",
        [428] = "Precondition Required",
        [429] = "Too Many Requests",
        [431] = "Request Header Fields Too Large",
        [451] = "Unavailable For Legal Reasons",
        [500] = "Internal Server Error",
        [501] = "Not Implemented",
        [502] = "Bad Gateway",
        [503] = "Service Unavailable",
        [504] = "Gateway Timeout",
        [505] = "HTTP Version Not Supported",
        [506] = "Variant Also Negotiates",
        [507] = "Insufficient Storage",
        [508] = "Loop Detected",
        [511] = "Network Authentication Required",
    };
    size_t i = (size_t)status;

    return status >= 0 && i < sizeof reasons / sizeof *reasons && reasons[i] != NULL ? reasons[i] : "";
}

void weir__http_write_status(weir__http_writer *w, int status)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\n";
    char line[] = "HTTP/1.1 000 ";

    if (status == 200) { /* nearly every one */
        put(w, ok, sizeof ok - 1);
        return;
    }
    if (status < 100 || status > 999) {
        fail(w, -EINVAL);
        return;
    }
    line[9] = (char)('0' + status / 100);
    line[10] = (char)('0' + status / 10 % 10);
    line[11] = (char)('0' + status % 10);
    put(w, line, sizeof line - 1);
    put_text(w, weir__http_reason(status));
    put(w, "\r\n", 2);
}

static bool is_visible(weir_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!weir__http_char_is(text.data[i], WEIR__HTTP_VISIBLE))
            return false;
    return text.len > 0;
}

void weir__http_write_request_line(weir__http_writer *w, weir_bytes method, weir_bytes target)
{
    if (!weir_token_is_valid(method) || !is_visible(target)) {
        fail(w, -EINVAL);
        return;
    }
    put(w, method.data, method.len);
    put(w, " ", 1);
    put(w, target.data, target.len);
    put(w, " HTTP/1.1\r\n", 11);
}

/* --- fields --- */

static inline __attribute__((always_inline)) void put_field(weir__http_writer *w, weir_bytes name,
                                                            weir_bytes value)
{
    if (w->err != 0)
        return;
    if (name.len + value.len + WEIR__HTTP_FIELD_MORE > (size_t)(w->end - w->at)) {
        fail(w, -WEIR_ETOOLARGE);
        return;
    }
    w->at = weir__http_put_field(w->at, name, value);
}

void weir__http_write_field(weir__http_writer *w, weir_bytes name, weir_bytes value)
{
    if (weir_token_is_valid(name) && weir_header_value_is_valid(value))
        put_field(w, name, value);
    else
        fail(w, -EINVAL);
}

void weir__http_write_trusted(weir__http_writer *w, weir_bytes name, weir_bytes value)
{
    assert(weir_token_is_valid(name) && weir_header_value_is_valid(value));
    put_field(w, name, value);
}

static inline __attribute__((always_inline)) void put_number(weir__http_writer *w, weir_bytes name,
                                                             uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    put_field(w, name, (weir_bytes){digits + at, sizeof digits - at});
}

void weir__http_write_number(weir__http_writer *w, weir_bytes name, uint64_t number)
{
    put_number(w, name, number);
}

void weir__http_write_type(weir__http_writer *w, weir_bytes type)
{
    if (weir_header_value_is_valid(type))
        put_field(w, WEIR__HTTP_TEXT("content-type"), type);
    else
        fail(w, -EINVAL);
}

void weir__http_write_length(weir__http_writer *w, uint64_t bytes)
{
    put_number(w, WEIR__HTTP_TEXT("content-length"), bytes);
}

void weir__http_write_chunked(weir__http_writer *w)
{
    put_field(w, WEIR__HTTP_TEXT("transfer-encoding"), WEIR__HTTP_TEXT("chunked"));
}

void weir__http_write_date(weir__http_writer *w, const char date[static WEIR__HTTP_DATE_BYTES])
{
    put_field(w, WEIR__HTTP_TEXT("date"), (weir_bytes){date, WEIR__HTTP_DATE_BYTES});
}

void weir__http_write_raw(weir__http_writer *w, weir_bytes bytes)
{
    put(w, bytes.data, bytes.len);
}

int weir__http_writer_end(weir__http_writer *w)
{
    put(w, "\r\n", 2);
    return w->err != 0 ? w->err : (int)(w->at - w->start);
}
