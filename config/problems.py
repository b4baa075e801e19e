"""What is wrong with the configuration, in the words of its author: a path and a sentence for each problem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.not_yet import keys_of
from config.words import did_you_mean

Problem = tuple[str, str]

_SENTENCES = {
    "missing": "is needed here",
    "bool_parsing": "write true or false; got {input!r}",
    "bool_type": "write true or false; got {input!r}",
    "int_parsing": "write a whole number; got {input!r}",
    "int_type": "write a whole number; got {input!r}",
    "int_from_float": "write a whole number; got {input!r}",
    "string_type": 'write a text in quotation marks, such as "{input}"',
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "too_long": "at most {max_length} characters",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "does not look right: {input!r} should match {pattern}",
    "literal_error": "write {expected}; got {input!r}",
    "enum": "write {expected}; got {input!r}",
    "tuple_type": "write a list in square brackets",
    "model_type": "is a section: write its keys under it",
    "path_type": "write a path in quotation marks; got {input!r}",
}


def place(path: tuple[int | str, ...], under: str = "") -> str:
    """Write a path as people read it: `sources[0].every`."""
    for step in path:
        under += f"[{step}]" if isinstance(step, int) else f".{step}" if under else step
    return under


def told(error: ValidationError, model: type[BaseModel], under: str = "") -> Iterator[Problem]:
    """Say everything that is wrong with what was given to `model`."""
    for detail in error.errors():
        yield place(detail["loc"], under), _sentence(detail, model)


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    if detail["type"] == "extra_forbidden":
        return unknown(str(detail["loc"][-1]), _names(model, detail["loc"][:-1]))
    words: Mapping[str, Any] = {**detail.get("ctx", {}), "input": detail["input"]}
    if detail["type"] == "value_error":
        return str(words["error"])
    return _SENTENCES.get(detail["type"], detail["msg"]).format_map(words)


def unknown(name: str, known: tuple[str, ...]) -> str:
    """Say that nothing by this name can be set, and which name may be meant."""
    return f"not a setting.{did_you_mean(name, known)}"


def doubled(section: str, items: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """Say which items of a list repeat the id of an earlier one."""
    first: dict[object, int] = {}
    for index, item in enumerate(items):
        if "id" in item and first.setdefault(item["id"], index) != index:
            yield f"{section}[{index}].id", f"{item['id']!r} is already the id of {section}[{first[item['id']]}]"


def _names(model: type[BaseModel], path: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the keys that may stand at `path`, those that nothing obeys yet among them."""
    for step in path:
        inner = model.model_fields[str(step)].annotation
        assert isinstance(inner, type)
        assert issubclass(inner, BaseModel)  # nothing else can complain of a key
        model = inner
    return (*model.model_fields, *keys_of(str(path[0]) if path else ""))
