"""Trying queries from the shell. Nothing here loads settings; ready-made topics only where a query names one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from typing import IO

import click

from bot.core.index import find, read_page
from bot.core.model import Hit
from bot.core.query import Query, QueryError, TopicRef, describe, expand, parse, point_at, show
from bot.core.tree import leaves

with_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.command()
@click.argument("query")
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"), default="-", metavar="[FILE|-]")
@click.option("--explain", is_flag=True, help="Say which words matched, and where.")
@with_json
def match(query: str, file: IO[str], *, explain: bool, as_json: bool) -> int:
    """Does a text match a query? Exit 0 for yes, 1 for no, 2 for a bad query.

    The text is a file or standard input; its first line is taken for the title.
    """
    tree = _read(query)
    title, _, text = file.read().strip().partition("\n")
    found = find(_whole(tree), read_page(title, text))
    if as_json:
        click.echo(json.dumps(_answer(tree, found, title, text), ensure_ascii=False))
    else:
        click.echo("no match" if found is None else "match")
        for hit in (found or ()) if explain else ():
            click.echo(f'  {hit.field} {hit.start}: "{_words(hit, title, text)}"')
    return 1 if found is None else 0


@click.command("query")
@click.argument("text", metavar="QUERY")
@with_json
def query(text: str, *, as_json: bool) -> int:
    """How a query is read, in words and in its canonical form."""
    tree = _read(text)
    _whole(tree)
    if as_json:
        click.echo(json.dumps({"query": show(tree), "reads": describe(tree)}, ensure_ascii=False))
    else:
        click.echo(f"{show(tree)}\n{describe(tree)}")
    return 0


def _read(text: str) -> Query:
    try:
        return parse(text)
    except QueryError as error:
        raise _refusal(error, point_at(error, text) if text.strip() else "") from error


def _whole(tree: Query) -> Query:
    """Put ready-made topics in the place of their names."""
    if not any(isinstance(leaf, TopicRef) for leaf in leaves(tree)):
        return tree
    topics: Mapping[str, Query] = import_module("config.topics").shipped_queries()
    try:
        return expand(tree, topics)
    except QueryError as error:
        raise _refusal(error, "") from error


class BadQuery(click.ClickException):
    """The query cannot be read."""

    exit_code = 2


def _refusal(error: QueryError, pointer: str) -> BadQuery:
    return BadQuery("\n".join(part for part in (error.sentence, pointer, error.hint) if part))


def _words(hit: Hit, title: str, text: str) -> str:
    return (title if hit.field == "title" else text)[hit.start : hit.end]


def _answer(tree: Query, found: tuple[Hit, ...] | None, title: str, text: str) -> Mapping[str, object]:
    hits = [
        {"field": hit.field, "start": hit.start, "end": hit.end, "words": _words(hit, title, text)}
        for hit in found or ()
    ]
    return {"match": found is not None, "query": show(tree), "reads": describe(tree), "hits": hits}
