# SPDX-License-Identifier: PostgreSQL
"""How each kind of fault of kinds.py is done. A function for each: it does the fault and returns what
ends it (or nothing when it is over at once). Skipped says why it cannot be done here."""

import os
import signal
import time

import psycopg2

import clock
from client import Lost
from kinds import AGENTS, KINDS

TWIN_S = 2.0            # for the twin of a framework to take over
PATIENCE_S = 4.0        # for somebody to be hit
OPEN_S = 90             # for a drained agent to be opened again, past faults of the database


class Skipped(Exception):
    """Nothing was there to be hit."""


class Unable(Skipped):
    """This machine cannot do the fault."""


# ---- programs --------------------------------------------------------------------------------------

def program_kill(cell, fault):
    cell.programs[fault.target].send(signal.SIGKILL)


def program_pause(cell, fault):
    program = cell.programs[fault.target]
    program.send(signal.SIGSTOP)
    return lambda: program.send(signal.SIGCONT)


def patiently(find, seconds=PATIENCE_S):
    """What it finds, or None when it finds nothing for so long."""
    deadline = time.monotonic() + seconds
    while not (found := find()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def executor_pick(cell, fault):
    """One on the target, or, where none comes, on any agent."""
    executors = patiently(lambda: cell.executors(fault.target)) or patiently(
        lambda: [pid for agent in AGENTS for pid in cell.executors(agent)])
    if not executors:
        raise Skipped("no executor is there")
    return executors[int(fault.share * len(executors))]


def executor_kill(cell, fault):
    os.kill(executor_pick(cell, fault), signal.SIGKILL)


def executor_pause(cell, fault):
    executor = os.pidfd_open(executor_pick(cell, fault))
    signal.pidfd_send_signal(executor, signal.SIGSTOP)

    def resume():
        try:
            signal.pidfd_send_signal(executor, signal.SIGCONT)
        except ProcessLookupError:
            pass  # killed meanwhile
        os.close(executor)

    return resume


def framework_twin(cell, fault):
    """A paused framework is taken over by another process, and wakes up."""
    former = cell.programs[fault.target]
    former.send(signal.SIGSTOP)
    twin = cell.framework_add(f"{fault.target}-twin-{fault.number}", fault.target, again=False)
    cell.twins.append(twin)

    def resume():
        time.sleep(TWIN_S)
        former.send(signal.SIGCONT)

    return resume


def node_kill(cell, fault):
    """Power lost: the agent, its executors and tasks die at once; the machine comes back later."""
    agent = cell.programs[fault.target]
    agent.held = True
    agent.send(signal.SIGKILL)
    signal_until_gone(cell, fault.target)

    def boot():
        agent.held = False

    return boot


def signal_until_gone(cell, node):
    while pids := cell.node_pids(node):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)


def node_pause(cell, fault):
    pids = [os.pidfd_open(pid) for pid in cell.node_pids(fault.target) if os.path.exists(f"/proc/{pid}")]
    for pid in pids:
        pidfd_signal(pid, signal.SIGSTOP)

    def resume():
        for pid in pids:
            pidfd_signal(pid, signal.SIGCONT)
            os.close(pid)

    return resume


def pidfd_signal(pid, number):
    try:
        signal.pidfd_send_signal(pid, number)
    except ProcessLookupError:
        pass


def operate(cell, fault, function, *parameters):
    """An operator calls a function for the agent."""
    admin = cell.admin()
    rows = admin.call("select agent_id::text from howdah.agents where name = %s and state <> 'gone'",
                      fault.target)
    if not rows:
        raise Skipped("no agent has that name")
    words = {"op": function, "call": fault.number, "agent": rows[0][0]}
    cell.operator.write("send", **words)
    marks = ", ".join(["%s"] * (1 + len(parameters)))
    answer = admin.value(f"select howdah.{function}({marks})", rows[0][0], *parameters)
    cell.operator.write("reply", **words, answer=answer)
    admin.close()


def agent_removed(cell, fault):
    """An operator declares the agent gone; its program comes back as a new agent."""
    operate(cell, fault, "agent_remove")


def agent_drained(cell, fault):
    """An operator empties the agent by a deadline of 0 to 3 s, and opens it again."""
    def open_again():
        opened = patiently(lambda: cell.value(
            "select 1 + count(howdah.agent_uncordon(a.agent_id)) from howdah.agents a"
            " where a.name = %s and a.state <> 'gone'", fault.target), OPEN_S)
        if not opened:
            raise RuntimeError(f"{fault.target} could not be opened again in {OPEN_S} s")

    try:
        operate(cell, fault, "agent_drain", int(4 * fault.share))
    except Lost:
        open_again()    # it may have been closed
        raise
    return open_again


# ---- the database ----------------------------------------------------------------------------------

def backend_pick(cell, fault):
    pids = patiently(lambda: cell.value(
        "select array_agg(pid order by pid) from pg_stat_activity where backend_type = 'client backend'"
        " and datname = 'howdah' and pid <> pg_backend_pid()"))
    if not pids:
        raise Skipped("no session is there")
    return pids[int(fault.share * len(pids))]


def backend_kill(cell, fault):
    os.kill(backend_pick(cell, fault), signal.SIGKILL)


def backend_pause(cell, fault):
    backend = os.pidfd_open(backend_pick(cell, fault))
    pidfd_signal(backend, signal.SIGSTOP)

    def resume():
        pidfd_signal(backend, signal.SIGCONT)
        os.close(backend)

    return resume


def backend_end(cell, fault):
    cell.value("select pg_terminate_backend(%s)", backend_pick(cell, fault))


def postmaster_kill(cell, _fault):
    os.kill(cell.tier.postmaster(), signal.SIGKILL)


def postmaster_pause(cell, _fault):
    """Sessions work on; new ones are not answered."""
    postmaster = os.pidfd_open(cell.tier.postmaster())
    pidfd_signal(postmaster, signal.SIGSTOP)

    def resume():
        pidfd_signal(postmaster, signal.SIGCONT)
        os.close(postmaster)

    return resume


def postgres_pause(cell, _fault):
    cell.tier.pause()
    return cell.tier.resume


def postgres_restart(cell, _fault):
    cell.tier.restart()


def connections_exhausted(cell, _fault):
    """Sessions until the server refuses more."""
    held = []
    conninfo = cell.tier.conninfos(None, "framework")[0]
    for _ in range(200):
        try:
            held.append(psycopg2.connect(conninfo, connect_timeout=2))
        except psycopg2.Error:
            break

    def release():
        for session in held:
            session.close()

    return release


def session_holding(cell, *statements):
    """A transaction that stays open; whatever ends the server ends it, too."""
    session = patiently(lambda: session_open(cell, statements))
    if session is None:
        raise Skipped("the server does not let it")
    return session.close


def session_open(cell, statements):
    session = None
    try:
        session = psycopg2.connect(cell.tier.conninfos(None, "admin")[0], connect_timeout=2)
        with session.cursor() as cursor:
            for text in statements:
                cursor.execute(text)
        return session
    except psycopg2.Error:
        if session is not None:
            session.close()
        return None


def snapshot_held(cell, _fault):
    return session_holding(cell, "set transaction isolation level repeatable read",
                           "select count(*) from howdah_private.task")


def books_locked(cell, _fault):
    return session_holding(cell, "set local lock_timeout = '3s'",
                           "lock table howdah_private.agent_pool in exclusive mode")


def disk_fill(cell, folder, path):
    if not cell.tier.can_fill(folder):
        raise Unable("no file system of its own could be mounted")
    with open(path, "wb", buffering=0) as ballast:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    ballast.write(b"\0" * size)
            except OSError:
                pass  # full

    def free():
        if os.path.exists(path):
            os.unlink(path)

    return free


def disk_full(cell, _fault):
    return disk_fill(cell, cell.tier.database_folder(), cell.tier.ballast())


def agent_disk_full(cell, fault):
    folder = f"{cell.folder}/agents/{fault.target}"
    return disk_fill(cell, folder, f"{folder}/ballast")


# ---- the pair -------------------------------------------------------------------------------------

def switchover(cell, _fault):
    cell.tier.pair.switchover()


def primary_lost(cell, _fault):
    cell.tier.pair.primary.kill_node()
    return lambda: None


def primary_cut_off(cell, fault):
    """In both directions, or in one: it hears and is not heard, or the other way round."""
    host = cell.tier.pair.primary.host
    host.cut(direction=("both", "in", "out")[int(fault.share * 3)])
    return host.mend


def standby_kill(cell, _fault):
    cell.tier.pair.standby.kill_node()
    return lambda: None


def standby_cut_off(cell, _fault):
    host = cell.tier.pair.standby.host
    host.cut()
    return host.mend


# ---- network and clock ----------------------------------------------------------------------------

def partition_of(direction):
    def partition(cell, fault):
        node = cell.tier.node(fault.target)
        node.partition(direction)
        return node.mend

    return partition


def connections_cut(cell, fault):
    """Reset, not silent."""
    node = cell.tier.node(fault.target)
    node.cut()
    return node.mend


def packet_loss(cell, fault):
    node = cell.tier.node(fault.target)
    node.loss(round(0.05 + 0.35 * fault.share, 3))
    return node.mend


def delay(cell, fault):
    node = cell.tier.node(fault.target)
    node.delay(round(0.02 + 0.4 * fault.share, 3))
    return node.mend


def clock_step(cell, fault):
    """The wall clock as the node's programs see it jumps, and back; up to an hour either way."""
    if not clock.can_step():
        raise Unable("libfaketime is not here")
    return stepped(cell.clock_path(fault.target), round((fault.share - 0.5) * 7200))


def database_clock_step(cell, fault):
    """The primary's; up to 20 seconds either way, so that what waits for its clock comes to an end."""
    if not clock.can_step():
        raise Unable("libfaketime is not here")
    return stepped(cell.tier.clock_path(), round((fault.share - 0.5) * 40))


def stepped(path, seconds):
    clock.step(path, seconds)
    return lambda: clock.step(path, 0)


FAULTS = {
    "coordinator_kill": program_kill, "coordinator_pause": program_pause,
    "agent_kill": program_kill, "agent_pause": program_pause,
    "framework_kill": program_kill, "framework_pause": program_pause,
    "partition": partition_of("both"), "partition_in": partition_of("in"),
    "partition_out": partition_of("out"),
    **{name: globals()[name] for name in KINDS if name in globals()},
}
