"""A Debian with a running systemd of its own, in namespaces of this machine's kernel: for whoever is root here.

    with booted(folder, bare) as machine:          # a copy of the bare Debian, with systemd put into it
        machine.run("systemctl", "start", "policybell")

It shares the network, so servers on loopback are reached from inside. Memory limits hold only where the kernel has
them in its unified hierarchy of control groups.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_LEFT_OUT = ("./home", "./proc", "./dev", "./tmp", "./sys")
_DEVICES = ("null 1 3", "zero 1 5", "full 1 7", "random 1 8", "urandom 1 9", "tty 5 0")
_NOT_HERE = ("console-getty.service", "getty.target", "systemd-logind.service", "systemd-udevd.service")
_APT = "apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd dbus"
_BOOT = r"""
set -e
R=$1
mount --make-rprivate /
mount --bind $R $R
mount -t proc proc $R/proc
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs $R/sys
mount -t tmpfs -o mode=755 tmpfs $R/run
mount -t tmpfs -o mode=755 tmpfs $R/dev
mkdir $R/dev/pts $R/dev/shm $R/dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts $R/dev/pts
mount -t tmpfs tmpfs $R/dev/shm
mount -t cgroup2 cgroup2 $R/sys/fs/cgroup
while read -r name major minor; do mknod -m 666 $R/dev/$name c $major $minor; done
ln -s pts/ptmx $R/dev/ptmx
ln -s /proc/self/fd $R/dev/fd
cd $R
mkdir -p before
pivot_root . before                # not chroot: in one, no process may make user namespaces
cd /
umount -l /before
mount --make-rshared /             # else credentials stay in the helper that mounts them
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd systemd.unit=multi-user.target
"""


@dataclass(frozen=True)
class Machine:
    """A machine that was booted. `root` is its file system seen from here, `init` its first process."""

    root: Path
    init: int

    def command(self, *argv: str) -> list[str]:
        """Say how a command is run inside."""
        return ["nsenter", "-t", str(self.init), "--mount", "--pid", "--uts", "--ipc", "--cgroup", *argv]

    def run(self, *argv: str) -> str:
        """Run a command inside; return what it printed, whatever came of it."""
        return subprocess.run(self.command(*argv), capture_output=True, text=True, check=False).stdout

    def shown(self, unit: str, *properties: str) -> dict[str, str]:
        """What systemd says of a unit."""
        lines = self.run("systemctl", "show", unit, "-p", ",".join(properties)).splitlines()
        return dict(line.split("=", 1) for line in lines)


@contextmanager
def booted(folder: Path, bare: Path) -> Iterator[Machine]:
    """Copy a bare Debian, put systemd into it, and boot it; skip where this machine does not let us."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    groups = next((mount[1] for mount in mounts if mount[2] == "cgroup2"), "")
    if not groups:
        pytest.skip("no unified control groups are mounted here")
    root = folder / "machine"
    _copy(bare, root)
    group = Path(groups, f"policybell-test-{os.getpid()}")
    group.mkdir()
    devices = "".join(f"{device}\n" for device in _DEVICES)
    apart = f'echo $$ > {group}/cgroup.procs; exec unshare --fork --pid --mount --uts --ipc --cgroup "$@"'
    with (folder / "boot.log").open("wb") as log:
        unshare = subprocess.Popen(
            ["sh", "-c", apart, "sh", "sh", "-c", _BOOT, "sh", str(root)], stdin=subprocess.PIPE, stdout=log, stderr=log
        )
    assert unshare.stdin is not None
    unshare.stdin.write(devices.encode())
    unshare.stdin.close()
    try:
        yield _ready(root, unshare)
    finally:
        for child in _children(unshare.pid):
            os.kill(child, signal.SIGKILL)  # the first process takes all others with it
        unshare.wait()
        for _ in range(50):
            with contextlib.suppress(OSError):
                for inner in sorted(group.rglob("*/"), reverse=True):
                    inner.rmdir()
                group.rmdir()
                break
            time.sleep(0.1)
        shutil.rmtree(root, ignore_errors=True)  # a gigabyte that nobody looks at again


def _copy(bare: Path, root: Path) -> None:
    root.mkdir()
    left_out = " ".join(f"--exclude={path}" for path in _LEFT_OUT)
    copy = f"tar -C {bare} --one-file-system {left_out} -cf - . | tar -C {root} -xf -"
    subprocess.run(["sh", "-c", copy], check=True)
    for name in ("proc", "dev", "tmp", "sys", "home", "run"):
        (root / name).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for unit in _NOT_HERE:
        (root / "etc/systemd/system").mkdir(parents=True, exist_ok=True)
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    done = subprocess.run(["chroot", str(root), "sh", "-c", _APT], capture_output=True, text=True, check=False)
    if not (root / "lib/systemd/systemd").exists():
        pytest.skip(f"systemd could not be installed: {done.stderr.strip()[-200:]}")


def _ready(root: Path, unshare: subprocess.Popen[bytes]) -> Machine:
    for _ in range(200):
        if unshare.poll() is not None:
            pytest.skip("this kernel lets no systemd run in namespaces")
        for init in _children(unshare.pid):
            machine = Machine(root, init)
            if machine.run("systemctl", "is-system-running").strip() in {"running", "degraded"}:
                return machine
        time.sleep(0.1)
    pytest.skip("systemd did not come up in namespaces")


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
