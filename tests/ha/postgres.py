# SPDX-License-Identifier: PostgreSQL
"""One PostgreSQL server on one host, its disk a small file system of its own.

Administration goes through the socket in the server's folder, which no fault of the network touches.
Configuration is two files that are written here whole: howdah.conf, the same on every server, and
role.conf, what makes it a primary or a standby. pg_basebackup and pg_rewind copy both from the other
server, so both are written again afterwards.

Faults are methods: kill_postmaster, kill_backend, kill_node, pause, resume, disk_fill, disk_free,
snapshot_hold, connections_exhaust. Faults of the network are those of .host (net.py).
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess

from . import needs, wait
from .net import command
from .session import Lost, Session

PORT = 5432
HBA = """local all all trust
host all all 10.99.0.0/24 trust
host replication all 10.99.0.0/24 trust
"""
SETTINGS = {
    "listen_addresses": "*", "port": PORT, "max_connections": 100, "shared_buffers": "64MB",
    "wal_log_hints": "on", "wal_keep_size": "96MB", "max_slot_wal_keep_size": "160MB",
    "max_wal_size": "192MB", "hot_standby": "on", "hot_standby_feedback": "on",
    "wal_sender_timeout": "5s", "wal_receiver_timeout": "5s", "wal_retrieve_retry_interval": "200ms",
    "tcp_keepalives_idle": 1, "tcp_keepalives_interval": 1, "tcp_keepalives_count": 3,
    "tcp_user_timeout": "3s", "client_connection_check_interval": "1s",
    "fsync": os.environ.get("TEST_FSYNC", "off"), "jit": "off", "timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u/%a ",
}


def quoted(value):
    return "'" + str(value).replace("'", "''") + "'"


class Server:
    def __init__(self, lab, host, settings=None, disk_mb=512):
        self.lab, self.host, self.name = lab, host, host.name
        self.bin = needs.postgres_bin()
        self.settings = dict(SETTINGS, **(settings or {}))
        self.dir = lab.path(host.name)
        self.data = os.path.join(self.dir, "data")
        self.log = lab.path(f"{host.name}.log")
        self.ballast = os.path.join(self.dir, "ballast")
        self.held = []  # sessions that snapshot_hold and connections_exhaust keep
        os.mkdir(self.dir)
        command("mount", "-t", "tmpfs", "-o", f"size={disk_mb}m,mode=0700", "howdah-ha", self.dir)
        owner = pwd.getpwnam("postgres")
        os.chown(self.dir, owner.pw_uid, owner.pw_gid)
        with open(self.log, "ab") as file:
            os.fchown(file.fileno(), owner.pw_uid, owner.pw_gid)

    # ---- making and configuring ----

    def program(self, name, *arguments):
        """Runs one of PostgreSQL's programs on this host as its user; returns what it printed."""
        return self.host.run(os.path.join(self.bin, name), *arguments, user="postgres")

    def write(self, name, text):
        path = os.path.join(self.data, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        owner = os.stat(self.data)
        os.chown(path, owner.st_uid, owner.st_gid)

    def configure(self, role):
        """Writes the configuration: role is a dict of settings, without primary_conninfo a primary's."""
        lines = [f"{name} = {quoted(value)}\n" for name, value in self.settings.items()]
        self.write("howdah.conf", "".join(lines) + f"unix_socket_directories = {quoted(self.dir)}\n")
        self.write("postgresql.conf", "include 'howdah.conf'\ninclude 'role.conf'\n")
        self.write("postgresql.auto.conf", "")
        self.write("pg_hba.conf", HBA)
        self.role(role)
        standby = os.path.join(self.data, "standby.signal")
        if "primary_conninfo" in role:
            self.write("standby.signal", "")
        elif os.path.exists(standby):
            os.unlink(standby)

    def role(self, settings):
        """Replaces role.conf; a running server reads it with reload()."""
        self.write("role.conf", "".join(f"{name} = {quoted(value)}\n" for name, value in settings.items()))

    def reload(self):
        pid = self.pid()
        if pid:
            os.kill(pid, signal.SIGHUP)

    def create(self):
        self.program("initdb", "-D", self.data, "--username=admin", "--auth=trust", "--encoding=UTF8",
                     "--locale=C.UTF-8", "--no-sync", "--no-instructions")
        self.configure({})

    def standby_role(self, primary):
        return {"primary_slot_name": self.name,
                "primary_conninfo": f"host={primary.host.address} port={PORT} user=admin "
                                    f"application_name={self.name} connect_timeout=2 keepalives_idle=1 "
                                    f"keepalives_interval=1 keepalives_count=3 tcp_user_timeout=3000"}

    def slot_make(self, name):
        self.sql("select pg_create_physical_replication_slot(%s, true) where not exists "
                 "(select 1 from pg_replication_slots where slot_name = %s)", (name, name))

    def slots_drop(self):
        self.sql("select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active")

    def clone_from(self, primary):
        """A fresh copy of primary, configured as its standby; not started."""
        shutil.rmtree(self.data, ignore_errors=True)
        primary.slot_make(self.name)
        self.program("pg_basebackup", "-D", self.data, "-h", primary.host.address, "-p", str(PORT), "-U",
                     "admin", "-c", "fast", "-X", "stream", "-S", self.name, "--no-sync")
        self.configure(self.standby_role(primary))

    def rewind_from(self, primary):
        """Takes back what primary does not have, and becomes its standby; not started. True when
        pg_rewind did it, false when it could not and a fresh copy was made."""
        primary.sql("checkpoint", deadline=60)  # else pg_rewind may see the old timeline and do nothing
        primary.slot_make(self.name)
        self.forget_killed()
        try:
            self.program("pg_rewind", "-D", self.data, "--no-sync", "--source-server",
                         f"host={primary.host.address} port={PORT} user=admin dbname=postgres")
        except RuntimeError as error:
            with open(self.log, "a", encoding="utf-8") as log:
                log.write(f"{error}\n")
            self.clone_from(primary)
            return False
        self.configure(self.standby_role(primary))
        return True

    def wait_reachable(self, other, seconds=30):
        """Until this host can talk to the other server: a cable that was plugged in takes a moment."""
        ready = self.host.argv(os.path.join(self.bin, "pg_isready"), "-q", "-t", "1", "-h",
                               other.host.address, "-p", str(PORT))
        wait.until(seconds, f"{other.name} answers {self.name}",
                   lambda: subprocess.run(ready, check=False).returncode == 0)

    # ---- running ----

    def pid(self):
        """The postmaster's pid while it lives, else None."""
        try:
            with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as file:
                pid = int(file.readline())
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
                words = stat.read().rsplit(")", 1)[1].split()
        except (OSError, ValueError, IndexError):
            return None
        return pid if words[0] != "Z" and pid in self.host.pids() else None

    def forget_killed(self):
        """Removes the lock files of a postmaster that was killed. PostgreSQL does so by itself unless the
        dead process has not been collected yet, and then takes it for a living one."""
        if not self.pid():
            for path in (os.path.join(self.data, "postmaster.pid"),
                         os.path.join(self.dir, f".s.PGSQL.{PORT}.lock")):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)

    def start(self):
        """Starts it and waits until it answers. Children of a killed postmaster hold the shared memory
        for a moment: hence the repetitions."""
        def attempt():
            self.forget_killed()
            try:
                self.program("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "60", "start")
            except RuntimeError:
                return False
            return True
        if not self.pid():
            wait.until(60, f"{self.name} starts (see {self.log})", attempt, every=0.3)

    def stop(self, mode="fast"):
        if self.pid():
            self.program("pg_ctl", "-D", self.data, "-m", mode, "-w", "-t", "60", "stop")

    def promote(self):
        self.sql("select pg_promote(true, 30)", deadline=35)

    # ---- asking ----

    def conninfo(self, user="admin", database="postgres"):
        """By TCP, as programs connect."""
        return f"host={self.host.address} port={PORT} user={user} dbname={database}"

    def session(self, database="postgres", deadline=10.0):
        """By the local socket, as admin."""
        return Session(f"host={self.dir} port={PORT} user=admin dbname={database}", deadline)

    def sql(self, statement, params=None, database="postgres", deadline=10.0):
        session = self.session(database, deadline)
        try:
            return session.query(statement, params)
        finally:
            session.close()

    def value(self, statement, params=None, database="postgres", deadline=10.0):
        rows = self.sql(statement, params, database, deadline)
        return rows[0][0] if rows else None

    def answers(self):
        """Whether it takes connections: not before the recovery from a crash has ended."""
        try:
            return self.value("select true", deadline=5)
        except Lost:
            return False

    def writable(self):
        """Whether it answers and takes itself for a primary."""
        try:
            return self.value("select not pg_is_in_recovery()", deadline=5)
        except Lost:
            return False

    # ---- faults ----

    def kill_postmaster(self):
        """kill -9 of the postmaster alone: its children notice and leave."""
        os.kill(self.pid(), signal.SIGKILL)

    def kill_backend(self, database="howdah", pattern="%"):
        """kill -9 of one client's server process whose application_name is like pattern, which makes the
        whole server restart its sessions. False when there was none."""
        pid = self.value("select pid from pg_stat_activity where backend_type = 'client backend' and "
                         "pid <> pg_backend_pid() and datname = %s and application_name like %s "
                         "order by random() limit 1", (database, pattern))
        if pid:
            os.kill(pid, signal.SIGKILL)
        return bool(pid)

    def kill_node(self):
        """kill -9 of everything on this host."""
        self.host.kill_all()

    def pause(self):
        self.host.pause_all()

    def resume(self):
        self.host.resume_all()

    def disk_fill(self):
        """Fills this server's file system to the last byte. Writes of data fail; when no room for the
        WAL is left, the server stops."""
        subprocess.run(["dd", "if=/dev/zero", f"of={self.ballast}", "bs=64k"], capture_output=True,
                       check=False)
        subprocess.run(["dd", "if=/dev/zero", f"of={self.ballast}", "bs=512", "oflag=append",
                        "conv=notrunc"], capture_output=True, check=False)

    def disk_free(self):
        if os.path.exists(self.ballast):
            os.unlink(self.ballast)

    def snapshot_hold(self, database="howdah"):
        """A transaction with a snapshot that stays open: vacuum can remove nothing newer."""
        session = self.session(database)
        session.query("begin isolation level repeatable read")
        session.query("select count(*) from pg_class")
        self.held.append(session)

    def connections_exhaust(self, user="admin", database="howdah", most=1000):
        """Takes every connection that the server grants to that login; how many."""
        count = 0
        while count < most:
            try:
                self.held.append(Session(f"host={self.dir} port={PORT} user={user} dbname={database}", 5.0))
            except Lost:
                return count
            count += 1
        return count

    def release(self):
        """Ends snapshot_hold and connections_exhaust."""
        while self.held:
            self.held.pop().close()
