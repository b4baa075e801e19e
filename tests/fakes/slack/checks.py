"""What Slack refuses in a message, and what it would obey that nobody meant to write.

Oracles: the validators of slack_sdk.models for lengths and known attributes; by hand what those miss (a header with
mrkdwn, a field over 2,000, empty text, unknown types, addresses). Sources: docs.slack.dev/reference/block-kit and
docs.slack.dev/messaging/formatting-message-text; 13,200 characters of blocks: slackapi/bolt-js#2509.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block, BlockElement
from yarl import URL

TEXT_BEST = 4_000  # "best under 4,000": longer text is shown cut on some clients
TEXT_MOST = 40_000
BLOCKS_MOST = 50
BLOCKS_SIZE = 13_200
TEXT_OBJECT_MOST = 3_000
FIELD_MOST = 2_000
URL_MOST = 3_000

_BLOCK_TYPES = {"header", "section", "context", "divider", "actions", "rich_text"}
_RICH_PARTS = {"rich_text_section", "rich_text_quote", "rich_text_preformatted", "rich_text_list"}
_RICH_LEAVES = {"text", "link", "user", "usergroup", "channel", "broadcast", "emoji", "date"}
_CONTROL = re.compile(r"<([^<>]*)>")
_LOOSE_AMPERSAND = re.compile(r"&(?!amp;|lt;|gt;)")
_Json = Mapping[str, Any]


# --- blocks -------------------------------------------------------------------------------------------------------


def refused_blocks(blocks: object) -> tuple[str, str] | None:
    """Say why Slack would refuse these blocks, as (error code, what is wrong); None where it would not."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return "invalid_blocks_format", "blocks are not a list of objects"
    if len(blocks) > BLOCKS_MOST:
        return "invalid_blocks", f"{len(blocks)} blocks"
    if (size := len(json.dumps(blocks, ensure_ascii=False))) > BLOCKS_SIZE:
        return "msg_blocks_too_long", f"{size} characters of blocks"
    problem = next((problem for block in blocks for problem in _block_problems(block)), None)
    return ("invalid_blocks", problem) if problem else None


def _block_problems(block: dict[str, Any]) -> Iterator[str]:
    kind = block.get("type")
    if kind not in _BLOCK_TYPES:
        yield f"unknown or unexpected block {kind!r}"
        return
    yield from _model_problems(block, Block)
    match kind:
        case "header":
            yield from _text_problems(block.get("text"), 150, plain=True)
        case "section":
            yield from _section_problems(block)
        case "context":
            for element in block.get("elements") or [None]:
                yield from _text_problems(element, TEXT_OBJECT_MOST)
        case "actions":
            yield from _action_problems(block.get("elements") or [])
        case "rich_text":
            yield from _rich_problems(block.get("elements") or [])


def _model_problems(thing: dict[str, Any], model: type[Block | BlockElement]) -> Iterator[str]:
    """Ask slack_sdk; a block's own validators do not look into its elements, so those are asked one by one."""
    try:
        parsed = model.parse(dict(thing))
        if parsed is None:
            yield f"unknown {thing.get('type')!r}"
            return
        parsed.validate_json()
    except (SlackObjectFormationError, TypeError) as error:
        yield f"{thing.get('type')}: {error}"
        return
    if unknown := set(thing) - parsed.attributes - {"type"}:
        yield f"{thing['type']} has unknown attributes {sorted(unknown)}"


def _section_problems(block: _Json) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield "a section with neither text nor fields"
    if "text" in block:
        yield from _text_problems(block["text"], TEXT_OBJECT_MOST)
    for field in block.get("fields") or []:
        yield from _text_problems(field, FIELD_MOST)


def _text_problems(text: object, most: int, *, plain: bool = False) -> Iterator[str]:
    match text:
        case {"type": "plain_text" | "mrkdwn" as kind, "text": str(said)}:
            if plain and kind != "plain_text":
                yield f"{kind} where only plain_text is allowed"
            if not said.strip() or len(said) > most:
                yield f"text of {len(said)} characters, 1 to {most} allowed"
            known = {"type", "text"} | ({"emoji"} if kind == "plain_text" else {"verbatim"})
            if unknown := set(text) - known:
                yield f"{kind} has unknown attributes {sorted(unknown)}"
        case _:
            yield f"not a text object: {text!r}"


def _action_problems(elements: list[dict[str, Any]]) -> Iterator[str]:
    ids = [element.get("action_id") for element in elements]
    if not 1 <= len(elements) <= 25:
        yield f"{len(elements)} actions, 1 to 25 allowed"
    if len(set(ids)) != len(ids):
        yield f"action_id used twice: {ids}"
    for element in elements:
        if element.get("type") != "button":
            yield f"unexpected action {element.get('type')!r}"
            continue
        yield from _model_problems(element, BlockElement)
        yield from _text_problems(element.get("text"), 75, plain=True)
        if "url" in element:
            yield from _address_problems(element["url"])


def _rich_problems(parts: list[dict[str, Any]]) -> Iterator[str]:
    if not parts:
        yield "rich_text without elements"
    for part in parts:
        if part.get("type") not in _RICH_PARTS:
            yield f"unknown rich text part {part.get('type')!r}"
        if not part.get("elements"):
            yield f"{part.get('type')} without elements"
        for leaf in part.get("elements") or []:
            yield from _leaf_problems(leaf)


def _leaf_problems(leaf: _Json) -> Iterator[str]:
    match leaf:
        case {"type": "text", "text": ""} | {"type": "link", "text": ""}:
            yield "empty rich text"
        case {"type": "link", "url": url}:
            yield from _address_problems(url)
        case {"type": kind} if kind in _RICH_LEAVES:
            return
        case _:
            yield f"unknown rich text element {leaf!r}"


def _address_problems(url: object) -> Iterator[str]:
    if not isinstance(url, str) or len(url) > URL_MOST:
        yield f"not an address of at most {URL_MOST} characters"
    elif re.search(r"[\s<>|\x00-\x1f\x7f-\U0010ffff]", url):
        yield f"unencoded characters in the address {url!r}"
    elif URL(url, encoded=True).scheme not in {"http", "https"} or not URL(url, encoded=True).host:
        yield f"not a web address: {url!r}"


# --- control sequences --------------------------------------------------------------------------------------------


def sequences(text: str) -> list[str]:
    """List what Slack would obey in a mrkdwn text: the inside of every `<…>`."""
    return _CONTROL.findall(text)


def unmeant(text: str, people: Collection[str]) -> Iterator[str]:
    """List what a mrkdwn text of ours must not hold. Ours are bare links and mentions of `people`, nothing else."""
    for inside in sequences(text):
        if inside.startswith("@") and inside[1:] in people:
            continue
        if inside[:1] in {"!", "@", "#"}:
            yield f"active control sequence <{inside}>"
        elif "|" in inside:
            yield f"labelled link <{inside}>"
        else:
            yield from _address_problems(inside.replace("&amp;", "&"))
    rest = _CONTROL.sub("", text)
    if "<" in rest:
        yield f"unescaped < in {text!r}"
    if _LOOSE_AMPERSAND.search(text):
        yield f"unescaped & in {text!r}"


def unmeant_in_blocks(blocks: object, people: Collection[str]) -> Iterator[str]:
    """List the active mentions of blocks, and mrkdwn that Slack would preprocess for lack of `verbatim`."""
    match blocks:
        case {"type": "mrkdwn", "text": str(text)}:
            yield from unmeant(text, people)
            if blocks.get("verbatim") is not True:
                yield "mrkdwn without verbatim"
        case {"type": "user", "user_id": str(user)} if user in people:
            return
        case {"type": "user" | "usergroup" | "channel" | "broadcast" as kind}:
            yield f"active rich text {kind}"
        case dict():
            for value in blocks.values():
                yield from unmeant_in_blocks(value, people)
        case list():
            for value in blocks:
                yield from unmeant_in_blocks(value, people)
