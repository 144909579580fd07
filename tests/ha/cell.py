# SPDX-License-Identifier: PostgreSQL
"""Howdah's programs on a fail-over cluster: schema, logins, coordinators and agents.

    cell = Cell(lab, pair)                       # pair or Patroni cluster: .conninfo(), .client()
    cell.migrate()
    cell.coordinator_start("c1")                 # on the switch, or host=lab.network.host_add("c1")
    cell.agent_start("a1", host=lab.network.host_add("a1"))
    cell.howdah("run", "--", "true")             # the command, as operator

Programs get a conninfo that names every server. A program is a Program: .kill(), .pause(), .resume(),
.stop(), .alive(); starting one of the same name again is a restart.
"""

import contextlib
import json
import os
import signal
import subprocess
import urllib.request

from . import wait

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOGINS = ("coordinator", "agent", "framework", "operator")


def build():
    folder = os.environ.get("B") or "build"
    return folder if os.path.isabs(folder) else os.path.join(ROOT, folder)


def bin_path(name):
    return os.path.join(os.environ.get("HOWDAH_BIN") or os.path.join(build(), "bin"), name)


class Program:
    """One daemon that was started, and its signals."""

    def __init__(self, name, host, process, log):
        self.name, self.host, self.process, self.log = name, host, process, log

    def alive(self):
        return self.process.poll() is None

    def _signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self):
        self._signal(signal.SIGKILL)
        self.process.wait(30)

    def pause(self):
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def stop(self, number=signal.SIGTERM):
        self._signal(signal.SIGCONT)
        self._signal(number)
        return self.process.wait(30)

    def log_tail(self, lines=20):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])


class Cell:
    def __init__(self, lab, cluster):
        self.lab, self.cluster = lab, cluster
        self.programs = {}

    def migrate(self, settings=None):
        """The schema, a login for each group role, and settings of the cell."""
        self.run("howdah", "migrate", "--db", self.cluster.conninfo("admin"), "--sql",
                 os.path.join(ROOT, "sql"))
        client = self.cluster.client("admin", deadline=10.0)
        for login in LOGINS:
            if not client.value("select true from pg_roles where rolname = %s", (login,)):
                client.call(f"create role {login} login {self.cluster.login_options(login)}")
            client.call(f"grant howdah_{login} to {login}")
        client.call("select howdah.principal_permit(principal => 'framework', role => '*')")
        client.call("select howdah.principal_permit(principal => 'framework', os_user => '*')")
        for name, value in (settings or {}).items():
            client.call("select howdah.setting_set(%s, %s)", (name, str(value)))
        client.close()

    def run(self, program, *arguments, check=True):
        """One of Howdah's commands, on the switch; the CompletedProcess."""
        done = subprocess.run([bin_path(program), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{program} {arguments[0]}: {done.stderr.strip()}")
        return done

    def howdah(self, verb, *arguments, login="operator", check=True):
        return self.run("howdah", verb, "--db", self.cluster.conninfo(login), *arguments, check=check)

    def _start(self, name, host, *argv):
        host = host or self.lab.network.switch
        log = self.lab.path(f"{name}.log")
        env = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "HOWDAH_"))}
        process = host.spawn(*argv, log=log, env=env)
        self.programs[name] = Program(name, host, process, log)
        return self.programs[name]

    # ---- coordinators ----

    def coordinator_start(self, name, host=None, *options):
        """Starts it and waits until it serves HTTP, on its host's loopback."""
        port_file = self.lab.path(f"{name}.port")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(port_file)
        program = self._start(name, host, bin_path("howdah-coordinator"), "--db",
                              self.cluster.conninfo("coordinator"), "--name", name, "--port", "0",
                              "--http-port-file", port_file, *options)
        wait.until(20, f"{name} serves HTTP", lambda: os.path.exists(port_file) and os.path.getsize(port_file))
        return program

    def health(self, name):
        """The second line of /healthz: who leads; "" when it does not answer."""
        try:
            with open(self.lab.path(f"{name}.port"), encoding="ascii") as file:
                port = int(file.read())
            with self.programs[name].host.entered(), urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                return answer.read().decode().split("\n")[1]
        except (OSError, IndexError, ValueError):
            return ""

    # ---- agents ----

    def agent_start(self, name, host=None, resources=None, options=()):
        """Starts it; its work directory outlives it, so that the next of that name adopts its tasks."""
        work = self.lab.path("agents", name)
        os.makedirs(work, exist_ok=True)
        capacity = resources or {"cpus": 16, "mem": 16384, "disk": 10240}
        return self._start(name, host, bin_path("howdah-agent"), "--db", self.cluster.conninfo("agent"),
                           "--name", name, "--work-dir", work, "--resources", json.dumps(capacity),
                           "--cgroup-root", self.lab.run, *options)

    def agents_wait(self, count, seconds=30):
        client = self.cluster.client()
        wait.until(seconds, f"{count} agents are active", lambda: client.value(
            "select count(*) from howdah.agents where state = 'active'") >= count)
        client.close()
