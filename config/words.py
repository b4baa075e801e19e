"""The words that settings are written in: addresses, ids, zones, switches.

Each reader raises `ValueError` with a sentence that says what to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import time
from difflib import get_close_matches
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import SecretStr

from bot.core.added import ADDED_ID
from bot.core.chats import read_chat, read_person

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_DOCKET_NUMBER = re.compile(r"(?:[0-9]{1,2}:)?[0-9]{2}-(?:[A-Za-z]{2,4}-)?[0-9]{1,6}")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_HIGHEST_PORT = 65_535
_SLACK_PERSON = re.compile(r"(?:[TE][A-Z0-9]{2,20}/)?[UW][A-Z0-9]{2,20}")  # with its workspace in front, or alone


class Enabled(StrEnum):
    """Whether a room starts: by itself when its token is there, always, or never."""

    AUTO = "auto"
    YES = "true"
    NO = "false"


class Address(NamedTuple):
    """Where the web listens. Port 0 takes any free one."""

    host: str
    port: int


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean …?`, or nothing where no known word is close."""
    spelled = {name.lower(): name for name in sorted(known)}
    close = get_close_matches(word.lower(), spelled, n=1)
    return f" Did you mean {spelled[close[0]]}?" if close else ""


def read_zone(name: str) -> str:
    """Read the name of a time zone."""
    known = available_timezones()
    if name not in known:
        raise ValueError(f"unknown time zone {name!r}.{did_you_mean(name, known)}")
    return name


def read_line(text: str) -> str:
    """Read a name for people: one line, printable."""
    if not text.isprintable():
        raise ValueError("one line of printable characters")
    return text


def read_header(text: str) -> str:
    """Read a text that travels in an HTTP header."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError("plain ASCII on one line: it travels in an HTTP header")
    return text


def read_url(text: str) -> str:
    """Read a web address that can be asked as it stands."""
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("spaces and special characters must be percent-encoded")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ValueError(f"not a web address: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must start with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password")
    return text


def read_address(value: object) -> object:
    """Read `HOST:PORT` of this machine."""
    if isinstance(value, Address):
        return value
    host, colon, port = str(value).rpartition(":")
    if not colon or not port.isdecimal() or int(port) > _HIGHEST_PORT:
        raise ValueError(f'write HOST:PORT, for example "127.0.0.1:8080"; got {value!r}')
    host = host.strip("[]")
    if host not in _LOOPBACK:
        raise ValueError(f"only this machine (127.0.0.1, [::1] or localhost) can be served so far; got {host!r}")
    return Address(host, int(port))


def read_enabled(value: object) -> object:
    """Read `"auto"`, true or false."""
    word = str(value).lower()
    if word not in set(Enabled):
        raise ValueError(f'write "auto", true or false; got {value!r}')
    return Enabled(word)


def read_who(value: object) -> object:
    """Read who may change things in Slack: a word, or the ids of people."""
    if value in ("members", "admins"):
        return value
    people = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(people, list | tuple) or not people or not all(_SLACK_PERSON.fullmatch(str(p)) for p in people):
        raise ValueError(f'write "members", "admins", or a list of Slack user ids such as ["U0123ABCD"]; got {value!r}')
    return tuple(people)


def read_people(value: object) -> object:
    """Read a list of people by their numbers, which the environment may separate with commas."""
    return tuple(read_person(text) for text in _texts(value, "telegram:123456"))


def read_chats(value: object) -> object:
    """Read a list of chats, which the environment may separate with commas."""
    return tuple(read_chat(text) for text in _texts(value, "telegram:-1001234"))


def _texts(value: object, example: str) -> list[str]:
    items = value.replace(",", " ").split() if isinstance(value, str) else value
    if isinstance(items, list | tuple):
        return [str(item) for item in items]
    raise ValueError(f'write a list such as ["{example}"]; got {value!r}')


def read_key(secret: SecretStr) -> SecretStr:
    """Read a key that travels in an HTTP header, or nothing. What is wrong with it is said without it."""
    read_header(secret.get_secret_value())
    return secret


def read_secret_url(secret: SecretStr) -> SecretStr:
    """Read a web address that is a secret, or nothing. What is wrong with it is said without it."""
    if secret:
        read_url(secret.get_secret_value())
    return secret


def read_time_of_day(value: object) -> object:
    """Read `03:30`, or `off`, which is None."""
    if value == "off":
        return None
    if isinstance(value, str) and (found := _TIME_OF_DAY.fullmatch(value)):
        return time(int(found[1]), int(found[2]))
    if value is None or isinstance(value, time):
        return value
    raise ValueError(f'write a time such as "03:30", or "off"; got {value!r}')


def read_docket_number(text: str) -> str:
    """Read the number that a federal court gives to a case."""
    if not _DOCKET_NUMBER.fullmatch(text):
        raise ValueError(f'write a docket number such as "1:25-cv-00306", or "25-5243" in appeals; got {text!r}')
    return text


def read_ids(value: object) -> object:
    """Read `"default"` or a list of ids, which the environment may separate with commas; it may hold `"default"`."""
    ids = value.replace(",", " ").split() if isinstance(value, str) and value != "default" else value
    if ids == "default":
        return ids
    if not isinstance(ids, list | tuple) or not all(isinstance(one, str) for one in ids):
        raise ValueError(f'write "default" or a list of ids; got {value!r}')
    return tuple(ids)


def read_id(text: str) -> str:
    """Read an id, which people type in chats and see in addresses."""
    if ADDED_ID.fullmatch(text):
        raise ValueError(f"{text!r} is kept for sources that are added while the bot runs")
    if not _ID.fullmatch(text):
        raise ValueError(f"write it with a-z, 0-9 and single hyphens; got {text!r}")
    return text
