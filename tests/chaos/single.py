# SPDX-License-Identifier: PostgreSQL
"""The tier that runs anywhere: one private PostgreSQL, made by cli/devcluster.sh, on a unix socket.
Every machine reaches it through a relay of its own, which is its network."""

import os
import shlex
import signal
import subprocess
import time

from psycopg2.extensions import make_dsn, parse_dsn

from programs import signal_pids
from relay import Relay, Relays
from tier import Tier, needs

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVER_OPTIONS = ("-c fsync=off -c max_connections=80 -c max_wal_size=128MB -c min_wal_size=64MB"
                  " -c shared_buffers=64MB -c dynamic_shared_memory_type=mmap")
SOCKET = ".s.PGSQL.5432"


class Node:
    """A machine: the processes that know its mark, and a relay as its cable."""

    HELD = {"both": {"up", "down"}, "in": {"down"}, "out": {"up"}}

    def __init__(self, name, relays, relay):
        self.name, self.relays, self.relay = name, relays, relay

    def argv(self, *argv):
        return list(argv)

    def partition(self, direction):
        self.relay.held = set(self.HELD[direction])

    def delay(self, seconds):
        self.relay.delay_s = seconds

    def cut(self):
        self.relays.cut(self.relay)

    def mend(self):
        self.relay.held, self.relay.delay_s = set(), 0.0


class SingleTier(Tier):
    revive_after_s = 0.0        # nobody else starts the server again

    def __init__(self, folder):
        super().__init__(folder)
        self.cluster, self.relays, self.env = f"{folder}/cluster", Relays(), {}
        self.programs = self.server_programs(needs.postgres_bin(), "pg")

    # ---- life ----

    def devcluster(self, *arguments, check=True):
        env = {**os.environ, "HOWDAH_PG_OPTIONS": SERVER_OPTIONS, "HOWDAH_PG_BIN": self.programs}
        done = subprocess.run([f"{TOP}/cli/devcluster.sh", arguments[0], self.cluster, *arguments[1:]],
                              env=env, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"devcluster {arguments[0]}: {done.stderr.strip()}")

    def start(self):
        self.relays.start()
        os.makedirs(f"{self.cluster}/run")
        os.makedirs(f"{self.cluster}/log")
        with open(f"{self.cluster}/cluster", "w", encoding="ascii") as mark:
            mark.write("howdah development cluster\n")
        self.mount(f"{self.cluster}/pg", "512m")
        self.devcluster("pg-start")
        self.devcluster("migrate")
        with open(f"{self.cluster}/env", encoding="utf-8") as file:
            for line in file:
                name, value = line.strip().split("=", 1)
                self.env[name.removeprefix("HOWDAH_DB_").lower()] = shlex.split(value)[0]

    def close(self):
        subprocess.run(["rm", "-f", f"{self.cluster}/pg/ballast"], check=False)
        self.resume()
        self.devcluster("pg-stop", check=False)
        self.unmount()
        self.devcluster("remove", check=False)

    # ---- who connects how ----

    def server_folder(self):
        return parse_dsn(self.env["admin"])["host"]

    def node(self, name):
        if name not in self.nodes:
            os.makedirs(f"{self.folder}/net/{name}")
            relay = Relay(f"{self.folder}/net/{name}/{SOCKET}", f"{self.server_folder()}/{SOCKET}")
            self.nodes[name] = Node(name, self.relays, self.relays.add(relay))
        return self.nodes[name]

    def conninfos(self, node, login):
        """One for each host of the database, as seen from that node; None: past all faults."""
        parts = parse_dsn(self.env[login])
        if node is not None:
            parts["host"] = os.path.dirname(self.node(node).relay.listen)
        return [make_dsn(**parts)]

    def conninfo(self, node, login):
        """The same for libpq programs, in one."""
        return self.conninfos(node, login)[0]

    def database_folder(self):
        """Of the primary, as a path of this machine."""
        return f"{self.cluster}/pg"

    # ---- faults ----

    def postmaster(self):
        with open(f"{self.cluster}/run/postgres.pid", encoding="ascii") as file:
            return int(file.read())

    def postgres_pids(self):
        """The postmaster and its children."""
        postmaster = self.postmaster()
        done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(postmaster)], capture_output=True,
                              text=True, check=False)
        return [postmaster] + [int(pid) for pid in done.stdout.split()]

    def pause(self):
        signal_pids(self.postgres_pids(), signal.SIGSTOP)

    def resume(self):
        if os.path.exists(f"{self.cluster}/run/postgres.pid"):
            signal_pids(self.postgres_pids(), signal.SIGCONT)

    def restart(self):
        self.devcluster("pg-stop")
        self.devcluster("pg-start")

    def revive(self):
        """The server's own supervisor: start it if it is not there."""
        self.resume()
        try:
            self.devcluster("pg-start")
        except RuntimeError:
            time.sleep(0.5)  # its former children are still going; asked again by who waits

    def ballast(self):
        return f"{self.database_folder()}/ballast"

    def heal(self):
        """Nothing is left to mend once the server takes writes."""

    def fail_overs(self):
        return 0
