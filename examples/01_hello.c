/* SPDX-License-Identifier: MIT */
/* A service: limits its clients, drains on Ctrl-C, and answers what it cannot serve with an error.
 *
 *     01_hello [ADDRESS]          curl http://127.0.0.1:8080/hello/World
 */
/* [hello] */
#include <stdio.h>
#include <weir.h>

static int hello(weir_request *req, weir_response *res, void *state)
{
    char text[256];

    (void)state;
    snprintf(text, sizeof text, "Hello, %s!\n", weir_request_param(req, "name"));
    return weir_respond_text(res, 200, text);
}

int main(int argc, char **argv)
{
    weir_server_options options = {.listen = argc > 1 ? argv[1] : "127.0.0.1:8080"};
    weir_route route = {.path = "/hello/{name}", .methods = "GET", .handler = hello};

    return weir_serve(&options, &route, 1) < 0;
}
/* [/hello] */
