# SPDX-License-Identifier: PostgreSQL
"""Machines that are network namespaces, on one switch that is a namespace, too.

A host is a namespace with one cable (a veth pair) to the switch's bridge. Nothing of it touches the
machine's own network, so that every run may use the same addresses: 10.99.0.254 is the switch (where
clients without a machine of their own live), 10.99.0.1, .2, … are the hosts in the order of their making.

Faults of the network are methods of a host. What they are is what they do to packets:

    port_down()            the switch's end of the cable goes down: as if pulled out
    cut(other, …)          packets from and to these hosts are dropped ("in", "out": one way only)
    loss(0.2)              so many of all packets, both ways, are dropped at random
    mend()                 ends cut and loss
    port_up()              ends port_down

Processes are started with nsenter, which leaves the mounts alone: the cgroups stay in sight.
"""

import contextlib
import ctypes
import os
import signal
import subprocess

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
SWITCH_ADDRESS = "10.99.0.254"


def command(*argv, check=True):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          cwd="/")
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def namespace_set(path):
    with open(path, "rb") as file:
        if LIBC.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {path}")


class Place:
    """A namespace: where processes can be started and sockets be opened."""

    def __init__(self, network, name, address):
        self.network, self.name, self.address = network, name, address
        self.namespace = f"{network.run}-{name}"
        command("ip", "netns", "add", self.namespace)
        command("ip", "-n", self.namespace, "link", "set", "lo", "up")

    def argv(self, *argv, user=None):
        """The command line that runs argv in this namespace, as that user."""
        enter = ["nsenter", f"--net=/run/netns/{self.namespace}"]
        if user:
            enter += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        return [*enter, *argv]

    def run(self, *argv, user=None, check=True):
        """Runs it to its end; returns what it printed. Raises with its error text when it fails."""
        return command(*self.argv(*argv, user=user), check=check)

    def spawn(self, *argv, user=None, log=None, env=None):
        """Starts it in a session of its own, output to the file log; returns the Popen."""
        with open(log or os.devnull, "ab") as out:
            return subprocess.Popen(self.argv(*argv, user=user), stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=out, env=env, cwd="/", start_new_session=True)

    @contextlib.contextmanager
    def entered(self):
        """Inside the block this thread's new sockets are on this host; open ones stay where they are."""
        with open("/proc/thread-self/ns/net", "rb") as before:
            namespace_set(f"/run/netns/{self.namespace}")
            try:
                yield self
            finally:
                LIBC.setns(before.fileno(), CLONE_NEWNET)

    def pids(self):
        """Every process here, except this program itself."""
        found = command("ip", "netns", "pids", self.namespace, check=False).split()
        return [int(pid) for pid in found if int(pid) != os.getpid()]

    def signal_all(self, number):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill_all(self):
        """kill -9 of every process of this machine, until none is left."""
        for _ in range(50):
            if not self.pids():
                return
            self.signal_all(signal.SIGKILL)

    def pause_all(self):
        """SIGSTOP to every process of this machine: it answers nothing, and its kernel still does."""
        self.signal_all(signal.SIGSTOP)

    def resume_all(self):
        self.signal_all(signal.SIGCONT)


class Host(Place):
    """A machine with a cable to the switch."""

    def __init__(self, network, name, address):
        super().__init__(network, name, address)
        self.port_is_up = True
        switch = network.switch.namespace
        command("ip", "-n", switch, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns",
                self.namespace)
        command("ip", "-n", switch, "link", "set", name, "master", "br0", "up")
        command("ip", "-n", self.namespace, "address", "add", f"{address}/24", "dev", "eth0")
        command("ip", "-n", self.namespace, "link", "set", "eth0", "up")

    def port_down(self):
        command("ip", "-n", self.network.switch.namespace, "link", "set", self.name, "down")
        self.port_is_up = False

    def port_up(self):
        command("ip", "-n", self.network.switch.namespace, "link", "set", self.name, "up")
        self.port_is_up = True

    def _rule(self, chain, *match):
        self.run("iptables", "-w", "-A", chain, *match, "-j", "DROP")

    def cut(self, *others, direction="both"):
        """Drops packets between this host and others (Host, switch or address; none: everybody)."""
        if direction not in ("both", "in", "out"):
            raise ValueError(f'direction "{direction}": expected both, in or out')
        for other in others or ("10.99.0.0/24",):
            address = getattr(other, "address", other)
            if direction != "out":
                self._rule("INPUT", "-i", "eth0", "-s", address)
            if direction != "in":
                self._rule("OUTPUT", "-o", "eth0", "-d", address)

    def loss(self, probability):
        """Drops so many packets of this host, 0 to 1, in each direction."""
        chance = ("-m", "statistic", "--mode", "random", "--probability", str(probability))
        self._rule("INPUT", "-i", "eth0", *chance)
        self._rule("OUTPUT", "-o", "eth0", *chance)

    def mend(self):
        self.run("iptables", "-w", "-F")


class Network:
    """The switch and its hosts. Names are unique by the run's name; the janitor removes them."""

    def __init__(self, run):
        self.run, self.hosts = run, {}
        self.switch = Place(self, "sw", SWITCH_ADDRESS)
        space = self.switch.namespace
        command("ip", "-n", space, "link", "add", "br0", "type", "bridge")
        command("ip", "-n", space, "address", "add", f"{SWITCH_ADDRESS}/24", "dev", "br0")
        command("ip", "-n", space, "link", "set", "br0", "up")

    def host_add(self, name):
        host = Host(self, name, f"10.99.0.{len(self.hosts) + 1}")
        self.hosts[name] = host
        return host

    def mend(self):
        """Ends every cut and every loss; ports stay as they are."""
        for host in self.hosts.values():
            host.mend()
