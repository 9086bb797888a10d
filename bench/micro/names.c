/* SPDX-License-Identifier: MIT */
/* A cached name: what each connect pays to find its addresses, beside a table of other names. */
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "names/resolve.h"

enum { OTHERS = 1000 };

static const char name[] = "orders.internal";

static void finds(void *arg, int64_t n)
{
    struct weir__found found;
    size_t *count = arg;

    for (int64_t i = 0; i < n; i++)
        if (weir__names_resolve(name, sizeof name - 1, WEIR__WANT_FIRST, &found) == 0)
            *count += found.name->count;
}

static int run(void *arg)
{
    const struct arguments *a = arg;
    int64_t n = operations(a->argc, a->argv, 200000);
    size_t count = 0;

    for (int i = 0; i < OTHERS; i++) {
        weir_resolved known;
        char other[64];
        (void)snprintf(other, sizeof other, "host%d.internal", i);
        if (weir_resolve(other, &known) < 0)
            return -WEIR_EDNS;
    }
    measure("find a cached name", n, finds, &count);
    return count >= (size_t)n ? 0 : -WEIR_EDNS;
}

/* Names come from a hosts file of this program's own. */
int main(int argc, char **argv)
{
    char path[] = P_tmpdir "/weir-bench-hosts-XXXXXX";
    struct arguments a = {argc, argv};
    const weir_resolver_options resolver = {.hosts_path = path, .resolv_conf_path = ""};
    const weir_options options = {.io = WEIR_IO_EPOLL, .resolver = &resolver};
    FILE *file = fdopen(mkstemp(path), "w");
    int err;

    if (file == NULL) {
        perror(path);
        return 1;
    }
    fprintf(file, "10.0.0.1 %s\n", name);
    for (int i = 0; i < OTHERS; i++)
        fprintf(file, "10.0.1.%d host%d.internal\n", i % 256, i);
    fclose(file);
    err = weir_run(&options, run, &a);
    unlink(path);
    if (err < 0)
        fprintf(stderr, "%s\n", weir_error_text(err));
    return err < 0;
}
