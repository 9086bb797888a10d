/* SPDX-License-Identifier: MIT */
#include "apps/app_check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/app_user.h"

/* --- the folder --- */

/* Opens the folder that an application begins in.
 * Returns: -1 after a fault. */
static int open_folder(const struct config_app *app, struct config_faults *faults)
{
    int fd = open(app->cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 ? errno : faccessat(fd, ".", X_OK, AT_EACCESS) < 0 ? errno : 0;

    if (err == 0)
        return fd;
    config_fault(faults, app->place, "app.cwd of '%s' is '%s', expected a folder: %s", app->name, app->cwd,
                 strerror(err));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* --- the program --- */

/* Returns: 0, or why a file can't be executed. A relative path begins at the folder. */
static int may_execute(int folder, const char *path)
{
    struct stat st;

    if (fstatat(folder, path, &st, 0) < 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return EACCES;
    return faccessat(folder, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

/* The PATH that the application is started with. */
static const char *search_path(const struct config_app *app)
{
    const char *path = getenv("PATH");

    for (size_t i = 0; app->env[i] != NULL; i++)
        if (strncmp(app->env[i], "PATH=", strlen("PATH=")) == 0)
            path = app->env[i] + strlen("PATH=");
    return path != NULL ? path : "/bin:/usr/bin";
}

/* Looks for a program in the folders of PATH, as execvp(3) does; an empty one is that of the application.
 * Returns: 0, or why none can be executed. */
static int look_up(const struct config_app *app, int folder, const char *name)
{
    const char *at = search_path(app);
    int why = ENOENT;

    for (;;) {
        const int length = (int)strcspn(at, ":");
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%.*s%s%s", length, at, length > 0 ? "/" : "", name);
        int err = n < (int)sizeof path ? may_execute(folder, path) : ENAMETOOLONG;

        if (err == 0)
            return 0;
        if (err == EACCES)
            why = EACCES;
        if (at[length] == '\0')
            return why;
        at += length + 1;
    }
}

static void check_program(const struct config_app *app, int folder, struct config_faults *faults)
{
    const char *name = app->command[0];
    const bool in_path = strchr(name, '/') == NULL;
    int err = in_path ? look_up(app, folder, name) : may_execute(folder, name);

    if (err != 0)
        config_fault(faults, app->place, "app.command of '%s' begins with '%s', expected a program%s: %s",
                     app->name, name, in_path ? " in PATH, or a path with a slash" : "", strerror(err));
}

/* --- the user --- */

static void check_user(struct config_app *app, struct config_faults *faults)
{
    struct app_user user = {.uid = 0};

    if (app->user == NULL)
        return;
    if (app_user_find(app->user, &user) < 0)
        config_fault(faults, app->place, "app.user of '%s' is '%s', expected a user that this system has",
                     app->name, app->user);
    else if (geteuid() != 0 && user.uid != geteuid())
        config_fault(faults, app->place,
                     "app.user of '%s' is '%s', expected weir to be started as root: only root starts "
                     "processes as another user",
                     app->name, app->user);
    app->uid = user.uid;
    app->gid = user.gid;
}

int app_check(const struct config *config, struct config_faults *faults)
{
    const size_t before = faults->count;

    for (size_t i = 0; i < config->app_count; i++) {
        struct config_app *app = &config->apps[i];
        int folder = open_folder(app, faults);

        if (folder >= 0) {
            check_program(app, folder, faults);
            close(folder);
        }
        check_user(app, faults);
    }
    return faults->count > before ? -WEIR_ECONFIG : 0;
}

void app_check_idle(const struct config *config, struct config_faults *warnings)
{
    for (size_t i = 0; i < config->app_count; i++) {
        const struct config_app *app = &config->apps[i];

        if (!app->used)
            config_fault(warnings, app->place, "app '%s' is used by no route; expected one with 'serve: %s'",
                         app->name, app->name);
    }
}
