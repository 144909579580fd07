# SPDX-License-Identifier: PostgreSQL
from ha import needs, tap
from ha.pair import Pair
from ha.scene import scene
from ha.wait import until
from ha.work import Work

UNTIL_GO = "while [ ! -e go ]; do sleep 0.1; done; exit 7"
TIMEOUT_S = 3


def agent(work, name, column):
    return work.client.value(f"select {column} from howdah.agents where name = %s", (name,))


def in_cell(work, name):
    return work.client.value("select count(*) from howdah.cell where name = %s", (name,)) == 1


def machine_dies(s, work):
    host = s.cell.programs["a1"].host
    task = work.place("a1", UNTIL_GO)
    work.wait(20, task, "running")
    used = agent(work, "a1", "cpus_used")
    host.kill_all()
    work.wait(30, task, "unreachable")
    tap.ok(True, "a machine dies: after the timeout its task is unreachable")
    tap.equal((agent(work, "a1", "state"), in_cell(work, "a1")), ("unreachable", False),
              "so is its agent, and nothing of it is on offer")
    tap.equal(work.claim("a1")[1], "agent_closed", "a claim there is refused, and told why")
    tap.equal(agent(work, "a1", "cpus_used"), used, "what its task holds stays held")
    s.cell.agent_start("a1", host)
    state = work.wait(30, task, "failed", "gone")
    tap.ok(state, f"when it is back, without the task, the task has ended: {state}")
    tap.equal(float(agent(work, "a1", "cpus_used")), 0.0, "and holds nothing any more")


def machine_cut_off(s, work):
    host = s.cell.programs["a2"].host
    task = work.place("a2", UNTIL_GO)
    work.wait(20, task, "running")
    before = work.pids(task)[0]
    host.port_down()
    work.wait(30, task, "unreachable")
    tap.equal(work.pids(task)[0], before, "a machine is cut off: its task is unreachable, and runs on")
    tap.equal(in_cell(work, "a2"), False, "nothing of it is on offer")
    host.port_up()
    work.wait(30, task, "running")
    tap.equal((work.pids(task)[0], agent(work, "a2", "state")), (before, "active"),
              "when it is back the same process is running, in the books, too")
    work.go(task)
    work.wait(30, task, "failed")
    tap.equal(work.field(task, "exit_code"), 7, "and its end is reported")
    tap.equal(work.history(task)[-4:], ["running", "unreachable", "running", "failed"], "each change once")


def database_away(s, work):
    """Longer than the timeout: silence is the database's fault, not the agents'."""
    task = work.place("a2", UNTIL_GO)
    work.wait(20, task, "running")
    first = work.client.value("select coalesce(max(event_id), 0) from howdah.events")
    for server in s.cluster.servers:
        server.pause()
    until(3 * TIMEOUT_S + 10, "the supervisor has seen misses", lambda: s.cluster.supervisor.missing(
        2 * TIMEOUT_S))
    s.cluster.heal()
    s.claims_go_on(20)
    tap.equal(work.client.value("select count(*) from howdah.events where event_id > %s and "
                                "to_state = 'unreachable'", (first,)), 0,
              "the database is away for longer than the timeout: nobody is declared unreachable")
    work.go(task)
    work.wait(30, task, "failed")


def test():
    with scene(Pair, cell_settings={"agent_timeout_s": TIMEOUT_S, "outage_grace_s": 2}) as s:
        s.cell.coordinator_start("c1")
        for name in ("a1", "a2"):
            s.cell.agent_start(name, s.lab.network.host_add(name))
        s.cell.agents_wait(3)
        work = Work(s.cell)
        machine_dies(s, work)
        machine_cut_off(s, work)
        database_away(s, work)
        tap.equal(work.started_twice(), [], "no task was started twice")
        s.nothing_lost(longest_gap=60)


tap.run(test, needs.why_not())
