# SPDX-License-Identifier: PostgreSQL
"""What both tiers share: small file systems that a fault can fill, servers whose clock can be stepped."""

import os
import subprocess
import sys

import clock

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from ha import needs                        # noqa: E402  pylint: disable=wrong-import-position


class Tier:
    def __init__(self, folder):
        self.folder, self.nodes, self.mounts = folder, {}, []

    def mount(self, path, size):
        """A small file system of its own; where nobody may mount, the fault is left out."""
        os.makedirs(path, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", path],
                              capture_output=True, check=False)
        if done.returncode == 0:
            self.mounts.append(path)

    def server_programs(self, original, *servers):
        if not clock.can_step():
            return original
        return clock.server_programs(original, f"{self.folder}/bin", servers)

    def clock_path(self):
        """Of the primary."""
        return f"{self.folder}/bin/{os.path.basename(self.database_folder())}.clock"

    def database_folder(self):
        """Of the primary, as a path of this machine."""
        raise NotImplementedError

    def can_fill(self, path):
        return path in self.mounts

    def unmount(self):
        for path in self.mounts:
            subprocess.run(["umount", "--lazy", path], check=False)
