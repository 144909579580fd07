# SPDX-License-Identifier: PostgreSQL
"""Whether this machine can run a tier, and if not, why: the text of a skipped test."""

import glob
import os
import shutil

PROGRAMS = {
    "ip": "iproute2", "iptables": "iptables", "nsenter": "util-linux", "setpriv": "util-linux",
    "mount": "mount",
}
PROGRAMS_PATRONI = {"patroni": "patroni", "etcd": "etcd-server", "etcdctl": "etcd-client"}
CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}


def postgres_bin():
    """Folder of the newest PostgreSQL server, 15 or later; None when there is none."""
    found = {}
    for path in glob.glob("/usr/lib/postgresql/*/bin/initdb"):
        version = path.split("/")[4]
        if version.isdigit() and int(version) >= 15:
            found[int(version)] = os.path.dirname(path)
    if os.environ.get("HOWDAH_PG_BIN"):
        return os.environ["HOWDAH_PG_BIN"]
    return found[max(found)] if found else None


def capabilities():
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("CapEff:"):
                return int(line.split()[1], 16)
    return 0


def why_not(patroni=False):
    """None when the tier can run here, else the reason."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    held = capabilities()
    for name, bit in CAPABILITIES.items():
        if not held >> bit & 1:
            return f"network namespaces need {name}"
    wanted = dict(PROGRAMS, **(PROGRAMS_PATRONI if patroni else {}))
    for program, package in wanted.items():
        if not shutil.which(program):
            return f"{program} is missing (Debian package {package})"
    if not postgres_bin():
        return "no PostgreSQL server of version 15 or later"
    return None
