# SPDX-License-Identifier: PostgreSQL
from ha import needs, tap
from ha.load import ClaimLoad
from ha.pair import Pair
from ha.scene import now, scene
from ha.wait import until
from ha.work import Work

STALE = "HW060"


def takes_over(s):
    """A framework is shut off with its machine; a new instance of it takes over during a fail-over."""
    host = s.lab.network.host_add("f1")
    old = ClaimLoad(s.cluster, s.agent.agent_name, name="twofold", host=host)
    old.start()
    s.await_load(old, 20)
    host.port_down()
    former = s.cluster.primary
    former.kill_node()
    new = s.cluster.client("framework")
    epoch = new.call("select epoch from howdah.framework_register(name => 'twofold', framework_id => %s)",
                     (old.framework_id,))[0][0]
    fenced = now()
    tap.ok(epoch > old.epoch, "a new instance of a framework takes over while its database fails over")
    before = new.value("select count(*) from howdah.tasks where framework_id = %s", (old.framework_id,))
    host.port_up()
    until(30, "the former instance has ended", lambda: old.failure)
    tap.equal(getattr(old.failure, "pgcode", old.failure), STALE, "the former one is refused when it is back")
    tap.equal([what for at, what in old.acknowledged if at > fenced], [], "nothing more was acknowledged to it")
    tap.equal(new.value("select count(*) from howdah.tasks where framework_id = %s", (old.framework_id,)), before,
              "and it has changed nothing")
    old.failure = None
    s.inside.append(old)
    s.cluster.heal()


def dies(s):
    """A framework never comes back: its tasks end after its failover timeout, and not before."""
    work = Work(s.cell, "mortal", failover_timeout_s=4)
    task = work.place("a1", "sleep 600")
    work.wait(20, task, "running")
    died = now()
    s.cluster.switchover()
    state = work.wait(60, task, "killed", "killing", "failed")
    tap.ok(now() - died > 4, f"tasks of a framework that died run on for its failover timeout, then end: {state}")
    until(20, "its processes are gone", lambda: not work.pids(task))
    tap.equal(work.client.value("select state::text from howdah.frameworks where framework_id = %s",
                                (work.framework_id,)), "completed", "and the framework is completed")


def test():
    with scene(Pair, cell_settings={"framework_heartbeat_s": 1, "outage_grace_s": 2}) as s:
        s.cell.coordinator_start("c1")
        s.cell.agent_start("a1", s.lab.network.host_add("a1"))
        s.cell.agents_wait(2)
        takes_over(s)
        dies(s)
        s.nothing_lost()


tap.run(test, needs.why_not())
