"""What holds for every test: no verdict about a machine's speed, and examples from a fixed seed.

`make soak` takes other examples each time, and more of them; one that fails is printed so that it can be repeated.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

settings.register_profile(
    "policybell",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "soak",
    deadline=None,
    max_examples=500,
    print_blob=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("soak" if os.environ.get("POLICYBELL_SOAK") else "policybell")


@pytest.fixture(autouse=True)
def logs_of_its_own() -> Iterator[None]:
    """Give back what a test set up for logs: tests run in any order, and others look at what is logged."""
    before, level = structlog.get_config(), logging.root.level
    yield
    structlog.configure(**before)
    logging.root.setLevel(level)
