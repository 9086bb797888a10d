/* SPDX-License-Identifier: MIT */
/* PostgreSQL through libpq, without blocking the loop: libpq does the protocol, weir_fd the waiting.
 * Built where libpq is found.
 *
 *     17_libpq CONNINFO QUERY           17_libpq "host=127.0.0.1 dbname=postgres" "select 1"
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include <libpq-fe.h>
#include <weir.h>

/* [connect] */
/* libpq may change its socket between two steps of a connect, so each step has its own weir_wait_fd(). */
static int finish_connect(PGconn *db)
{
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;

    while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
        int ready = weir_wait_fd(PQsocket(db), step == PGRES_POLLING_READING ? POLLIN : POLLOUT);

        if (ready < 0)
            return ready;
        step = PQconnectPoll(db);
    }
    return step == PGRES_POLLING_OK ? 0 : -ECONNREFUSED;
}
/* [/connect] */

/* [query] */
/* Sends what libpq has buffered. Bytes from the server are read meanwhile, or both sides could wait. */
static int flush(PGconn *db, weir_fd *fd)
{
    int left;

    while ((left = PQflush(db)) > 0) {
        int ready = weir_fd_wait(fd, POLLIN | POLLOUT);

        if (ready < 0)
            return ready;
        if ((ready & POLLIN) != 0 && PQconsumeInput(db) == 0)
            return -ECONNRESET;
    }
    return left < 0 ? -ECONNRESET : 0;
}

static int await_result(PGconn *db, weir_fd *fd)
{
    while (PQisBusy(db)) {
        int ready = weir_fd_wait(fd, POLLIN);

        if (ready < 0)
            return ready;
        if (PQconsumeInput(db) == 0)
            return -ECONNRESET;
    }
    return 0;
}

static int query(PGconn *db, weir_fd *fd, const char *sql)
{
    PGresult *result;
    int err = PQsendQuery(db, sql) == 1 ? flush(db, fd) : -ECONNRESET;

    while (err == 0 && (err = await_result(db, fd)) == 0 && (result = PQgetResult(db)) != NULL) {
        if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
            fprintf(stderr, "%s", PQresultErrorMessage(result));
        for (int row = 0; row < PQntuples(result); row++)
            for (int column = 0; column < PQnfields(result); column++)
                printf("%s%s", PQgetvalue(result, row, column), column + 1 < PQnfields(result) ? " " : "\n");
        PQclear(result);
    }
    return err;
}
/* [/query] */

struct job {
    const char *conninfo, *sql;
};

static int run(void *arg)
{
    const struct job *job = arg;
    PGconn *db = PQconnectStart(job->conninfo);
    weir_scope everything;
    weir_fd *fd = NULL;
    int err = db == NULL ? -ENOMEM : PQstatus(db) == CONNECTION_BAD ? -EINVAL : 0;

    weir_scope_open(&everything, weir_after_ms(10000), 0); /* connecting and the query */
    if (err == 0)
        err = finish_connect(db);
    if (err == 0 && PQsetnonblocking(db, 1) != 0)
        err = -EINVAL;
    if (err == 0)
        err = weir_fd_open(PQsocket(db), &fd); /* once, for all queries */
    if (err == 0)
        err = query(db, fd, job->sql);
    if (err < 0)
        fprintf(stderr, "%s: %s\n", weir_error_text(err), db != NULL ? PQerrorMessage(db) : "");
    weir_fd_close(fd); /* before libpq closes the descriptor */
    (void)weir_scope_close(&everything);
    PQfinish(db);
    return err;
}

int main(int argc, char **argv)
{
    struct job job = {argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "select 1"};

    return weir_run(NULL, run, &job) < 0;
}
