"""Kinds of people in a Slack workspace, as differences from a full member, and whom each setting lets change things."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.slack import FakeSlack
from tests.fakes.slack.world import TEAM

PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "member": {},
    "guest": {"guest": True},
    "single-channel guest": {"single_channel_guest": True},
    "stranger": {"stranger": True},
    "quiet stranger": {"stranger": True, "is_stranger": False},
    "bot": {"bot": True},
    "deactivated": {"deactivated": True},
    "admin": {"admin": True},
    "owner": {"owner": True},
    "guest admin": {"guest": True, "admin": True},
    "far admin": {"stranger": True, "admin": True},
    "invited, not yet in": {"is_invited_user": True},
    "of the organization": {"team_id": "E0ORG", "enterprise_user": {"teams": ["T0OTHER", TEAM]}},
    "of another workspace of it": {"team_id": "E0ORG", "enterprise_user": {"teams": ["T0OTHER"]}},
    "nobody whom Slack knows": {},
}
MEMBERS = frozenset({"member", "admin", "owner", "of the organization"})
ALLOWED = {"members": MEMBERS, "admins": frozenset({"admin", "owner"})}


def settle(slack: FakeSlack) -> dict[str, str]:
    """Let one of each kind into the workspace; return their ids by kind."""
    ids = {}
    for number, (name, kind) in enumerate(PEOPLE.items()):
        differences = dict(kind)
        far = {key: differences.pop(key) for key in ("team_id", "is_stranger") if key in differences}
        ids[name] = slack.add_user(f"U0KIND{number}", **differences)
        slack.world.users[ids[name]] |= far
    slack.remove_user(ids["nobody whom Slack knows"])
    return ids
