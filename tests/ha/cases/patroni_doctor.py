# SPDX-License-Identifier: PostgreSQL
"""What howdah doctor sees of a real Patroni: by its login alone, from the file, and from the REST API."""

import base64
import json
import re
import urllib.request

from ha import needs, tap
from ha.cell import Cell
from ha.lab import Lab
from ha.patroni import REST_PORT, Patroni
from ha.wait import poll


class Doctor:
    def __init__(self, lab):
        self.cluster = Patroni(lab)
        self.cluster.start()
        self.cell = Cell(lab, self.cluster)
        self.cell.migrate()
        self.cluster.client("admin", deadline=10.0).call("grant pg_monitor to operator")

    def finding(self, check, *options):
        """ "severity: found" of one check; "" if there is none."""
        rows = json.loads(self.cell.howdah("doctor", "--json", *options, check=False).stdout)
        return next((f"{row['severity']}: {row['found']}" for row in rows if row["id"] == check), "")

    def finds(self, check, pattern, name, *options):
        """Patroni follows a change within a few loops."""
        def found():
            return re.search(pattern, self.finding(check, *options))
        if not tap.ok(poll(40, found), name):
            tap.diag(f"{check}: {self.finding(check, *options)!r} does not match {pattern!r}")

    def edit_config(self, **values):
        token = base64.b64encode(f"patroni:{self.cluster.passwords['REST']}".encode()).decode()
        request = urllib.request.Request(
            f"{self.url()}/config", method="PATCH", data=json.dumps(values).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Basic {token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()

    def url(self):
        return f"http://{self.cluster.primary.host.address}:{REST_PORT}"


def test():
    with Lab() as lab:
        doctor = Doctor(lab)
        primary = doctor.cluster.primary
        doctor.finds("failover.manager", '^note: Patroni, synchronous_standby_names "?pg[123]"?$',
                     "Patroni is recognised from PostgreSQL alone")
        doctor.finds("commit.standby", "^ok: .*: 1 of 2 standby", "its synchronous standby is seen")
        doctor.finds("failover.rewind", "^ok: ", "former primaries can be rewound")
        doctor.finds("patroni.dcs", r"^ok: section etcd \(v2\)$", "the file names the store", "--patroni", primary.config)
        doctor.finds("patroni.synchronous_mode", "^ok: ", "and the strict mode", "--patroni", primary.config)
        doctor.finds("patroni.ttl", "^ok: ttl 5, loop_wait 1, retry_timeout 2$", "the REST API says what is in force",
                     "--patroni", doctor.url())
        doctor.finds("patroni.dcs", r"Patroni \d+\.\d+\.\d+$", "and which release runs", "--patroni", doctor.url())

        doctor.edit_config(synchronous_mode_strict=None)
        doctor.finds("patroni.synchronous_mode", "^danger: synchronous_mode [Tt]rue, synchronous_mode_strict not set$",
                     "a strict mode that was switched off later is found", "--patroni", doctor.url())
        doctor.finds("patroni.synchronous_mode", "^ok: ", "which the file does not tell", "--patroni", primary.config)
        for server in doctor.cluster.servers:
            if server is not primary:
                server.kill_node()
        doctor.finds("failover.manager", "^danger: Patroni, synchronous_standby_names empty$",
                     "a primary that acknowledges alone is found from PostgreSQL alone")
        doctor.edit_config(synchronous_mode_strict=True)
        doctor.finds("failover.manager", r"^note: Patroni, synchronous_standby_names \*$", "strict again, it waits")
        doctor.finds("commit.standby", r"^danger: synchronous_standby_names \*: 0 of 0", "and that is dangerous, too")


tap.run(test, needs.why_not(patroni=True))
