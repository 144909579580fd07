/* SPDX-License-Identifier: PostgreSQL */
/* A private PostgreSQL for one test program: fresh data directory below /tmp, a socket there and no
 * TCP, trust for local logins, stopped and removed at the end. As root the server runs as the user
 * "postgres". Any number of them may run side by side. Where a test needs fail-over there is a
 * second server, a streaming standby of the first. */
#ifndef HOWDAH_TEST_POSTGRES_H
#define HOWDAH_TEST_POSTGRES_H

#include <stdbool.h>

bool postgres_installed(void); /* are the server's programs here? */
bool postgres_start(void);     /* false with the reason on stderr */
void postgres_stop(void);      /* removes the files too; fine when it was never started */

/* "host=… user=postgres dbname=postgres" followed by more (may be ""); valid until the next call.
 */
const char *postgres_conninfo(const char *more);

/* Run SQL as superuser on a connection of its own; aborts the test on failure. Caller frees the
 * first field of the first row, which is what is returned (NULL when there is none). */
char *postgres_sql(const char *sql);

/* Stop or start the server process of an existing data directory; true when it worked. */
bool postgres_down(void);
bool postgres_up(void);

/* ---- the second server ---- */

enum postgres_server { POSTGRES_FIRST, POSTGRES_SECOND };

/* Clone the running first server and start the clone as its standby; one that was there goes. */
bool postgres_standby_start(void);

/* The same as above for either server; socket is its folder, the host of a conninfo. */
const char *postgres_socket(enum postgres_server server);
char *postgres_sql_on(enum postgres_server server, const char *sql);
bool postgres_down_of(enum postgres_server server);
bool postgres_up_of(enum postgres_server server);

/* Send signo to the server's postmaster, which its children do not notice. */
void postgres_signal(enum postgres_server server, int signo);

#endif
