# SPDX-License-Identifier: PostgreSQL
"""Sessions with a deadline on everything, and a client that finds the primary by itself.

libpq's own time limits do not see a server that is paused or waits for a standby: the kernel goes on
acknowledging packets. So every step here has a deadline of its own, and a session that missed one is
closed, never cancelled: cancelling a COMMIT that waits for its standby would make it look done.
"""

import random
import select
import time

import psycopg2
import psycopg2.extensions as extensions

KEEPALIVE = ("keepalives_idle=1 keepalives_interval=1 keepalives_count=2 tcp_user_timeout=2000 "
             "connect_timeout=2")
# The timeline that a primary writes; pg_control_checkpoint() would tell that of the last checkpoint.
TIMELINE = """select case when not pg_is_in_recovery() then
    ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end"""


class Lost(Exception):
    """The session ended or missed its deadline. Whether the statement was committed is not known."""


class Session:
    """One connection. Raises Lost, or the server's error when the server itself refused."""

    def __init__(self, conninfo, deadline=1.0):
        self.deadline = deadline
        end = time.monotonic() + deadline
        try:
            self.connection = psycopg2.connect(f"{conninfo} {KEEPALIVE}", async_=1)
            self._wait(end)
        except (psycopg2.Error, Lost) as error:
            self.close()
            raise Lost(str(error).strip()) from error

    def _wait(self, end):
        while True:
            state = self.connection.poll()
            if state == extensions.POLL_OK:
                return
            left = end - time.monotonic()
            ready = [], []
            if left > 0:
                reading = [self.connection] if state == extensions.POLL_READ else []
                writing = [self.connection] if state == extensions.POLL_WRITE else []
                ready = select.select(reading, writing, [], left)[:2]
            if not (ready[0] or ready[1]):
                raise Lost("no answer within the deadline")

    def query(self, sql, params=None, deadline=None):
        """One statement, one transaction. The rows, or [] when it returns none."""
        end = time.monotonic() + (deadline or self.deadline)
        try:
            del self.connection.notices[:]
            cursor = self.connection.cursor()
            cursor.execute(sql, params)
            self._wait(end)
            if any("not have been replicated" in notice for notice in self.connection.notices):
                raise Lost("committed here only: the wait for the standby was cancelled")
            return cursor.fetchall() if cursor.description else []
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            code = getattr(error, "pgcode", None) or "57P"
            if not code.startswith("57P") and not self.connection.closed:
                raise  # an answer of the server: it did nothing
            self.close()
            raise Lost(str(error).strip()) from error
        except Lost:
            self.close()
            raise

    def value(self, sql, params=None, deadline=None):
        rows = self.query(sql, params, deadline)
        return rows[0][0] if rows else None

    def close(self):
        connection = getattr(self, "connection", None)
        if connection is not None:
            connection.close()


def primary_session(conninfos, deadline=1.0):
    """Asks all servers at once; a session with the writable one of the highest timeline, or Lost."""
    end = time.monotonic() + deadline
    waiting, best, why = {}, (-1, None), "no server"
    for conninfo in conninfos:
        try:
            connection = psycopg2.connect(f"{conninfo} {KEEPALIVE}", async_=1)
            waiting[connection] = None
        except psycopg2.Error as error:
            why = str(error).strip()
    while waiting and time.monotonic() < end:
        best, why = _advance(waiting, best, why, end)
    for connection in waiting:
        connection.close()
    if best[1] is None:
        raise Lost(f"no primary: {why}")
    session = Session.__new__(Session)
    session.connection, session.deadline = best[1], deadline
    return session


def _advance(waiting, best, why, end):
    """One round over the connections that are still being made or asked. Returns (best, why)."""
    reading, writing = [], []
    for connection, cursor in list(waiting.items()):
        try:
            state = connection.poll()
        except psycopg2.Error as error:
            why = str(error).strip()
            del waiting[connection]
            connection.close()
            continue
        if state == extensions.POLL_OK and cursor is None:
            waiting[connection] = connection.cursor()
            waiting[connection].execute(TIMELINE)
            writing.append(connection)
        elif state == extensions.POLL_OK:
            del waiting[connection]
            timeline = cursor.fetchone()[0]
            if timeline is not None and timeline > best[0]:
                loser, best = best[1], (timeline, connection)
            else:
                loser = connection
                why = "only standbys answer" if timeline is None else why
            if loser is not None:
                loser.close()
        else:
            (reading if state == extensions.POLL_READ else writing).append(connection)
    if reading or writing:
        select.select(reading, writing, [], max(0, end - time.monotonic()))
    return best, why


class Client:
    """Calls that are repeated until their outcome is known: only for those that may be repeated."""

    def __init__(self, conninfos, deadline=1.0):
        self.conninfos, self.deadline, self.session = list(conninfos), deadline, None
        self.losses = []  # why tries had no known outcome, for reports

    def try_once(self, sql, params=None):
        """One attempt: the rows, Lost, or the server's error."""
        try:
            if self.session is None:
                self.session = primary_session(self.conninfos, self.deadline)
            return self.session.query(sql, params)
        except Lost as error:
            self.session = None
            self.losses.append(str(error))
            raise

    def call(self, sql, params=None, seconds=30):
        """Repeats with a jittered pause while the outcome is unknown; Lost when seconds have passed."""
        end, pause = time.monotonic() + seconds, 0.02
        while True:
            try:
                return self.try_once(sql, params)
            except Lost:
                if time.monotonic() > end:
                    raise
            except psycopg2.Error as error:
                if not retriable(error) or time.monotonic() > end:
                    raise
            time.sleep(pause * random.uniform(0.5, 1))
            pause = min(pause * 2, 0.3)

    def value(self, sql, params=None, seconds=30):
        rows = self.call(sql, params, seconds)
        return rows[0][0] if rows else None

    def close(self):
        if self.session is not None:
            self.session.close()
            self.session = None


def retriable(error):
    """Whether the same statement may succeed later: standby, no room, too many, starting, conflicts."""
    code = getattr(error, "pgcode", None) or ""
    return code[:2] in ("08", "53", "57", "58", "40") or code in ("25006", "55P03", "HW040")
