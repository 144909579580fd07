# SPDX-License-Identifier: PostgreSQL
"""The pair: a primary, a synchronous standby, and a supervisor that promotes.

    with Lab() as lab:
        pair = Pair(lab)
        pair.start()                      # streaming, synchronous, database "howdah"
        pair.primary.kill_node()
        pair.wait_failover(seconds=20)    # the other one is writable
        pair.heal()                       # the killed one is its synchronous standby
"""

from . import wait
from .postgres import Server
from .session import Client, Lost
from .supervisor import Supervisor

HEALTHY_S = 90  # bound for what takes two seconds on an idle machine


class Pair:
    """fence, degrade: see supervisor.py. settings: of both servers, over those of postgres.py."""

    def __init__(self, lab, settings=None, disk_mb=512, fence=True, degrade=True, synchronous=True):
        self.lab, self.synchronous = lab, synchronous
        self.servers = [Server(lab, lab.network.host_add(name), settings, disk_mb)
                        for name in ("pg1", "pg2")]
        self.supervisor = Supervisor(*self.servers, fence=fence, degrade=degrade, synchronous=synchronous)

    @property
    def primary(self):
        return self.supervisor.primary

    @property
    def standby(self):
        return self.supervisor.standby

    @property
    def history(self):
        return self.supervisor.history

    # ---- life ----

    def start(self, database="howdah"):
        first, second = self.servers
        first.create()
        first.start()
        first.sql(f"create database {database}", deadline=60)
        second.clone_from(first)
        second.start()
        self.supervisor.start()
        self.lab.on_close(self.supervisor.stop)
        self.wait_healthy()

    def conninfo(self, user="admin", database="howdah", extra=""):
        """For programs: both hosts, and what makes libpq notice a dead one."""
        hosts = ",".join(server.host.address for server in self.servers)
        return (f"host={hosts} port=5432 user={user} dbname={database} connect_timeout=2 keepalives_idle=1 "
                f"keepalives_interval=1 keepalives_count=2 tcp_user_timeout=2000 {extra}").strip()

    @staticmethod
    def login_options(_login):
        """What `create role … login` needs besides: nothing, the hosts of the lab are trusted."""
        return ""

    def client(self, user="admin", database="howdah", deadline=1.0):
        """A client that finds the primary by itself, from the switch's namespace."""
        return Client([server.conninfo(user, database) for server in self.servers], deadline)

    # ---- health ----

    def healthy(self):
        """One primary, and a standby that has every acknowledged commit."""
        if not self.supervisor.synced and self.synchronous:
            return False
        try:
            row = self.primary.sql("""select count(*) from pg_stat_replication
                where state = 'streaming' and (sync_state = 'sync' or not %s)""", (self.synchronous,))
            return row[0][0] == 1 and self.standby.value("select pg_is_in_recovery()")
        except Lost:
            return False

    def wait_healthy(self, seconds=HEALTHY_S):
        wait.until(seconds, "a primary with a synchronous standby", self.healthy, every=0.1)

    def wait_synced(self, seconds=HEALTHY_S):
        """As wait_healthy, for whoever holds the supervisor's lock: polls in its place."""
        wait.until(seconds, "a standby that has everything",
                   lambda: self.supervisor.poll() or self.healthy(), every=self.supervisor.every)

    def wait_failover(self, seconds=30, former=None):
        """Until another server than former (default: the primary at the time of the call, so call it
        before or right after the fault) is the primary; returns it."""
        former = former or self.primary
        wait.until(seconds, f"another primary than {former.name}", lambda: self.primary is not former)
        return self.primary

    # ---- planned and unplanned changes ----

    def switchover(self, seconds=HEALTHY_S):
        """Stops the primary, promotes the standby, lets the former primary follow it. It begins when the
        standby has everything; and a primary that is stopped in order sends it the rest."""
        with self.supervisor.lock:
            self.wait_synced(seconds)
            old, new = self.primary, self.standby
            self.supervisor.note("switchover", new)
            old.sql("checkpoint", deadline=60)  # a short stop
            old.stop("fast")
            self.supervisor.promote(new)
            self.supervisor.swap()
            self.rejoin(old)
        return new

    def rejoin(self, server):
        """Makes server the standby of the primary, whatever it was and whatever it has: what runs on it is
        ended, its cable is plugged in, pg_rewind takes back what the primary never had."""
        with self.supervisor.lock:
            server.resume()
            server.kill_node()
            server.disk_free()
            server.host.mend()
            server.host.port_up()
            self.supervisor.fenced.discard(server.name)
            server.wait_reachable(self.primary)
            rewound = server.rewind_from(self.primary)
            server.start()
            server.slots_drop()  # those it had as a primary hold WAL back
            self.supervisor.note("rejoined", server, rewound=rewound)

    def heal(self, seconds=HEALTHY_S):
        """Ends every fault and waits until all is well. Clients may go on working all the while: losses,
        where there are any, show at the healing."""
        for server in self.servers:
            server.release()
            server.disk_free()
            server.host.mend()
            if server.name not in self.supervisor.fenced:
                server.host.port_up()
                server.resume()
        with self.supervisor.lock:
            if self.primary.name in self.supervisor.fenced:
                self._settle(seconds)
            self._start(self.primary, seconds)
            if not self._follows(self.standby):
                self.rejoin(self.standby)
        self.wait_healthy(seconds)

    @staticmethod
    def _start(server, seconds):
        server.resume()
        server.start()
        wait.until(seconds, f"{server.name} answers", server.answers)

    def _settle(self, seconds):
        """The primary is fenced, and whether its standby was promoted is not known: asks it."""
        self._start(self.standby, seconds)
        if self.standby.writable():
            self.supervisor.swap()
        else:
            self.supervisor.fenced.discard(self.primary.name)
            self.primary.host.port_up()

    def _follows(self, server):
        """Whether it streams from the primary, or will without help."""
        if server.name in self.supervisor.fenced or not server.pid():
            return False

        def streams():
            return self.primary.value("select count(*) from pg_stat_replication where application_name = %s "
                                      "and state = 'streaming'", (server.name,))
        return bool(wait.poll(5, streams, every=0.1))
