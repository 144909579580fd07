#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""sqlbatch: a Howdah framework that is nothing but SQL and LISTEN/NOTIFY.

Runs a batch of small tasks (each counts the primes of an interval with awk and writes one result
file), checks every result, and reports. Needs python3-psycopg2 and a login that is a member of
howdah_framework; no Howdah library. README.md shows the same calls by hand in psql.

Every step of the loop may be repeated: claims carry a key, acknowledgements are in one transaction
with our own row for the update (so each update is handled exactly once), the rest is idempotent. So
whatever happens to the connection, the answer is the same: connect again with backoff, repeat the
step. With --state, a restarted sqlbatch takes over its framework and goes on.

Exit status: 0 every result is right, 1 not, 2 the command line is wrong.
"""

import argparse
import json
import os
import random
import select
import shutil
import sys
import tempfile
import time
import uuid

import psycopg2
import psycopg2.extensions

RETRY_CLASSES = ("08", "40", "53", "55", "57")  # connection, rollback, resources, locks, operator
RETRY_STATES = ("HW040", "25006", "23505")
CONFLICTS = {
    "agent_closed", "agent_changed", "offer_unknown", "offer_used", "offer_expired",
    "offer_rescinded", "insufficient_resource", "port_taken", "set_item_taken", "gang_incomplete",
}
ENDED = {"finished", "failed", "killed", "error", "lost", "dropped", "gone", "gone_by_operator"}
AGENT_USER = "nobody"  # who runs tasks that name no user, where root runs the agent
POLL_S = 2.0  # notifications are hints; look this often anyway

# $1 first number, $2 end (excluded), $3 output. Written under another name and renamed: the output is
# whole or absent, whoever is killed when.
SCRIPT = """set -eu
part="$3.$HOWDAH_TASK_ID"
awk -v first="$1" -v end="$2" 'BEGIN {
    for (n = first; n < end; n++) {
        prime = n > 1
        for (d = 2; prime && d * d <= n; d++) if (n % d == 0) prime = 0
        count += prime
    }
    printf "%d\\n", count }' >"$part"
mv "$part" "$3"
"""


class Wrong(Exception):
    """The run cannot succeed; the text says why."""


def retryable(error):
    state = error.pgcode or ""
    if isinstance(error, psycopg2.InterfaceError):
        return True
    if isinstance(error, psycopg2.OperationalError) and not state:
        return True  # no connection, or it broke: there is no SQLSTATE
    return state[:2] in RETRY_CLASSES or state in RETRY_STATES


def primes_between(first, end):
    sieve = bytearray([1]) * end
    sieve[:2] = b"\0" * min(2, end)
    for n in range(2, int(end**0.5) + 1):
        if sieve[n]:
            sieve[n * n::n] = bytes(len(range(n * n, end, n)))
    return sum(sieve[first:end])


class Unit:
    """One interval: its number, what its latest task does, and where the result goes."""

    def __init__(self, number, options):
        self.number = number
        self.first = number * options.numbers
        self.end = self.first + options.numbers
        self.out = os.path.join(options.workdir, "out", f"{number:04d}")
        self.attempt = 0
        self.failures = 0
        self.placed = False
        self.not_before = 0.0

    def done(self):
        return os.path.exists(self.out)

    def spec(self, offer_id, options):
        self.attempt += 1
        spec = {
            "name": f"primes-{self.number:04d}.{self.attempt}",
            "offer": offer_id,
            "resources": {"cpus": options.cpus, "mem": options.mem},
            "command": {"argv": ["sh", "-c", SCRIPT, "primes", str(self.first), str(self.end),
                                 self.out]},
        }
        if options.user:
            spec["user"] = options.user
        return spec


class Batch:
    def __init__(self, options):
        self.options = options
        self.units = [Unit(n, options) for n in range(options.tasks)]
        self.conn = None
        self.key = str(uuid.uuid4())  # a registration that is repeated is the same one
        self.framework_id = None
        self.epoch = None
        self.heartbeat_s = 5
        self.heartbeat_due = 0.0
        self.offers = {}
        self.cursor = 0
        self.claim = None  # (key, specs, units) whose outcome is not known yet
        self.suppressed = False
        self.totals = dict.fromkeys(
            ("claims", "tasks", "conflicts", "refusals", "offers", "rescinds", "updates", "retries",
             "reconnects"), 0)

    # ---- the connection ----

    def rows(self, sql, *parameters):
        with self.conn.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    def connect(self):
        """Connect, register on the first time, listen, and forget what has to be read anew."""
        self.conn = psycopg2.connect(self.options.db, connect_timeout=5,
                                     application_name=f"framework {self.options.name}")
        self.conn.autocommit = True
        with self.conn.cursor() as cursor:
            cursor.execute("set statement_timeout = '20s'")
        if self.epoch is None:
            self.register()
        with self.conn.cursor() as cursor:
            cursor.execute(f"listen howdah_framework_{self.framework_id.replace('-', '')}")
            cursor.execute("create temp table if not exists handled"
                           " (update_id bigint primary key, task_name text, state text)")
        self.offers, self.cursor = {}, 0
        self.reconcile()

    def register(self):
        """A new framework, or the one in the state file: that fences its former instance."""
        former = None
        if self.options.state and os.path.exists(self.options.state):
            with open(self.options.state, encoding="utf-8") as file:
                former = json.load(file)["framework_id"]
        try:
            row = self.rows(
                "select framework_id::text, epoch, heartbeat_s from howdah.framework_register("
                "name => %s, role => %s, failover_timeout_s => %s, framework_id => %s, key => %s)",
                self.options.name, self.options.role, 86400 if self.options.state else 60, former,
                self.key)
        except psycopg2.Error as error:
            if former is None or error.pgcode not in ("HW010", "HW011"):
                raise
            os.unlink(self.options.state)  # torn down already: nothing left to take over
            return self.register()
        self.framework_id, self.epoch, self.heartbeat_s = row[0]
        if self.options.state:
            with open(self.options.state + ".new", "w", encoding="utf-8") as file:
                json.dump({"framework_id": self.framework_id}, file)
            os.replace(self.options.state + ".new", self.options.state)
        self.say(f"framework {self.framework_id}, epoch {self.epoch}")
        return None

    def heartbeat(self):
        if time.monotonic() < self.heartbeat_due:
            return
        self.rows("select howdah.framework_heartbeat(framework_id => %s, epoch => %s)",
                  self.framework_id, self.epoch)
        self.heartbeat_due = time.monotonic() + self.heartbeat_s

    # ---- tasks ----

    def unit_of(self, task_name):
        number, attempt = task_name.removeprefix("primes-").split(".")
        unit = self.units[int(number)]
        unit.attempt = max(unit.attempt, int(attempt))
        return unit, int(attempt)

    def reconcile(self):
        """After each connect: which tasks live?"""
        for unit in self.units:
            unit.placed = False
        for name, state, message in self.rows(
                "select name, state, message from howdah.tasks_reconcile("
                "framework_id => %s, epoch => %s)", self.framework_id, self.epoch):
            self.task_changed(name, state, message)

    def task_changed(self, name, state, message):
        unit, attempt = self.unit_of(name)
        if attempt < unit.attempt or unit.done():
            return
        unit.placed = state not in ENDED and state != "unreachable"
        if unit.placed:
            return
        if state == "error":
            raise Wrong(f"task {name}: {message}")
        unit.failures += state in ("failed", "finished")  # finished, yet there is no result
        if unit.failures >= self.options.tries:
            raise Wrong(f"task {name} is {state}: {message}; tried {unit.failures} times"
                        f" (see howdah logs --stderr {name})")
        self.totals["retries"] += 1
        unit.not_before = time.monotonic() + random.uniform(0.1, 0.2 * 2 ** min(unit.failures, 5))

    def updates(self):
        """One transaction: our rows for the updates, and their acknowledgement. Exactly once."""
        self.conn.autocommit = False
        try:
            rows = self.rows(
                "select update_id, task_name, state::text, message from howdah.updates_pending("
                "framework_id => %s, epoch => %s) order by update_id",
                self.framework_id, self.epoch)
            if rows:
                with self.conn.cursor() as cursor:
                    cursor.executemany("insert into handled values (%s, %s, %s)",
                                       [row[:3] for row in rows])
                self.rows("select howdah.update_acknowledge(framework_id => %s, epoch => %s,"
                          " update_ids => %s)", self.framework_id, self.epoch,
                          [row[0] for row in rows])
            self.conn.commit()
        finally:
            if not self.conn.closed:
                self.conn.rollback()
                self.conn.autocommit = True
        self.totals["updates"] += len(rows)
        for _, name, state, message in rows:
            self.task_changed(name, state, message)

    # ---- offers and claims ----

    def read_offers(self):
        for seq, offer_id, state, resources in self.rows(
                "select change_seq, offer_id::text, state::text, resources from howdah.offers_since("
                "framework_id => %s, epoch => %s, cursor => %s) order by change_seq",
                self.framework_id, self.epoch, self.cursor):
            self.cursor = max(self.cursor, seq)  # a row may come again
            if state == "outstanding":
                self.totals["offers"] += offer_id not in self.offers
                self.offers[offer_id] = resources
            elif self.offers.pop(offer_id, None) is not None and state != "accepted":
                self.totals["rescinds"] += 1

    def decline(self, offer_ids, seconds):
        for offer_id in offer_ids:
            self.offers.pop(offer_id, None)
        self.rows("select howdah.offer_decline(framework_id => %s, epoch => %s,"
                  " offer_ids => %s::uuid[], refuse_seconds => %s)",
                  self.framework_id, self.epoch, list(offer_ids), seconds)

    def suppress(self, wanted):
        if self.suppressed != wanted:
            function = "suppress" if wanted else "revive"
            self.rows(f"select howdah.framework_{function}(framework_id => %s, epoch => %s)",
                      self.framework_id, self.epoch)
            if not wanted:
                self.rows("select howdah.filters_clear(framework_id => %s, epoch => %s)",
                          self.framework_id, self.epoch)
            self.suppressed = wanted

    def make_claim(self):
        """Deal what is waiting out over the offers, one task to each in turn."""
        now = time.monotonic()
        missing = [u for u in self.units if not u.placed and not u.done()]
        ready = [u for u in missing if u.not_before <= now]
        if not missing and self.offers:
            self.decline(list(self.offers), 30)
        self.suppress(not missing)
        specs, units = [], []
        room = {offer_id: min(int(r.get("cpus", 0) * 1000) // round(self.options.cpus * 1000),
                              r.get("mem", 0) // self.options.mem)
                for offer_id, r in self.offers.items()}
        while ready and any(room.values()):
            for offer_id in [o for o in room if room[o] > 0]:
                if ready:
                    room[offer_id] -= 1
                    units.append(ready.pop(0))
                    specs.append(units[-1].spec(offer_id, self.options))
        if specs:
            self.claim = (str(uuid.uuid4()), specs, units)

    def send_claim(self):
        """The same key until the outcome is known: the claim is committed once, if at all."""
        if self.claim is None:
            return
        key, specs, units = self.claim
        rows = self.rows(
            "select ordinal, committed, reason, message from howdah.claim(framework_id => %s,"
            " epoch => %s, claim_key => %s, tasks => %s, mode => 'any') order by ordinal",
            self.framework_id, self.epoch, key, json.dumps(specs))
        self.claim = None
        self.totals["claims"] += 1
        stale = set()
        for (ordinal, committed, reason, message), unit in zip(rows, units):
            offer_id = specs[ordinal - 1]["offer"]
            if committed:
                unit.placed = True
                self.totals["tasks"] += 1
                self.offers.pop(offer_id, None)
                continue
            unit.not_before = time.monotonic() + random.uniform(0.05, 0.3)
            if reason in CONFLICTS:
                self.totals["conflicts"] += 1
                stale.add(offer_id)
            elif reason == "name_in_use":
                self.totals["refusals"] += 1  # the next attempt has another name
            else:
                raise Wrong(f"task {specs[ordinal - 1]['name']}: {reason}: {message}")
        if stale & self.offers.keys():
            self.decline(stale & self.offers.keys(), 0.5)

    # ---- the run ----

    def wait(self):
        """Until a notification, or the time of the next look."""
        if select.select([self.conn], [], [], POLL_S * random.uniform(0.1, 0.3))[0]:
            self.conn.poll()
        self.conn.notifies.clear()

    def step(self):
        if self.conn is None or self.conn.closed:
            self.connect()
        self.heartbeat()
        self.send_claim()
        self.updates()
        self.read_offers()
        self.make_claim()
        self.send_claim()

    def disconnect(self):
        if self.conn is not None:
            self.conn.close()
            self.totals["reconnects"] += 1
        self.conn = None
        self.key = str(uuid.uuid4())  # a registration that is repeated is the same one

    def run(self):
        deadline = time.monotonic() + self.options.timeout
        failures = reported = 0
        while not all(unit.done() for unit in self.units):
            if time.monotonic() > deadline:
                raise Wrong("the time given with --timeout has passed")
            try:
                self.step()
                self.wait()
                failures = 0
            except psycopg2.Error as error:
                if not retryable(error):
                    raise Wrong(str(error).strip()) from error
                self.say(f"trying again: {str(error).strip().splitlines()[0]}")
                self.disconnect()
                failures += 1
                time.sleep(random.uniform(0.1, min(5.0, 0.2 * 2**min(failures, 6))))
            done = sum(unit.done() for unit in self.units)
            if done >= reported + len(self.units) // 4:
                reported = done
                self.say(f"{done} of {len(self.units)} tasks done")

    def finish(self):
        """Take the last updates and remove the framework; a lost connection is tried once more."""
        for _ in range(10):
            try:
                if self.conn is None or self.conn.closed:
                    self.connect()
                self.updates()
                self.rows("select howdah.framework_teardown(framework_id => %s, epoch => %s)",
                          self.framework_id, self.epoch)
                break
            except psycopg2.Error as error:
                if error.pgcode == "HW011":
                    break  # an earlier try did it
                if not retryable(error):
                    raise Wrong(str(error).strip()) from error
                self.disconnect()
                time.sleep(random.uniform(0.2, 1.0))
        if self.options.state and os.path.exists(self.options.state):
            os.unlink(self.options.state)

    def check(self):
        """The number of results that are wrong; each is named."""
        wrong = 0
        for unit in self.units:
            with open(unit.out, encoding="ascii") as file:
                text = file.read().strip()
            expected = primes_between(unit.first, unit.end)
            if text != str(expected):
                wrong += 1
                self.say(f"{unit.first} to {unit.end}: expected {expected} primes, found {text}")
        return wrong

    def say(self, text):
        print(f"sqlbatch: {text}", file=sys.stderr if self.options.json else sys.stdout, flush=True)

    def report(self, wrong, seconds):
        self.say(f"{len(self.units)} results, {wrong} wrong, {seconds:.1f} s; "
                 + ", ".join(f"{name} {count}" for name, count in self.totals.items()))
        if self.options.json:
            print(json.dumps({"framework": self.options.name, "framework_id": self.framework_id,
                              "results": len(self.units), "wrong": wrong,
                              "milliseconds": round(seconds * 1000), **self.totals}))


def parse_arguments():
    parser = argparse.ArgumentParser(description="A batch of small tasks on a Howdah cell, by SQL alone.")
    parser.add_argument("--db", default=os.environ.get("HOWDAH_DB"), help="conninfo (or HOWDAH_DB)")
    parser.add_argument("--name", default="sqlbatch", help="the framework's name")
    parser.add_argument("--role", default="default", help="the framework's role")
    parser.add_argument("--tasks", type=int, default=60, help="number of tasks (60)")
    parser.add_argument("--numbers", type=int, default=5000, help="numbers tested by each task (5000)")
    parser.add_argument("--cpus", type=float, default=0.1, help="cpus of each task (0.1)")
    parser.add_argument("--mem", type=int, default=32, help="MiB of each task (32)")
    parser.add_argument("--user", help="OS user of the tasks; default: the agent's choice, nobody where root runs it")
    parser.add_argument("--workdir", help="shared directory for results; default: a temporary one")
    parser.add_argument("--state", help="remember the framework here; run again with it to go on")
    parser.add_argument("--tries", type=int, default=5, help="give up when a task failed this often")
    parser.add_argument("--timeout", type=float, default=900, help="give up after so many seconds")
    parser.add_argument("--json", action="store_true", help="print the outcome as one line of JSON")
    options = parser.parse_args()
    if not options.db:
        parser.error("--db is missing (or set HOWDAH_DB)")
    if min(options.tasks, options.numbers, options.mem, options.tries) < 1 or options.cpus < 0.001:
        parser.error("--tasks, --numbers, --mem, --tries and --cpus must be positive")
    return options


def make_workdir(options):
    """True if it is ours to remove: temporary, or beside the state file for a restart to find."""
    ours = options.workdir is None
    if ours:
        options.workdir = (options.state + ".work" if options.state
                           else tempfile.mkdtemp(prefix="sqlbatch."))
    options.workdir = os.path.abspath(options.workdir)
    out = os.path.join(options.workdir, "out")
    os.makedirs(out, exist_ok=True)
    os.chmod(options.workdir, 0o755)
    if os.geteuid() == 0:
        shutil.chown(out, options.user or AGENT_USER)
    return ours


def main():
    options = parse_arguments()
    ours = make_workdir(options)
    batch = Batch(options)
    started = time.monotonic()
    try:
        batch.run()
        batch.finish()
        wrong = batch.check()
    except Wrong as error:
        batch.say(str(error))
        return 1
    batch.report(wrong, time.monotonic() - started)
    if wrong == 0 and ours:
        shutil.rmtree(options.workdir, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
