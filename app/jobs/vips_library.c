/* SPDX-License-Identifier: MIT */
#include "jobs/vips_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

/* Drops the messages of libvips, which would go to stderr: the client gets a reason of ours. */
static void say_nothing(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer arg)
{
    (void)domain, (void)level, (void)message, (void)arg;
}

static bool find_functions(void *library, struct vips_library *vips)
{
#define FIND(name)                                                                                           \
    *(void **)&vips->name = dlsym(library, #name);                                                           \
    if (!vips->name)                                                                                         \
        return false;
    VIPS_LIBRARY_FUNCTIONS(FIND)
#undef FIND
    return true;
}

static void allow_only_ours(const struct vips_library *vips)
{
    static const char *const loaders[] = {"VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp",
                                          "VipsForeignLoadNsgif"};

    vips->vips_block_untrusted_set(TRUE);
    vips->vips_operation_block_set("VipsForeignLoad", TRUE);
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
        vips->vips_operation_block_set(loaders[i], FALSE);
}

static struct {
    pthread_once_t once;
    struct vips_library functions;
    const char *fault;
} loaded = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
    struct vips_library *vips = &loaded.functions;
    void *library = dlopen(VIPS_LIBRARY_NAME, RTLD_NOW | RTLD_LOCAL);

    loaded.fault = VIPS_LIBRARY_NAME " is not installed, or of another version";
    if (library == NULL || !find_functions(library, vips))
        return;
    /* Its modules (ImageMagick, PDF, slides) are searched for below its home; none shall be found. */
    (void)setenv("VIPSHOME", "/nonexistent", 0);
    loaded.fault = VIPS_LIBRARY_NAME " cannot be started";
    if (vips->vips_init("weir") != 0)
        return;
    allow_only_ours(vips);
    vips->vips_cache_set_max(0);
    vips->vips_concurrency_set(1);
    vips->g_log_set_handler("VIPS", G_LOG_LEVEL_MASK, say_nothing, NULL);
    loaded.fault = NULL;
}

const struct vips_library *vips_library(const char **why)
{
    (void)pthread_once(&loaded.once, load);
    if (why != NULL)
        *why = loaded.fault;
    return loaded.fault != NULL ? NULL : &loaded.functions;
}
