"""The container files, by their text: no engine builds them here, so what can be seen without one is looked at."""

from __future__ import annotations

import re
from pathlib import Path

from config.layers import SECRETS
from config.not_yet import NOT_YET

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "container"
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
COMPOSE = (FOLDER / "compose.yml").read_text()


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    lines = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [(word, rest.strip()) for word, _, rest in lines]


def all_of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def last_stage() -> list[tuple[str, str]]:
    steps = instructions()
    start = max(index for index, (name, _) in enumerate(steps) if name == "FROM")
    return steps[start:]


def test_two_stages_from_images_with_a_version() -> None:
    images = [image.split(" AS ")[0] for image in all_of("FROM")]
    assert len(images) == 2
    for image in images:
        name, _, tag = image.partition(":")
        assert name
        assert re.match(r"\d", tag), f"{image} has no version"
    assert "latest" not in DOCKERFILE + COMPOSE


def test_every_package_is_one_whose_hash_the_lock_names() -> None:
    installs = [run for run in all_of("RUN") if " install " in run and "pip" in run]
    assert any("--require-hashes -r requirements.lock" in run for run in installs)
    assert all("--require-hashes" in run or "--no-deps" in run for run in installs)
    assert not any(re.search(r"\b(?:curl|wget|apt-get|ADD)\b", run) for run in all_of("RUN"))
    assert all_of("ADD") == []


def test_what_runs_is_no_root_and_says_how_it_is() -> None:
    steps = dict(last_stage())
    assert steps["USER"] == "10001:10001"
    assert steps["VOLUME"] == '["/data"]'
    assert steps["STOPSIGNAL"] == "SIGTERM"
    assert steps["HEALTHCHECK"].endswith('CMD ["policybell", "doctor", "--probe"]')
    assert (steps["ENTRYPOINT"], steps["CMD"]) == ('["policybell"]', '["run"]')  # no shell in between to eat signals
    names = [name for name, _ in last_stage()]
    assert names.index("USER") > max(index for index, name in enumerate(names) if name in {"RUN", "COPY"})


def test_everything_that_is_copied_is_there_and_reaches_the_builder() -> None:
    let_in = {line[1:] for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = [rest.split()[:-1] for rest in all_of("COPY") if not rest.startswith("--from=")]
    for name in (name for names in copied for name in names):
        path = name.removeprefix("./")
        assert (ROOT / path).exists(), path
        assert path in let_in, path


def test_no_secret_is_in_an_image_or_a_file() -> None:
    for path in SECRETS:
        assert path.upper().replace(".", "__") not in DOCKERFILE
    named = set(re.findall(r"^  (\w+):\n    file: \./secrets/(\w+)$", COMPOSE, re.MULTILINE))
    assert named == {(name, name) for name in ("telegram__token", "slack__bot_token", "slack__app_token")}
    assert all(name.replace("__", ".", 1) in SECRETS for name, _ in named)


def test_every_secret_that_is_obeyed_can_be_let_in_by_taking_a_mark_away() -> None:
    opened = re.sub(r"^(\s+)# ", r"\1", COMPOSE, flags=re.MULTILINE)
    obeyed = {path.replace(".", "__") for path in SECRETS - set(NOT_YET)}
    assert set(re.findall(r"^      - (\w+__\w+)$", opened, re.MULTILINE)) == obeyed
    assert set(re.findall(r"^  (\w+):\n    file: \./secrets/\1$", opened, re.MULTILINE)) == obeyed


def test_compose_gives_it_as_little_as_it_needs() -> None:
    for line in (
        "read_only: true",
        "network_mode: host",
        'user: "10001:10001"',
        "- no-new-privileges:true",
        "stop_grace_period: 40s",
        "mem_limit: 512m",
        "dockerfile: docs/container/Dockerfile",
    ):
        assert line in COMPOSE
    assert re.search(r"cap_drop:\n\s+- ALL\n", COMPOSE)
    assert re.search(r"tmpfs:\n\s+- /tmp\n", COMPOSE)
    assert "privileged: true" not in COMPOSE
    assert "cap_add" not in COMPOSE
    assert not re.search(r"^\s+ports:", COMPOSE, re.MULTILINE)  # nothing is published: the page is on loopback


def test_the_page_says_that_none_was_built() -> None:
    assert "not built: there was no container engine at hand" in (ROOT / "docs" / "operate.md").read_text()
