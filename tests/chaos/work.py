# SPDX-License-Identifier: PostgreSQL
"""What the load asks for: task specs, drawn from a generator of random numbers.

A task writes a line to its agent's start journal before anything else and another one at its end, so
that a second execution, or one that nobody asked for, shows. A line is one write in append mode."""

import json

SCRIPT = """j=$CHAOS_STARTS/$HOWDAH_AGENT_NAME
echo "start $HOWDAH_TASK_ID $HOWDAH_AGENT_NAME $$" >>$j
sleep $1
echo "end $HOWDAH_TASK_ID $2" >>$j
exit $2
"""
ENDLESS_S = 100000          # such a task ends by a kill only
ENDLESS = "-endless"        # the end of its name


class Work:
    def __init__(self, rng, name, starts):
        self.rng, self.name, self.starts = rng, name, starts
        self.count = 0

    def duration(self):
        return self.rng.choices([round(self.rng.uniform(0.02, 0.3), 2),
                                 round(self.rng.uniform(0.3, 2.0), 2),
                                 round(self.rng.uniform(2, 6), 1), ENDLESS_S], [30, 40, 20, 10])[0]

    def resources(self):
        wanted = {"cpus": self.rng.choice([0.1, 0.1, 0.25, 0.5, 1]),
                  "mem": self.rng.choice([32, 32, 64, 128])}
        extra = self.rng.choices([{}, {"ports": 1}, {"ports": [[31000, 31000]]}, {"disk": 50}],
                                 [85, 7, 4, 4])[0]
        return {**wanted, **extra}

    def spec(self, place):
        """One task spec; `place` names the agent or the offer."""
        self.count += 1
        exit_code = self.rng.choices([0, 3], [85, 15])[0]
        seconds = self.duration()
        mark = ENDLESS if seconds == ENDLESS_S else ""
        return {"name": f"{self.name}-{self.count}{mark}", **place, "resources": self.resources(),
                "command": {"argv": ["/bin/sh", "-c", SCRIPT, "sh", str(seconds),
                                     str(exit_code)]},
                "environment": {"CHAOS_STARTS": self.starts},
                "labels": {"exit": str(exit_code)}, "kill_grace_s": self.rng.choice([0, 1])}


def endless(name):
    return name.endswith(ENDLESS)


def specs_json(specs):
    return json.dumps(specs, sort_keys=True)
