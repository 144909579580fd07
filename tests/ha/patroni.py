# SPDX-License-Identifier: PostgreSQL
"""The Patroni tier: three PostgreSQL servers under Patroni, one etcd on the switch, and the configuration
that packaging/patroni recommends.

    with Lab() as lab:
        cluster = Patroni(lab)
        cluster.start()                   # a leader, a synchronous standby, a third server
        former = cluster.primary
        former.kill_node()
        cluster.wait_failover(former=former)
        cluster.heal()

It has the methods of the pair (pair.py). A server has those of postgres.py, but start() starts Patroni, and
kill_patroni() kills that alone, which leaves PostgreSQL running.
"""

import base64
import json
import os
import pwd
import secrets
import signal
import time
import urllib.error
import urllib.request

from . import wait
from .net import SWITCH_ADDRESS, command
from .postgres import PORT, Server
from .session import Client, Lost

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RENDER = os.path.join(ROOT, "packaging", "patroni", "render.sh")
REST_PORT = 8008
HEALTHY_S = 120
PARAMETERS = {"shared_buffers": "64MB", "max_wal_size": "192MB", "jit": "off",
              "fsync": os.environ.get("TEST_FSYNC", "off"), "wal_retrieve_retry_interval": "200ms",
              "log_line_prefix": "%m [%p] %q%u/%a "}


class Node(Server):
    """A server that Patroni runs."""

    def __init__(self, lab, host, environment, disk_mb):
        super().__init__(lab, host, disk_mb=disk_mb)
        self.config = os.path.join(self.dir, "patroni.yml")
        self.patroni_log = lab.path(f"{host.name}.patroni.log")
        self.patroni = None
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(self._render(environment))
        owner = pwd.getpwnam("postgres")
        os.chown(self.config, owner.pw_uid, owner.pw_gid)
        os.chmod(self.config, 0o600)

    def _render(self, environment):
        mine = {"NAME": self.name, "ADDRESS": self.host.address, "DATA_DIR": self.data, "BIN_DIR": self.bin,
                "SOCKET_DIR": self.dir, "PGPASS": os.path.join(self.dir, "pgpass")}
        setting = [f"{key}={value}" for key, value in {**environment, **mine}.items()]
        return command("env", *setting, RENDER)

    def start(self):
        """Starts Patroni, which decides what becomes of PostgreSQL."""
        if self.patroni is None or self.patroni.poll() is not None:
            if not self.host.pids():
                self.forget_killed()
            self.patroni = self.host.spawn("patroni", self.config, user="postgres", log=self.patroni_log)

    def kill_patroni(self):
        """kill -9 of Patroni alone: PostgreSQL runs on without it."""
        self.patroni.send_signal(signal.SIGKILL)
        self.patroni.wait(30)


class Patroni:
    def __init__(self, lab, ttl=5, loop_wait=1, retry_timeout=2, disk_mb=768, servers=3, environment=None):
        self.lab, self.ttl = lab, ttl
        self.passwords = {name: secrets.token_hex(8) for name in
                          ("SUPERUSER", "REPLICATION", "REWIND", "REST")}
        self.passfile = lab.path("pgpass")
        self._passfile_add("admin", self.passwords["SUPERUSER"])
        os.environ["PGPASSFILE"] = self.passfile  # this program's own sessions
        self.etcd = None
        shared = {"SCOPE": "howdah", "ETCD_HOSTS": f"{SWITCH_ADDRESS}:2379", "SUPERUSER": "admin",
                  "NETWORK": "10.99.0.0/24", "TTL": ttl, "LOOP_WAIT": loop_wait, "PORT": PORT,
                  "RETRY_TIMEOUT": retry_timeout, "WATCHDOG": "off", "MAX_CONNECTIONS": 100,
                  "WAL_KEEP_SIZE": "96MB", "WAL_KEEP_SIZE_MAX": "160MB", "INITDB_EXTRA": "no-sync",
                  "REST_PORT": REST_PORT,
                  "PARAMETERS_EXTRA": "\n".join(f"{key}: '{value}'" for key, value in PARAMETERS.items()),
                  **{f"{name}_PASSWORD": word for name, word in self.passwords.items()}, **(environment or {})}
        self.servers = [Node(lab, lab.network.host_add(f"pg{number + 1}"), shared, disk_mb)
                        for number in range(servers)]

    def _passfile_add(self, login, password):
        with open(os.open(self.passfile, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a",
                  encoding="utf-8") as file:
            file.write(f"*:*:*:{login}:{password}\n")

    # ---- life ----

    def etcd_start(self):
        """On the switch; its data survive a restart of it."""
        folder, here = self.lab.path("etcd"), f"http://{SWITCH_ADDRESS}"
        if not os.path.exists(folder):
            os.mkdir(folder, 0o700)
            command("mount", "-t", "tmpfs", "-o", "size=256m,mode=0700", "howdah-ha", folder)
        self.etcd = self.lab.network.switch.spawn(
            "etcd", "--name", "etcd1", "--data-dir", os.path.join(folder, "data"), "--enable-v2=true",
            "--listen-client-urls", f"{here}:2379", "--advertise-client-urls", f"{here}:2379",
            "--listen-peer-urls", f"{here}:2380", "--initial-advertise-peer-urls", f"{here}:2380",
            "--initial-cluster", f"etcd1={here}:2380", log=self.lab.path("etcd.log"))
        wait.until(30, "etcd is healthy", lambda: '"true"' in self._get(f"{here}:2379/health", "{}"))

    def etcd_kill(self):
        self.etcd.kill()
        self.etcd.wait(30)

    def start(self, database="howdah"):
        self.etcd_start()
        for server in self.servers:
            server.start()
        self.wait_healthy()
        self.primary.sql(f"create database {database}", deadline=60)
        # A server without the database would end libpq's search of its list of hosts.
        for server in self.servers:
            wait.until(30, f"{server.name} has the database", lambda here=server: here.value(
                "select true from pg_database where datname = %s", (database,)))

    # ---- Patroni's own view ----

    @staticmethod
    def _get(url, otherwise):
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.read().decode()
        except (OSError, ValueError):
            return otherwise

    def members(self):
        """GET /cluster of the first server that answers: name → member."""
        for server in self.servers:
            text = self._get(f"http://{server.host.address}:{REST_PORT}/cluster", "")
            if text:
                return {member["name"]: member for member in json.loads(text)["members"]}
        return {}

    def leader(self):
        """The server that etcd names the leader, or None."""
        text = self._get(f"http://{SWITCH_ADDRESS}:2379/v2/keys/service/howdah/leader", "{}")
        name = json.loads(text).get("node", {}).get("value")
        return next((server for server in self.servers if server.name == name), None)

    @property
    def primary(self):
        return wait.until(HEALTHY_S, "a leader", self.leader)

    def synchronous(self):
        """The names of the standbys that may be promoted without loss, as etcd has them."""
        text = self._get(f"http://{SWITCH_ADDRESS}:2379/v2/keys/service/howdah/sync", "{}")
        value = json.loads(text).get("node", {}).get("value", "{}")
        return [name for name in (json.loads(value).get("sync_standby") or "").split(",") if name]

    # ---- connections ----

    def login_options(self, login):
        """A password of its own, in the password file that conninfo() names."""
        password = secrets.token_hex(8)
        self._passfile_add(login, password)
        return f"password '{password}'"

    def conninfo(self, user="admin", database="howdah", extra=""):
        hosts = ",".join(server.host.address for server in self.servers)
        return (f"host={hosts} port={PORT} user={user} dbname={database} passfile={self.passfile} "
                f"connect_timeout=2 keepalives_idle=1 keepalives_interval=1 keepalives_count=2 "
                f"tcp_user_timeout=2000 {extra}").strip()

    def client(self, user="admin", database="howdah", deadline=1.0):
        return Client([server.conninfo(user, database) for server in self.servers], deadline)

    # ---- health ----

    def healthy(self):
        """One leader, which is writable, every other server streaming, one of them synchronous both for
        Patroni and for PostgreSQL."""
        leader, chosen = self.leader(), self.synchronous()
        if leader is None or not chosen:
            return False
        states = self.members()
        if len(states) < len(self.servers) or any(
                member["state"] not in ("running", "streaming") for member in states.values()):
            return False
        try:
            rows = leader.sql("select application_name, sync_state from pg_stat_replication "
                              "where state = 'streaming' and not pg_is_in_recovery()", deadline=2)
        except Lost:
            return False
        return len(rows) == len(self.servers) - 1 and (chosen[0], "sync") in rows

    def wait_healthy(self, seconds=HEALTHY_S):
        wait.until(seconds, "a leader with a synchronous standby, all servers streaming", self.healthy, 0.2)

    def wait_failover(self, seconds=60, former=None):
        """Until another server than former leads and is writable; returns it."""
        def another():
            leader = self.leader()
            if leader is None or leader is former:
                return None
            try:
                return leader if not leader.value("select pg_is_in_recovery()", deadline=2) else None
            except Lost:
                return None
        return wait.until(seconds, f"another leader than {former.name}", another, every=0.1)

    # ---- changes ----

    def switchover(self, seconds=60):
        """To the synchronous standby; returns it when it leads."""
        former, candidate = self.primary, self.synchronous()[0]
        token = base64.b64encode(f"patroni:{self.passwords['REST']}".encode()).decode()
        request = urllib.request.Request(
            f"http://{former.host.address}:{REST_PORT}/switchover", method="POST",
            data=json.dumps({"leader": former.name, "candidate": candidate}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Basic {token}"})
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            answer.read()
        return self.wait_failover(seconds, former)

    def heal(self, seconds=HEALTHY_S):
        """Ends every fault and waits until all is well, with clients at work all the while."""
        if self.etcd.poll() is not None:
            self.etcd_start()
        for server in self.servers:
            server.release()
            server.disk_free()
            server.host.mend()
            server.host.port_up()
            server.resume()
            server.start()
        self.wait_healthy(seconds)

    def outlive_ttl(self):
        """A fault of this length is longer than Patroni's patience with it."""
        time.sleep(self.ttl + 5)
