/* SPDX-License-Identifier: MIT */
/* A gateway that runs on a thread of the test, with its admin address on a Unix socket in a folder of its
 * own. */
#ifndef TEST_APP_SUPPORT_RUNNING_H
#define TEST_APP_SUPPORT_RUNNING_H

#include <pthread.h>
#include <semaphore.h>

#include "config/config.h"

struct running {
    struct config config;
    pthread_t thread;
    sem_t started;
    int code;         /* of gateway_run(), after running_stop() */
    const char *root; /* of /proc and /sys; NULL: the machine's */
    char folder[32];
    char admin[64];   /* "unix:PATH" */
    char address[64]; /* the first one it listens on: "127.0.0.1:PORT" */
};

/* Runs the gateway of a configuration, which is below "listen: 127.0.0.1:0" and the admin address, and waits
 * until it listens. */
void running_start(struct running *r, const char *configuration);

/* Ends it with SIGTERM and waits for it. It has drained well. */
void running_stop(struct running *r);

/* The same, after SIGTERM has been sent. */
void running_wait(struct running *r);

#endif
