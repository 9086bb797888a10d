/* A service in a few lines: it drains on Ctrl-C, limits what clients may do, and names what it can't answer.
 *
 *     01_hello [ADDRESS]          curl http://127.0.0.1:8080/hello
 */
#include <stdio.h>
#include <weir.h>

/* [hello] */
static int hello(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    return weir_reply_text(res, 200, "Hello, World!\n");
}

static void listening(void *arg, const char *address)
{
    (void)arg;
    printf("listening on %s\n", address);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    weir_server_options options = {.listen = argc > 1 ? argv[1] : "127.0.0.1:8080",
                                   .on_listening = listening};
    weir_route route = {.path = "/hello", .methods = "GET", .handler = hello};
    int err = weir_serve(&options, &route, 1);

    if (err < 0)
        fprintf(stderr, "01_hello: %s\n", weir_error_text(err));
    return err < 0;
}
/* [/hello] */
