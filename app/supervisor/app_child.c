/* SPDX-License-Identifier: MIT */
#include "supervisor/app_child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/fd.h>
#include <weir/pool.h>
#include <weir/stream.h>
#include <weir/task.h>

#include "apps/helpers.h"
#include "supervisor/app_environment.h"
#include "supervisor/folder.h"
#include "supervisor/guardian.h"
#include "supervisor/orphans.h"

/* Files that the application may have made beside its socket; more stay until the supervisor's folder goes.
 */
enum { FORGOTTEN_MAX = 256 };

enum { KILL_LEFT_MS = 5000, KILL_NAP_MS_MAX = 32 };

/* --- the folder of the socket --- */

/* Writes the folder of a socket. */
static const char *folder_of(const struct app_child *child, char out[APP_SOCKET_BYTES])
{
    memcpy(out, child->socket, APP_SOCKET_BYTES);
    *strrchr(out, '/') = '\0';
    return out;
}

struct app_folder {
    const struct apps_place *place;
    const struct config_app *app;
    const struct app_child *child;
};

/* Each process has a folder of its own for its socket: another user makes the socket there, and nobody but
 * that user and root gets in. */
static int make_folder(weir_job *job, void *arg)
{
    const struct app_folder *f = arg;
    char folder[APP_SOCKET_BYTES];
    int err;

    (void)job;
    err = folder_restore(f->place->folder);
    if (err < 0)
        return err;
    if (mkdir(folder_of(f->child, folder), 0700) < 0)
        return -errno;
    if (f->app->user == NULL || f->app->uid == geteuid())
        return 0;
    if (chown(folder, f->app->uid, f->app->gid) < 0 || chmod(f->place->folder, 0711) < 0)
        return -errno;
    return 0;
}

void app_child_forget(struct app_child *child)
{
    char name[APP_SOCKET_BYTES];
    DIR *folder;
    int seen = 0;

    if (child->control >= 0)
        close(child->control);
    child->control = -1;
    if (child->socket[0] == '\0' || (folder = opendir(folder_of(child, name))) == NULL)
        return;
    for (const struct dirent *each; seen < FORGOTTEN_MAX && (each = readdir(folder)) != NULL; seen++)
        (void)unlinkat(dirfd(folder), each->d_name, 0);
    (void)closedir(folder);
    (void)rmdir(name);
}

/* --- starting --- */

static void take_line(void *arg, bool is_error, const char *line, size_t length)
{
    struct app_child *child = arg;

    (void)is_error;
    app_lines_add(child->lines, line, length);
}

static int run_simulated(void *arg, weir_simulated_process *self)
{
    const struct app_child *child = arg;

    return child->place->simulate(child->place->arg, self);
}

/* What both a real and a simulated process are started with. Owns: lies in memory. */
static int fill_options(struct config_memory *memory, const struct apps_place *place,
                        const struct config_app *app, const struct app_child *child,
                        weir_process_options *options)
{
    const char *const real[] = {"weir", GUARDIAN_COMMAND, app->user != NULL ? app->user : "-", NULL};
    const char *const simulated[] = {NULL};
    char helpers[WEIR_ADDRESS_BYTES];
    const char *helped = app->user == NULL ? helpers_path(helpers, sizeof helpers, place->folder) : NULL;

    options->argv = app_words(memory, app, child->socket, place->simulate != NULL ? simulated : real);
    options->env =
        app_environment(memory, app, child->socket, helped, place->simulate != NULL ? "" : GUARDIAN_HIDES);
    options->name = app->name;
    options->folder = app->cwd;
    options->stop_signal = SIGTERM;
    return options->argv != NULL && options->env != NULL ? 0 : -ENOMEM;
}

/* Waits until the guardian tells the number of the application's process. It may hang where users are looked
 * up. */
static int read_pid(struct app_child *child, weir_duration within)
{
    weir_scope_auto(scope, weir_after(within), 0);
    char text[16];
    ssize_t n;
    int err;

    err = weir_wait_fd(child->control, POLLIN);
    if (err < 0)
        return err;
    n = recv(child->control, text, sizeof text - 1, MSG_DONTWAIT); /* it is written in one piece */
    if (n <= 0)
        return -WEIR_ECLOSED;
    text[n] = '\0';
    child->pid = atoi(text);
    return child->pid > 0 ? 0 : -WEIR_ECLOSED;
}

static int start_guarded(weir_scope *scope, weir_process_options *options, weir_duration within,
                         struct app_child *child)
{
    weir_process_fd handed = {.as = GUARDIAN_FD};
    int pair[2], err;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    child->control = pair[0];
    handed.fd = pair[1];
    options->program = "/proc/self/exe";
    options->fds = &handed;
    options->fd_count = 1;
    err = weir_process_start(scope, options, &child->process);
    close(pair[1]);
    return err < 0 ? err : read_pid(child, within);
}

static int start_simulated(weir_scope *scope, weir_process_options *options, struct app_child *child)
{
    int err;

    options->simulate = run_simulated;
    err = weir_process_start(scope, options, &child->process);
    if (err == 0)
        child->pid = weir_process_id(child->process);
    return err;
}

int app_child_start(weir_scope *scope, const struct apps_place *place, const struct config_app *app,
                    uint32_t serial, struct app_lines *lines, struct app_child *child)
{
    weir_process_options options = {.line = take_line, .arg = child};
    struct app_folder folder = {place, app, child};
    struct config_memory *memory;
    int err;

    *child = (struct app_child){.control = -1, .lines = lines, .place = place};
    if (app_socket_path(child->socket, place->folder, app->name, serial) == NULL)
        return -ENAMETOOLONG;
    err = place->simulate == NULL
              ? weir_offload(weir_pool_blocking(), "folder of an application", make_folder, &folder)
              : 0;
    if (err < 0)
        return err;
    memory = config_memory_open();
    err = memory != NULL ? fill_options(memory, place, app, child, &options) : -ENOMEM;
    if (err == 0)
        err = place->simulate == NULL ? start_guarded(scope, &options, app->ready_within, child)
                                      : start_simulated(scope, &options, child);
    config_memory_free(memory);
    return err;
}

/* --- ending --- */

void app_child_signal(struct app_child *child, int number)
{
    if (number == SIGKILL) {
        app_child_kill(child);
        return;
    }
    (void)weir_process_signal(child->process, number);
    if (child->control >= 0)
        (void)weir_process_signal(child->process, SIGCONT);
}

/* The guardian kills, when its socket ends: only it finds what the application has started. It may have been
 * stopped. One that has not said what it has started may not get that far; what it starts dies with it. */
void app_child_kill(struct app_child *child)
{
    if (child->process == NULL)
        return;
    if (child->control < 0 || child->pid == 0)
        (void)weir_process_signal(child->process, SIGKILL);
    else {
        (void)shutdown(child->control, SHUT_RDWR);
        (void)weir_process_signal(child->process, SIGCONT);
    }
}

struct left {
    pid_t session;
    size_t killed;
};

static int kill_as_job(weir_job *job, void *arg)
{
    struct left *left = arg;

    (void)job;
    left->killed = orphans_kill(left->session);
    return 0;
}

void app_child_kill_left(const struct app_child *child)
{
    struct left left = {.session = child->pid, .killed = 1};
    int nap_ms = 1, err = 0;
    weir_scope scope;

    if (child->control < 0 || child->pid == 0) /* it is simulated, or has started nothing */
        return;
    weir_scope_open(&scope, weir_after_ms(KILL_LEFT_MS), WEIR_SHIELD);
    while (err == 0 && left.killed > 0) {
        err = weir_offload(weir_pool_blocking(), "orphans of an application", kill_as_job, &left);
        if (err == 0 && left.killed > 0)
            err = weir_sleep(weir_ms(nap_ms));
        nap_ms = nap_ms < KILL_NAP_MS_MAX ? 2 * nap_ms : KILL_NAP_MS_MAX;
    }
    (void)weir_scope_close(&scope);
}
