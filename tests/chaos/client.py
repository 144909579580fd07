# SPDX-License-Identifier: PostgreSQL
"""A connection to the cell's database that never waits for ever.

One conninfo for each host. All are tried at once, and of those that take writes the one with the
highest timeline is used: a stale primary may still answer. Every statement has a deadline on this
side, since a paused server or a dropped packet says nothing; past it the socket is closed. Nothing is
ever cancelled: a cancelled commit that waited for its standby looks like success. The warning that
tells of such a commit counts as no answer."""

import select
import time

import psycopg2
from psycopg2 import extensions

PROBE = ("select pg_is_in_recovery(), case when pg_is_in_recovery() then '0' else"
         " substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end")
KEEPALIVE = {"keepalives_idle": 1, "keepalives_interval": 1, "keepalives_count": 2,
             "tcp_user_timeout": 2000, "connect_timeout": 2}


class Lost(Exception):
    """No answer: what was asked for may or may not have been done."""


class Answered(Exception):
    """The server refused; `code` is its SQLSTATE."""

    def __init__(self, error):
        super().__init__(str(error).strip())
        self.code = error.pgcode


def step(connection):
    """One step of what the connection is doing: POLL_OK, POLL_READ or POLL_WRITE."""
    try:
        return connection.poll()
    except psycopg2.Error as error:
        if error.pgcode and error.pgcode[:2] not in ("57", "08"):
            raise Answered(error) from error
        raise Lost(str(error).strip()) from error


def ready(states, seconds):
    """Wait until one of the connections can go on; False when the time is over."""
    reading = [c for c, state in states.items() if state == extensions.POLL_READ]
    writing = [c for c, state in states.items() if state == extensions.POLL_WRITE]
    return seconds > 0 and any(select.select(reading, writing, [], seconds))


def wait(connection, deadline):
    while (state := step(connection)) != extensions.POLL_OK:
        if not ready({connection: state}, deadline - time.monotonic()):
            connection.close()
            raise Lost("no answer within the deadline")


def statement(connection, sql, parameters, seconds):
    del connection.notices[:]
    try:
        cursor = connection.cursor()
        cursor.execute(sql, parameters)
        wait(connection, time.monotonic() + seconds)
    except (psycopg2.InterfaceError, psycopg2.OperationalError) as error:
        raise Lost(str(error).strip()) from error
    if any("synchronous replication" in notice for notice in connection.notices):
        connection.close()
        raise Lost("the commit did not wait for its standby")
    return cursor.fetchall() if cursor.description else []


class Race:
    """Connects to every host at once and asks each what it is."""

    def __init__(self, conninfos, name):
        self.states, self.cursors, self.answers = {}, {}, []
        for conninfo in conninfos:
            try:
                connection = psycopg2.connect(conninfo, async_=1, application_name=name,
                                              **KEEPALIVE)
                self.states[connection] = extensions.POLL_WRITE
            except psycopg2.Error:
                continue  # that host is down

    def advance(self, connection):
        try:
            self.states[connection] = step(connection)
            if self.states[connection] != extensions.POLL_OK:
                return
            if connection not in self.cursors:
                self.cursors[connection] = connection.cursor()
                self.cursors[connection].execute(PROBE)
                self.states[connection] = extensions.POLL_WRITE
                return
            standby, timeline = self.cursors[connection].fetchone()
            if standby:
                raise Lost("a standby")
            self.answers.append((timeline, connection))
        except (Lost, Answered, psycopg2.Error):
            connection.close()
        del self.states[connection]

    def run(self, seconds, grace):
        """The best connection. Once one host has answered, others have `grace` seconds more."""
        deadline = time.monotonic() + seconds
        while self.states and ready(self.states, deadline - time.monotonic()):
            for connection in list(self.states):
                self.advance(connection)
            if self.answers:
                deadline = min(deadline, time.monotonic() + grace)
        for connection in self.states:
            connection.close()
        self.answers.sort(key=lambda answer: answer[0])
        for _, connection in self.answers[:-1]:
            connection.close()
        if not self.answers:
            raise Lost("no host takes writes")
        return self.answers[-1][1]


class Client:
    """Statements on the best host, each in a transaction of its own unless it begins one."""

    def __init__(self, conninfos, name, deadline_s=4.0):
        self.conninfos, self.name, self.deadline_s = conninfos, name, deadline_s
        self.connection = None

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def call(self, sql, *parameters, deadline_s=None):
        """Rows. Raises Lost (the connection is gone then) or Answered."""
        if self.connection is None or self.connection.closed:
            self.connection = Race(self.conninfos, self.name).run(3, 0.3)
        try:
            return statement(self.connection, sql, parameters or None,
                             deadline_s or self.deadline_s)
        except Lost:
            self.close()
            raise

    def value(self, sql, *parameters, **how):
        return self.call(sql, *parameters, **how)[0][0]
