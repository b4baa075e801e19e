"""A disk that loses what was not synced: a file system of one flat directory, spoken to the kernel in its own protocol.

What a program writes it reads back, as on any disk. `cut` pulls the plug: of the writes since a file's last sync, each
survives or not as `chance` has it, and in any order; what was synced is there. Needs root and /dev/fuse.
"""

from __future__ import annotations

import ctypes
import errno
import os
import random
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest

_IN = struct.Struct("<IIQQIIII")  # length, opcode, unique, node, uid, gid, pid, padding
_OUT = struct.Struct("<IiQ")  # length, -errno, unique
_ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
_MAX_WRITE = 128 * 1024
_BIG_WRITES = 1 << 5
_SET_SIZE = 1 << 3
_DETACH = 2
_ROOT = 1


@dataclass
class _File:
    """What programs see of a file, what is on the disk, and the writes in between."""

    node: int
    now: bytearray = field(default_factory=bytearray)
    synced: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes]] = field(default_factory=list)  # where, what; -1: cut to that many bytes

    def write(self, at: int, data: bytes) -> None:
        _put(self.now, at, data)
        self.since.append((at, data))

    def resize(self, size: int) -> None:
        _resize(self.now, size)
        self.since.append((-1, size.to_bytes(8, "little")))

    def sync(self) -> None:
        self.synced = bytearray(self.now)
        self.since.clear()

    def after_a_cut(self, chance: random.Random) -> bytes:
        left = bytearray(self.synced)
        for at, data in [write for write in self.since if chance.random() < 0.5]:
            if at < 0:
                _resize(left, int.from_bytes(data, "little"))
            else:
                _put(left, at, data)
        return bytes(left)


def _put(content: bytearray, at: int, data: bytes) -> None:
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data


def _resize(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


class Disk:
    """The file system, served from a thread of its own."""

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor
        self._names: dict[bytes, _File] = {}
        self._nodes: dict[int, _File] = {}
        self._lock = threading.Lock()
        self.syncs = 0
        self._answers: dict[int, Callable[[int, bytes], bytes | None]] = {
            1: self._look_up, 2: _no_answer, 3: self._attr, 4: self._set_attr, 10: self._unlink, 12: self._rename,
            14: _opened, 15: self._read, 16: self._write, 17: _statfs, 18: _nothing, 20: self._sync, 25: _nothing,
            26: _init, 27: _opened, 29: _nothing, 30: _nothing, 34: _nothing, 35: self._create, 36: _no_answer,
            38: _nothing, 42: _no_answer,
        }  # fmt: skip

    def serve(self) -> None:
        """Answer the kernel until the file system is unmounted."""
        while True:
            try:
                request = os.read(self._fd, _MAX_WRITE + 4096)
            except OSError as error:
                if error.errno in {errno.EINTR, errno.ENOENT, errno.EAGAIN}:
                    continue
                return
            _, opcode, unique, node, *_ = _IN.unpack_from(request)
            try:
                with self._lock:
                    answer = self._answers.get(opcode, _unknown)(node, request[_IN.size :])
                code = 0
            except OSError as error:
                answer, code = b"", -(error.errno or errno.EIO)
            if answer is not None:
                with suppress(FileNotFoundError):  # whoever asked was killed
                    os.write(self._fd, _OUT.pack(_OUT.size + len(answer), code, unique) + answer)

    def put(self, name: str, content: bytes) -> None:
        """Have a file on the disk."""
        with self._lock:
            file = self._make(name.encode())
            file.now[:] = content
            file.sync()

    def cut(self, into: Path, chance: random.Random) -> None:
        """Pull the plug, and write what is found afterwards into an ordinary directory."""
        with self._lock:
            for name, file in self._names.items():
                (into / name.decode()).write_bytes(file.after_a_cut(chance))

    def _make(self, name: bytes) -> _File:
        file = self._names[name] = _File(max(self._nodes, default=_ROOT) + 1)
        self._nodes[file.node] = file
        return file

    def _file(self, node: int) -> _File:
        if node not in self._nodes:
            raise OSError(errno.ENOENT, "no such node")
        return self._nodes[node]

    def _named(self, name: bytes) -> _File:
        if name not in self._names:
            raise OSError(errno.ENOENT, "no such name")
        return self._names[name]

    def _attr_of(self, node: int) -> bytes:
        size = 0 if node == _ROOT else len(self._file(node).now)
        mode = stat.S_IFDIR | 0o700 if node == _ROOT else stat.S_IFREG | 0o600
        return _ATTR.pack(
            node, size, -(-size // 512), 0, 0, 0, 0, 0, 0, mode, 1, os.geteuid(), os.getegid(), 0, 4096, 0
        )

    def _entry(self, file: _File) -> bytes:
        return struct.pack("<QQQQII", file.node, 0, 0, 0, 0, 0) + self._attr_of(file.node)

    def _look_up(self, _: int, body: bytes) -> bytes:
        return self._entry(self._named(body.rstrip(b"\0")))

    def _attr(self, node: int, _: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + self._attr_of(node)

    def _set_attr(self, node: int, body: bytes) -> bytes:
        valid, _, _, size = struct.unpack_from("<IIQQ", body)
        if valid & _SET_SIZE:
            self._file(node).resize(size)
        return self._attr(node, b"")

    def _create(self, _: int, body: bytes) -> bytes:
        name = body[16:].rstrip(b"\0")
        return self._entry(self._names.get(name) or self._make(name)) + _opened(0, b"")

    def _unlink(self, _: int, body: bytes) -> bytes:
        name = body.rstrip(b"\0")
        self._named(name)
        del self._names[name]
        return b""

    def _rename(self, _: int, body: bytes) -> bytes:
        old, new = body[8:].rstrip(b"\0").split(b"\0")
        self._names[new] = self._named(old)
        del self._names[old]
        return b""

    def _read(self, node: int, body: bytes) -> bytes:
        _, at, size = struct.unpack_from("<QQI", body)
        return bytes(self._file(node).now[at : at + size])

    def _write(self, node: int, body: bytes) -> bytes:
        _, at, size = struct.unpack_from("<QQI", body)
        self._file(node).write(at, body[40 : 40 + size])
        return struct.pack("<II", size, 0)

    def _sync(self, node: int, _: bytes) -> bytes:
        self._file(node).sync()
        self.syncs += 1
        return b""


def _init(_: int, body: bytes) -> bytes:
    (readahead,) = struct.unpack_from("<I", body, 8)
    return struct.pack("<IIIIHHIIHHI28x", 7, 31, readahead, _BIG_WRITES, 16, 12, _MAX_WRITE, 1, 0, 0, 0)


def _opened(_: int, __: bytes) -> bytes:
    return struct.pack("<QII", 0, 0, 0)


def _statfs(_: int, __: bytes) -> bytes:
    return struct.pack("<QQQQQIIII24x", 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 4096, 255, 4096, 0)


def _nothing(_: int, __: bytes) -> bytes:
    return b""


def _no_answer(_: int, __: bytes) -> None:
    return None


def _unknown(_: int, __: bytes) -> NoReturn:
    raise OSError(errno.ENOSYS, "not spoken here")


@contextmanager
def losing_disk(place: Path) -> Iterator[Disk]:
    """Mount such a disk at `place`. Skips, saying why, where that cannot be done."""
    if os.geteuid() != 0:
        pytest.skip("mounting a disk that loses what was not synced needs root")
    try:
        descriptor = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"/dev/fuse cannot be opened: {error.strerror}")
    place.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={descriptor},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"losing", os.fsencode(place), b"fuse", 0, options):
        os.close(descriptor)
        pytest.skip(f"no file system can be mounted here: {os.strerror(ctypes.get_errno())}")
    disk = Disk(descriptor)
    serving = threading.Thread(target=disk.serve, daemon=True)
    serving.start()
    try:
        yield disk
    finally:
        libc.umount2(os.fsencode(place), _DETACH)
        serving.join(5)
        os.close(descriptor)
