"""From what people type to a tree, or to a sentence about what is wrong with it.

The grammar is LALR with positions. Nothing is guessed: a sign that means nothing here is refused, so that it
can mean something later without changing what a stored query says.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Final, cast

from lark import Lark, Token, UnexpectedCharacters, UnexpectedToken

from bot.core.terms import INVISIBLE, WORD, normalize, spell, straighten, words_in
from bot.core.tree import (
    OPERATORS,
    PREFIX_LETTERS,
    Exact,
    Field,
    Prefix,
    Query,
    QueryError,
    TopicRef,
    all_of,
    any_of,
    in_order,
    leaves,
    negate,
    nesting,
    show,
    walk,
    wants_nothing,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a query may be: characters, words and phrases, brackets within brackets."""

    characters: int
    terms: int
    nesting: int


FROM_CHATS: Final = Limits(characters=1_000, terms=40, nesting=10)
# Shipped topics, and what the store gives back: admitted once, so bounded only against a broken file.
ADMITTED: Final = Limits(characters=100_000, terms=5_000, nesting=50)

_FIELDS: Final = ("title", "topic")
_EXAMPLE: Final = 'For example: tps AND (haiti OR venezuela) -"fee schedule"'
_WAITING: Final = frozenset({"_AND", "_OR", "_NOT", "_MINUS", "_BUT_NOT", "FIELD"})  # something must follow these
_ECHOED: Final = 30  # characters of a user's own text that a sentence repeats

# BARE is every run of words joined by hyphens or full stops; `_operator` then takes AND, OR and NOT out of them.
# The word of EXACT is atomic: half of "#h-1b" is not what was meant.
_GRAMMAR: Final = rf"""
    ?start: either
          | start _BUT_NOT either -> without_later
    ?either: both (_OR both)*
    ?both: single (_AND? single)*
    ?single: (_NOT | _MINUS) single -> without
           | atom
    ?atom: "(" start ")"
         | FIELD atom -> field
         | TOPIC -> topic
         | QUOTED -> quoted
         | STARRED -> starred
         | EXACT -> exact
         | BARE -> bare

    _AND: /&&?/
    _OR: /\|\|?/
    _MINUS: /(?<![^\s(&|])-(?=[^\s-])/
    _BUT_NOT.3: /%|but\s+not(?![\w-])/i
    TOPIC.3: /topic:[\w-]+/i
    FIELD.2: /[^\W\d_]\w*:/
    STARRED.1: /{WORD}[*!](?![\w*!])/
    EXACT: /#(?>{WORD})(?![\w*!-])/
    BARE: /{WORD}(?:[-._]+{WORD})*\.?/
    QUOTED: /"[^"]*"/
    BLANK: /[\s{INVISIBLE}]+/
    %declare _NOT
    %ignore BLANK
"""


def parse(text: str, *, limits: Limits = FROM_CHATS) -> Query:
    """Read a query; raise `QueryError` with a sentence, a position and a corrected example."""
    try:
        return _read(text, limits)
    except QueryError as flaw:
        raise QueryError(flaw.sentence, flaw.position, _advice(flaw.hint, limits)) from None


def point_at(error: QueryError, text: str) -> str:
    """Show where in `text` the error is: the line of text, and a caret under the place."""
    window = 60
    start = max(0, error.position - window // 2)
    line = straighten(text)[start : start + window]
    return f"{line}\n{' ' * (error.position - start)}^"


def _advice(corrected: str, limits: Limits) -> str:
    """Offer a corrected text, if it is one; else an example."""
    try:
        _read(corrected, limits)
    except QueryError:
        return _EXAMPLE
    return f"Try: {corrected.strip()}"


# From here on the hint of a QueryError is the corrected text, or nothing.


def _read(text: str, limits: Limits) -> Query:
    if len(text) > limits.characters:
        raise QueryError(
            f"The query has {len(text):,} characters; {limits.characters:,} are allowed.", limits.characters
        )
    plain = straighten(text)
    _refuse_deep_brackets(plain, limits)
    try:
        query = cast("Query", _parser().parse(plain))
    except UnexpectedCharacters as error:
        raise _bad_sign(plain, cast("int", error.pos_in_stream)) from None
    except UnexpectedToken as error:
        raise _misplaced(plain, error) from None
    _refuse_excess(query, limits)
    return query


def _refuse_deep_brackets(plain: str, limits: Limits) -> None:
    if plain.count("(") <= limits.nesting:
        return
    depth = 0
    quoted = False
    for position, sign in enumerate(plain):
        quoted ^= sign == '"'
        depth += 0 if quoted else (sign == "(") - (sign == ")")
        if depth > limits.nesting:
            raise QueryError(f"Brackets are nested too deep; {limits.nesting} levels are allowed.", position)


def _refuse_excess(query: Query, limits: Limits) -> None:
    """Check what can only be seen on the tree. The canonical text must pass as well as the one typed."""
    if wants_nothing(query):
        raise QueryError("This would match everything. Add at least one word to look for.")
    terms = sum(1 for _ in leaves(query))
    if terms > limits.terms:
        raise QueryError(f"The query has {terms} words and phrases; {limits.terms} are allowed.")
    if nesting(query) > limits.nesting:
        raise QueryError(f"Brackets are nested too deep; {limits.nesting} levels are allowed.")
    length = len(show(query))
    if length > limits.characters:
        raise QueryError(f"Written out, the query has {length:,} characters; {limits.characters:,} are allowed.")


@cache
def _parser() -> Lark:
    """Build the parser at its first use: it takes a tenth of a second."""
    return Lark(
        _GRAMMAR,
        parser="lalr",
        lexer="basic",
        transformer=SimpleNamespace(
            either=any_of,
            both=all_of,
            without=lambda parts: negate(parts[0]),
            without_later=lambda parts: all_of((parts[0], negate(parts[1]))),
            field=_field,
            topic=_topic,
            quoted=_quoted,
            starred=_starred,
            exact=_exact,
            bare=_bare,
        ),
        lexer_callbacks={"BARE": _operator},
    )


# --- building the tree: each function gets what its rule found ------------------------------------------------------


def _operator(token: Token) -> Token:
    name = token.lower()
    return token.update(type=f"_{name.upper()}") if name in OPERATORS else token


def _field(parts: tuple[Token, Query]) -> Query:
    token, inner = parts
    name = token[:-1].lower()
    if name == "topic":
        raise QueryError("Write topic: and the topic's name together, for example topic:tps.", _at(token))
    if name != "title":
        near = difflib.get_close_matches(name, _FIELDS, n=1)
        told = f"Did you mean {near[0]}:?" if near else f"There are {' and '.join(f'{field}:' for field in _FIELDS)}."
        raise QueryError(f'There is no field "{token[:_ECHOED]}". {told}', _at(token))
    if any(isinstance(node, Field | TopicRef) for node in walk(inner)):
        raise QueryError(f"A field or a topic cannot stand inside {name}:.", _at(token))
    return Field(name, inner)


def _topic(parts: tuple[Token]) -> Query:
    return TopicRef(parts[0].partition(":")[2].lower())


def _quoted(parts: tuple[Token]) -> Query:
    (token,) = parts
    if "*" in token:
        raise QueryError(
            'A "*" inside quotes is not understood.', _at(token) + token.index("*"), token.replace("*", "")
        )
    words = _words(token)
    if not words:
        raise QueryError("There is no word between these quotes.", _at(token))
    return in_order(words)


def _starred(parts: tuple[Token]) -> Query:
    (token,) = parts
    (text,) = _words(token)
    if len(normalize(text)) < PREFIX_LETTERS:
        raise QueryError(f'At least {PREFIX_LETTERS} letters must stand before "{token[-1]}".', _at(token))
    return Prefix(text)


def _exact(parts: tuple[Token]) -> Query:
    (text,) = _words(parts[0])
    return Exact(text)


def _bare(parts: tuple[Token]) -> Query:
    return in_order(_words(parts[0]))


def _words(token: Token) -> list[str]:
    words = [spell(found.group()) for found in words_in(token)]
    for word in words:
        # Some letters become several when made small or composed: such a word would not be read again as it is shown.
        if not word.isascii() and [found.group() for found in words_in(word)] != [word]:
            raise QueryError(f'"{word[:_ECHOED]}" is not a word that can be looked for.', _at(token))
    return words


def _at(token: Token) -> int:
    return token.start_pos or 0


# --- saying what is wrong -------------------------------------------------------------------------------------------


def _bad_sign(plain: str, position: int) -> QueryError:
    sign = plain[position]
    before, after = plain[:position].rstrip(), plain[position + 1 :].lstrip()
    match sign:
        case '"':
            return QueryError(f"The quote opened at position {position + 1} is not closed.", position, f'{plain}"')
        case "-":
            return QueryError('A "-" must touch the word that it leaves out.', position, f"{before} -{after}")
        case "*" | "!":
            return QueryError(f'A "{sign}" can only end one plain word.', position, f"{before} {after}")
        case "#":
            return QueryError('A "#" must stand before one plain word.', position, f"{before} {after}")
        case ",":
            return QueryError("A comma is not part of the language.", position, f"{before} OR {after}")
        case _:
            return QueryError(
                f'The sign "{sign}" is not part of the language.', position, _quote_around(plain, position)
            )


def _quote_around(plain: str, position: int) -> str:
    """Put what stands between two blanks around a sign in quotes, where only the words in it count."""
    start = plain.rfind(" ", 0, position) + 1
    end = plain.find(" ", position)
    end = len(plain) if end < 0 else end
    return f'{plain[:start]}"{plain[start:end]}"{plain[end:]}'


def _misplaced(plain: str, error: UnexpectedToken) -> QueryError:
    token: Token = error.token
    stack: Sequence[object] = error.state.value_stack
    before = stack[-1] if stack else None
    place = len(plain.rstrip()) if token.type == "$END" else _at(token)
    if isinstance(before, Token) and before.type in _WAITING:
        return QueryError(f"Something must follow {_name(before)}.", place, _without(plain, before))
    if before is None:
        return _bad_start(plain, token, place)
    if isinstance(before, Token) and before.type == "LPAR":
        return _bad_bracket(plain, before, token, place)
    if token.type == "$END":
        return QueryError('A ")" is missing at the end.', place, f"{plain.rstrip()})")
    return QueryError('This ")" closes nothing.', place, _without(plain, token))


def _bad_start(plain: str, token: Token, place: int) -> QueryError:
    match token.type:
        case "$END":
            return QueryError("The query is empty.", place)
        case "RPAR":
            return QueryError('This ")" closes nothing.', place, _without(plain, token))
        case _:
            return QueryError(f"The query starts with {_name(token)}.", place, _without(plain, token))


def _bad_bracket(plain: str, bracket: Token, token: Token, place: int) -> QueryError:
    match token.type:
        case "$END":
            return QueryError('Something must follow "(".', place, _without(plain, bracket))
        case "RPAR":
            return QueryError("There is nothing between these brackets.", place, _without(plain, bracket, token))
        case _:
            return QueryError(f"This bracket starts with {_name(token)}.", place, _without(plain, token))


def _name(token: Token) -> str:
    return token.upper() if token[0].isalpha() and token[-1] != ":" else f'"{token[:_ECHOED]}"'


def _without(plain: str, *tokens: Token) -> str:
    """Leave tokens out of a text, to offer what remains."""
    for token in reversed(tokens):
        plain = f"{plain[: _at(token)].rstrip()} {plain[_at(token) + len(token) :].lstrip()}"
    return plain.strip()
