"""The letters to systemd, over real datagram sockets."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.systemd import ServiceManager
from tests.fakes.systemd import systemd


@pytest.mark.parametrize("abstract", [False, True])
def test_every_state_is_told_in_the_words_of_the_protocol(tmp_path: Path, abstract: bool) -> None:
    with systemd(tmp_path, abstract=abstract) as manager:
        us = ServiceManager(manager.environ)
        us.ready()
        before = time.monotonic_ns() // 1_000
        us.reloading()
        us.status("2 sources")
        us.alive()
        us.stopping()
        told = manager.told
    stamp = next(line for line in told if line.startswith("MONOTONIC_USEC="))
    assert before <= int(stamp.partition("=")[2]) <= time.monotonic_ns() // 1_000
    told.remove(stamp)
    assert told == [
        "READY=1",
        "RELOADING=1",
        "STATUS=2 sources",
        "WATCHDOG=1",
        *("STOPPING=1", "STATUS=finishing what is under way"),
    ]


def test_without_a_service_manager_nothing_is_told_and_nothing_fails() -> None:
    us = ServiceManager({})
    us.ready()
    us.alive()
    assert not us.listens
    assert us.watchdog_seconds == 0


def test_a_socket_that_is_gone_is_a_line_in_the_log_and_no_failure(tmp_path: Path) -> None:
    with capture_logs() as logs:
        ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).alive()
    assert [line["event"] for line in logs] == ["systemd.unreachable"]


def test_a_queue_that_is_full_does_not_hold_us_up(tmp_path: Path) -> None:
    with systemd(tmp_path) as manager, capture_logs() as logs:
        us = ServiceManager(manager.environ)
        for _ in range(2_000):
            us.alive()
            if logs:
                break
        assert manager.pings > 0
    assert "systemd.unreachable" in {line["event"] for line in logs}


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 60),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, 0),  # meant for the process that started us
        ({"WATCHDOG_USEC": "often"}, 0),
        ({}, 0),
    ],
)
def test_the_watchdog_is_for_the_process_that_it_names(environ: dict[str, str], seconds: int) -> None:
    assert ServiceManager({"NOTIFY_SOCKET": "@somewhere", **environ}).watchdog_seconds == seconds
    assert ServiceManager(environ).watchdog_seconds == 0
