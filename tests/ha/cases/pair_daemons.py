# SPDX-License-Identifier: PostgreSQL
import subprocess

from ha import needs, tap
from ha.cell import bin_path
from ha.pair import Pair
from ha.scene import scene
from ha.wait import poll, until
from ha.work import Work

UNTIL_GO = "while [ ! -e go ]; do sleep 0.1; done; exit 7"


def leads(cell, *names):
    return next((name for name in names if cell.health(name).startswith("leader")), None)


def test():
    with scene(Pair) as s:
        cell, net = s.cell, s.lab.network
        for name in ("c1", "c2"):
            cell.coordinator_start(name, net.host_add(name))
        for name in ("a1", "a2"):
            cell.agent_start(name, net.host_add(name))
        cell.agents_wait(3)
        work = Work(cell)
        stays, ends = work.place("a2", UNTIL_GO), work.place("a1", UNTIL_GO)
        work.wait(20, stays, "running")
        work.wait(20, ends, "running")
        before = work.pids(stays)[0]  # the shell; the others come and go
        first = until(20, "a coordinator leads", lambda: leads(cell, "c1", "c2"))
        run = subprocess.Popen(
            [bin_path("howdah"), "run", "--db", s.cluster.conninfo("framework"), "--",
             "sh", "-c", "sleep 4; echo done"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(20, "the task of howdah run runs", lambda: work.client.value(
            "select count(*) from howdah.tasks where state = 'running'") == 3)

        former = s.cluster.primary
        cell.programs[first].kill()
        cell.programs["a1"].kill()
        former.kill_node()
        work.go(ends)
        other = "c2" if first == "c1" else "c1"
        s.cluster.wait_failover(former=former)
        tap.ok(poll(20, lambda: leads(cell, other)), "the other coordinator leads, on the new primary")
        tap.equal(work.field(ends), "running", "a task that ended without its agent counts as running")
        cell.agent_start("a1", cell.programs["a1"].host)
        work.wait(30, ends, "failed")
        tap.equal(work.field(ends, "exit_code"), 7, "until its next agent reports the exit code")
        tap.equal(work.history(ends)[-2:], ["running", "failed"], "once")
        out, err = run.communicate(timeout=60)
        tap.equal((run.returncode, out), (0, "done\n"), "howdah run waits the fail-over out")
        if out != "done\n":
            tap.diag(err)
        fresh = work.place("a2")
        work.wait(30, fresh, "finished")
        tap.ok(True, "a new task is placed, run and reported")
        tap.equal(work.pids(stays)[0], before, "a running task has not noticed")
        s.cluster.heal()
        work.go(stays)
        work.wait(30, stays, "failed")
        tap.equal(work.started_twice(), [], "no task was started twice")
        s.nothing_lost()


tap.run(test, needs.why_not())
