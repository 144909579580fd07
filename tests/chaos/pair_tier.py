# SPDX-License-Identifier: PostgreSQL
"""The tier with fail-over: a primary and a synchronous standby under a supervisor that fences and promotes
(tests/ha), and every program of the cell on a machine of its own, which is a network namespace. Needs root.

The machines of kinds.RELAYED reach the servers through relays on the switch, so that they can be slowed
down; this kernel's network cannot. All others are connected directly."""

import os
import time

from kinds import RELAYED
from relay import Relay, Relays
from tier import Tier, needs                # with the path to tests/ha

from ha.cell import Cell as Schema
from ha.lab import Lab
from ha.net import SWITCH_ADDRESS
from ha.pair import Pair

DATABASE, RELAY_PORTS = "howdah", 7000
DISK_MB = 768               # of each server: its WAL alone may take half of that
SETTINGS = {"max_connections": 80, "dynamic_shared_memory_type": "mmap"}


def why_no_pair():
    """None when the tier can run here, else the reason."""
    return needs.why_not()


class Machine:
    """A host of the lab, and the relays that stand for its line if it has any."""

    def __init__(self, host, relays, own):
        self.host, self.relays, self.own = host, relays, own

    def argv(self, *argv):
        return self.host.argv(*argv)

    def partition(self, direction):
        self.host.cut(direction=direction)

    def loss(self, probability):
        self.host.loss(probability)

    def delay(self, seconds):
        for relay in self.own:
            relay.delay_s = seconds

    def cut(self):
        """Every packet is answered with a reset, for a moment."""
        for chain, interface in (("INPUT", "-i"), ("OUTPUT", "-o")):
            self.host.run("iptables", "-w", "-A", chain, interface, "eth0", "-p", "tcp", "-j", "REJECT",
                          "--reject-with", "tcp-reset")

    def mend(self):
        self.host.mend()
        self.delay(0.0)


class PairTier(Tier):
    revive_after_s = 5.0        # the supervisor of the pair comes first

    def __init__(self, folder, synchronous=True):
        super().__init__(folder)
        self.synchronous = synchronous
        os.environ["HOWDAH_PG_BIN"] = self.server_programs(needs.postgres_bin(), "pg1", "pg2")
        self.lab, self.pair, self.relays = Lab(), None, Relays()

    def start(self):
        self.lab.__enter__()
        self.relays.start()
        self.pair = Pair(self.lab, settings=SETTINGS, disk_mb=DISK_MB,
                         synchronous=self.synchronous)
        self.pair.start(DATABASE)
        Schema(self.lab, self.pair).migrate()

    def close(self):
        self.unmount()
        self.lab.close()

    # ---- who connects how ----

    def node(self, name):
        if name not in self.nodes:
            own = [self.relay_add(server) for server in self.pair.servers] if name in RELAYED else []
            self.nodes[name] = Machine(self.lab.network.host_add(name), self.relays, own)
        return self.nodes[name]

    def relay_add(self, server):
        port = RELAY_PORTS + sum(len(node.own) for node in self.nodes.values())
        port += self.pair.servers.index(server)
        return self.relays.add(Relay((SWITCH_ADDRESS, port), (server.host.address, 5432)))

    def servers(self):
        """The primary first, as far as it is known."""
        return [self.pair.primary, self.pair.standby]

    def addresses(self, node):
        own = self.node(node).own
        return [relay.listen for relay in own] or [(server.host.address, 5432)
                                                   for server in self.pair.servers]

    def conninfos(self, node, login):
        """One for each server, as seen from that node; None: by their sockets, past all faults."""
        if node is None:
            return [f"host={server.dir} port=5432 user={login} dbname={DATABASE}"
                    for server in self.servers()]
        return [f"host={host} port={port} user={login} dbname={DATABASE}"
                for host, port in self.addresses(node)]

    def conninfo(self, node, login):
        """The same for libpq programs, in one."""
        hosts, ports = zip(*self.addresses(node))
        return (f"host={','.join(hosts)} port={','.join(str(port) for port in ports)} user={login}"
                f" dbname={DATABASE} connect_timeout=2 keepalives_idle=1 keepalives_interval=1"
                " keepalives_count=2 tcp_user_timeout=2000")

    # ---- faults ----

    def database_folder(self):
        return self.pair.primary.dir

    def can_fill(self, path):
        return super().can_fill(path) or path in [server.dir for server in self.pair.servers]

    def ballast(self):
        return self.pair.primary.ballast

    def postmaster(self):
        return self.pair.primary.pid()

    def pause(self):
        self.pair.primary.pause()

    def resume(self):
        for server in self.pair.servers:
            server.resume()

    def restart(self):
        """In place: the supervisor waits meanwhile."""
        with self.pair.supervisor.lock:
            self.pair.primary.stop("fast")
            self.pair.primary.start()

    def revive(self):
        self.pair.heal(60)

    def heal(self):
        """A standby that has every acknowledged commit, before the next fault."""
        self.pair.heal(60)

    def lose(self, seconds):
        """What an asynchronous pair is for here: the standby is behind when the primary dies."""
        primary, standby = self.pair.primary, self.pair.standby
        standby.host.cut(primary.host)
        time.sleep(seconds)
        primary.kill_node()
        primary.host.port_down()        # its kernel would still send what it has
        standby.host.mend()
        self.pair.wait_failover(former=primary)
        self.heal()

    def fail_overs(self):
        """How often another server became the primary."""
        return sum(1 for done in self.pair.history if done["what"] in ("promoted", "switchover"))
