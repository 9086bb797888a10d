/* SPDX-License-Identifier: MIT */
#include "routes/discard.h"

int request_discard_body(weir_request *req)
{
    char piece[1024];
    ssize_t n;

    do
        n = weir_request_read(req, piece, sizeof piece);
    while (n > 0);
    return (int)n;
}
