/* SPDX-License-Identifier: PostgreSQL */
/* A private PostgreSQL for one test program: fresh data directory below /tmp, a socket there and no
 * TCP, trust for local logins, stopped and removed at the end. As root the server runs as the user
 * "postgres". Any number of them may run side by side. */
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

#endif
