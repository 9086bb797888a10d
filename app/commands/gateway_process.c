/* SPDX-License-Identifier: MIT */
/* weir gateway-process: one gateway process of a supervisor, with what it hands over (gateway/handed.h). */
#include "commands/commands.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/guard.h>
#include <weir/shared.h>
#include <weir/stream.h>

#include "commands/usage.h"
#include "config/load.h"
#include "gateway/gateway.h"
#include "gateway/handed.h"
#include "routes/table.h"

const char command_gateway_process_help[] =
    "usage: weir gateway-process …\n"
    "\n"
    "A gateway process. 'weir serve' starts it, with descriptors that it hands over.\n";

enum { WATCHING_STACK_BYTES = 64 << 10 };

/* --- what is said to the supervisor --- */

/* Says a line. If nobody hears it, the process ends anyway. */
static void say(const char *word, const char *text)
{
    char line[8192];
    int length = snprintf(line, sizeof line, "%s%s%s\n", word, *text != '\0' ? " " : "", text);
    size_t left = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    weir_guard_allow briefly;

    weir_guard_allow_begin(&briefly, "write"); /* the supervisor reads at once */
    line[left - 1] = '\n';                     /* also of a line that was cut */
    for (const char *at = line; left > 0;) {
        ssize_t n = write(HANDED_CONTROL_FD, at, left);
        if (n < 0 && errno != EINTR)
            break;
        at += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    weir_guard_allow_end(&briefly);
}

static void say_ready(void *arg, const char *const *listening, size_t count)
{
    (void)arg;
    (void)listening;
    (void)count;
    say("ready", "");
}

static void say_fault(void *arg, const char *line)
{
    (void)arg;
    say("fault", line);
}

static void say_cut(void *arg, int exchanges, int connections)
{
    char text[32];

    (void)arg;
    (void)snprintf(text, sizeof text, "%d %d", exchanges, connections);
    say("cut", text);
}

/* Ends the process when the supervisor has gone. A thread, so that a loop that is held does not delay it. */
static void *watch_supervisor(void *arg)
{
    char byte;
    ssize_t n;

    (void)arg;
    (void)pthread_setname_np(pthread_self(), "supervisor");
    do
        n = read(HANDED_CONTROL_FD, &byte, 1);
    while (n > 0 || (n < 0 && errno == EINTR));
    _exit(EXIT_FAILED);
}

static int start_watching(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int err = -pthread_attr_init(&attributes);

    if (err < 0)
        return err;
    (void)pthread_attr_setstacksize(&attributes, WATCHING_STACK_BYTES);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = -pthread_create(&thread, &attributes, watch_supervisor, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return err;
}

/* --- what it gets --- */

static int read_config(const char *file, struct config *config, struct config_faults *faults)
{
    struct stat about;
    void *text;
    int err;

    config_faults_open(faults, file);
    if (fstat(HANDED_CONFIG_FD, &about) < 0)
        return -errno;
    if (about.st_size == 0)
        return config_parse(config, "", 0, &route_kinds, faults);
    text = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, HANDED_CONFIG_FD, 0);
    if (text == MAP_FAILED)
        return -errno;
    err = config_parse(config, text, (size_t)about.st_size, &route_kinds, faults);
    (void)munmap(text, (size_t)about.st_size);
    return err;
}

static void say_failure(const char *file, const char *what, int err)
{
    char line[4096 + 256];

    (void)snprintf(line, sizeof line, "%s: %s: %s", file, what, weir_error_text(err));
    say_fault(NULL, line);
}

static int serve(const struct handed *handed, const struct config *config, struct weir_shared *shared)
{
    int listeners[handed->listeners];
    char path[100], admin[sizeof path + sizeof "unix:"];
    const struct gateway_inherited inherited = {
        .listeners = listeners,
        .admin = admin,
        .shared = shared,
        .counts = HANDED_COUNTS_FD,
        .folder = handed->folder,
        .quiet = handed->number > 1,
        .fault = say_fault,
        .cut = say_cut,
    };
    const struct gateway_events events = {.started = say_ready, .inherited = &inherited};

    if (handed_admin_path(path, sizeof path, handed->folder, handed->member) == NULL) {
        say_failure(handed->file, "its folder has too long a path", -ENAMETOOLONG);
        return EXIT_FAILED;
    }
    (void)snprintf(admin, sizeof admin, "unix:%s", path);
    for (size_t i = 0; i < handed->listeners; i++)
        listeners[i] = HANDED_LISTENER_FD + (int)i;
    return gateway_run("serve", config, handed->file, &events);
}

static int run(const struct handed *handed)
{
    struct config config;
    struct config_faults faults;
    struct weir_shared *shared;
    int code = EXIT_FAILED, err = read_config(handed->file, &config, &faults);

    if (err == -WEIR_ECONFIG)
        config_faults_each(&faults, true, say_fault, NULL);
    else if (err < 0)
        say_failure(handed->file, "the configuration cannot be read", err);
    if (err < 0)
        return EXIT_FAILED;
    if (config.listen_count != handed->listeners)
        say_failure(handed->file, "the listeners do not belong to the configuration", -EINVAL);
    else if ((err = weir_shared_open(HANDED_SHARED_FD, handed->member, &shared)) < 0)
        say_failure(handed->file, "the shared memory cannot be used", err);
    else {
        code = serve(handed, &config, shared);
        weir_shared_close(shared);
    }
    config_free(&config);
    return code;
}

int command_gateway_process(int argc, char **argv)
{
    struct handed handed;
    struct stat control;

    if (handed_read(argc - 1, argv + 1, &handed) < 0)
        return usage_error("gateway-process", "expected the arguments of 'weir serve', which starts it");
    if (fstat(HANDED_CONTROL_FD, &control) < 0 || !S_ISSOCK(control.st_mode))
        return usage_error("gateway-process", "it is started by 'weir serve' alone");
    (void)pthread_setname_np(pthread_self(), "weir"); /* not "exe" */
    if (start_watching() < 0)
        return EXIT_FAILED;
    return run(&handed);
}
