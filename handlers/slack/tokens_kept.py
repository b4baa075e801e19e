"""The tokens of workspaces that installed the app: a private file for each, beside the database and not in it.

A database is backed up, restored and looked into; tokens should not travel along. A restored backup would also bring
back refresh tokens that were used up long ago. The files are not encrypted: the key would lie beside them.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

log = structlog.get_logger()

_TEAM = re.compile(r"[A-Z0-9]{2,24}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Installation:
    """One workspace that installed the app. `refresh_token` and `expires_at` are empty where tokens do not expire."""

    team: str
    bot_user: str
    token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    bot_name: str = ""


class TokensKept:
    """A directory of private files, one a workspace. Each change is on disk when the call returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> tuple[Installation, ...]:
        """Read every installation; a file that cannot be read harms its own workspace alone.

        A new file that was written whole, and not put in place before the program was killed, counts: its refresh
        token is the one that is still good.
        """
        if not self._folder.is_dir():
            return ()
        for open_to_others in (self._folder, *self._folder.glob("*.json"), *self._folder.glob("*.new")):
            _make_private(open_to_others)  # a copy that was put back may have other rights
        for new in sorted(self._folder.glob("*.new")):
            if _read(new) is None:
                new.unlink()
            else:
                new.replace(new.with_suffix(".json"))
        return tuple(filter(None, map(_read, sorted(self._folder.glob("*.json")))))

    def save(self, installation: Installation) -> None:
        """Keep an installation in the place of an earlier one of its workspace."""
        file = self._file(installation.team)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            json.dump(asdict(installation), out, default=datetime.isoformat)
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
        self._sync()

    def delete(self, team: str) -> None:
        """Keep nothing of a workspace."""
        for suffix in (".json", ".new"):
            self._file(team).with_suffix(suffix).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            self._sync()

    def _file(self, team: str) -> Path:
        if not _TEAM.fullmatch(team):
            raise ValueError("not the id of a workspace")
        return self._folder / f"{team}.json"

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _make_private(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        path.chmod(0o700 if path.is_dir() else 0o600)
        log.warning("slack.tokens_were_open", advice="others could read them: have the workspaces install the app anew")


def _read(file: Path) -> Installation | None:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        expires = said.pop("expires_at")
        return Installation(**said, expires_at=datetime.fromisoformat(expires) if expires else None)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.error("slack.tokens_unreadable", error=type(error).__name__)  # noqa: TRY400  its text holds the file's
        return None
