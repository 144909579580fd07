# SPDX-License-Identifier: PostgreSQL
"""The fail-over manager of the pair: a thread that polls the primary and promotes the standby.

Every 200 ms it asks the primary, by the network, with a deadline of 500 ms. After three misses in a row it
fences the primary (its switch port goes down) and only then promotes the standby. It promotes a standby
only if every acknowledged commit is on it: `synced` says so. It becomes true when the standby is
synchronous and has caught up with all that was committed before, stays true however long the standby is
silent (commits wait for it then), and becomes false *before* the primary is told not to wait any more.

    primary, standby   servers; swapped by a fail-over or a switchover
    synced             the standby has every acknowledged commit
    fenced             names of servers whose port was taken down by it
    history            what it did: dicts with at (time.time()), what, server, …
"""

import threading
import time

import psycopg2

from .session import Lost, Session

POLL = """select case when pg_is_in_recovery() then null else pg_current_wal_lsn()::text end,
    coalesce((select flush_lsn::text from pg_stat_replication
              where state = 'streaming' and sync_state = 'sync' limit 1), ''),
    current_setting('synchronous_standby_names') <> '',
    coalesce((select flush_lsn >= %s::pg_lsn from pg_stat_replication
              where state = 'streaming' and sync_state = 'sync' limit 1), false),
    exists (select 1 from pg_stat_replication where state = 'streaming')"""


class Supervisor(threading.Thread):
    def __init__(self, primary, standby, fence=True, degrade=True, synchronous=True, every=0.2,
                 deadline=0.5, misses=3, patience=15):
        super().__init__(daemon=True)
        self.primary, self.standby = primary, standby
        self.fence, self.degrade, self.synchronous = fence, degrade, synchronous
        self.every, self.deadline, self.misses_allowed, self.patience = every, deadline, misses, patience
        self.lock = threading.RLock()  # held for one poll, and by whoever changes roles
        self.synced, self.fenced, self.history = False, set(), []
        self._ended = threading.Event()
        self._reset()

    def _reset(self):
        """Forgets what was seen of the primary: it is another one now."""
        self._session, self._misses, self._alone = None, 0, 0
        self._answered_at = time.monotonic()
        self._armed_at, self._mark = None, "0/0"

    def note(self, what, server, **more):
        self.history.append({"at": time.time(), "what": what, "server": server.name, **more})

    # ---- synchronous replication ----

    def arm(self):
        """Commits wait for the standby from now on. `synced` follows when it has caught up."""
        self.primary.role({"synchronous_standby_names": self.standby.name})
        self.primary.reload()
        self._armed_at, self._mark, self._alone = time.monotonic(), "0/0", 0
        self.note("arm", self.primary)

    def disarm(self):
        """Commits wait for nobody: from here on the standby may not be promoted."""
        self.synced, self._armed_at = False, None
        self.primary.role({})
        self.primary.reload()
        self.note("disarm", self.primary)

    def _follow(self, wal, sync_flush, armed, caught_up, streaming):
        """Keeps `synced` true to what the primary says of its standby."""
        if wal is None:
            return
        if self._armed_at and not self.synced and armed and sync_flush:
            if self._mark == "0/0":
                # Every session of the server waits for the standby by now; what was committed before
                # must have reached it, too.
                if time.monotonic() - self._armed_at > 0.5:
                    self._mark = wal
            elif caught_up:
                self.synced = True
                self.note("synced", self.standby)
        self._alone = 0 if streaming else self._alone + 1
        if streaming and not self._armed_at and self.synchronous:
            self.arm()
        elif self.degrade and self._armed_at and self._alone >= self.patience:
            self.disarm()

    # ---- polling ----

    def poll(self):
        """One look at the primary; a fail-over when it has missed too many."""
        try:
            if self._session is None:
                self._session = Session(self.primary.conninfo(), self.deadline)
            self._follow(*self._session.query(POLL, (self._mark,))[0])
            self._misses, self._answered_at = 0, time.monotonic()
        except (Lost, psycopg2.Error):
            self._session = None
            self._misses += 1
        if self._misses >= self.misses_allowed and (self.synced or not self.synchronous):
            self.fail_over()

    def missing(self, seconds):
        """Whether the primary has not answered for so long."""
        return time.monotonic() - self._answered_at > seconds

    def fail_over(self):
        """Fence, promote, swap. When the standby does not answer everything stays as it is, but the
        fence: the old primary is not let back in by a doubt."""
        old, new = self.primary, self.standby
        self.note("miss", old)
        if self.fence:
            old.host.port_down()
            self.fenced.add(old.name)
        try:
            self.promote(new)
        except (Lost, psycopg2.Error) as error:
            self.note("promotion failed", new, error=str(error))
            return
        self.swap()
        self.note("promoted", new)

    def swap(self):
        """The standby is the primary now, and has no standby yet."""
        self.primary, self.standby = self.standby, self.primary
        self.synced = False
        self._reset()

    @staticmethod
    def promote(server):
        """Its configuration becomes a primary's first: a synchronous_standby_names that came from the
        other server would make its first commit wait for ever."""
        server.role({})
        if server.value("select pg_is_in_recovery()", deadline=5):
            server.promote()

    def run(self):
        while not self._ended.wait(self.every):
            with self.lock:
                if not self._ended.is_set():
                    self.poll()

    def stop(self):
        self._ended.set()
        with self.lock:
            if self._session is not None:
                self._session.close()
        self.join(60)
