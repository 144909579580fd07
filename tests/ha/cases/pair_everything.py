# SPDX-License-Identifier: PostgreSQL
from ha import needs, tap
from ha.pair import Pair
from ha.scene import scene
from ha.wait import until
from ha.work import Work

UNTIL_GO = "while [ ! -e go ]; do sleep 0.1; done; exit 7"


def test():
    with scene(Pair) as s:
        cell, net = s.cell, s.lab.network
        for name in ("c1", "c2"):
            cell.coordinator_start(name, net.host_add(name))
        for name in ("a1", "a2"):
            cell.agent_start(name, net.host_add(name))
        cell.agents_wait(3)
        work = Work(cell)
        tasks = [work.place(name, UNTIL_GO) for name in ("a1", "a1", "a2", "a2")]
        for task in tasks:
            work.wait(20, task, "running")
        before = {task: work.pids(task)[0] for task in tasks}

        for server in s.cluster.servers:
            server.kill_node()
        for program in cell.programs.values():
            program.kill()
        for task in tasks[1:3]:
            work.go(task)
        until(20, "two tasks have ended", lambda: not work.pids(tasks[1]) and not work.pids(tasks[2]))
        tap.equal([work.pids(task)[:1] for task in tasks],
                  [[before[tasks[0]]], [], [], [before[tasks[3]]]],
                  "every server, coordinator and agent is killed: tasks run on, and end as they will")
        s.cluster.heal()
        for name, program in list(cell.programs.items()):
            start = cell.coordinator_start if name.startswith("c") else cell.agent_start
            start(name, program.host)
        for task in tasks[1:3]:
            work.wait(40, task, "failed")
        tap.equal([work.field(task, "exit_code") for task in tasks[1:3]], [7, 7],
                  "started again, they report what ended meanwhile")
        tap.equal([work.field(task) for task in (tasks[0], tasks[3])], ["running", "running"],
                  "what still runs is running in the books")
        tap.equal([work.pids(task)[0] for task in (tasks[0], tasks[3])], [before[tasks[0]], before[tasks[3]]],
                  "and is the same process")
        for task in (tasks[0], tasks[3]):
            work.go(task)
            work.wait(40, task, "failed")
        until(20, "a coordinator leads", lambda: any(cell.health(name).startswith("leader")
                                                     for name in ("c1", "c2")))
        fresh = work.place("a2")
        work.wait(30, fresh, "finished")
        tap.ok(True, "new work is done")
        tap.equal(work.started_twice(), [], "no task was started twice")
        tap.equal([float(held) for (held,) in work.client.call(
            "select cpus_used from howdah.agents where name in ('a1', 'a2')")], [0.0, 0.0],
            "the books are empty of it")
        s.nothing_lost(longest_gap=60)


tap.run(test, needs.why_not())
