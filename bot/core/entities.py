"""Does an answer declare entities of its own? No honest feed needs to; bombs and thefts of files are made of them."""

from __future__ import annotations

_DECLARATION = "<!ENTITY"
_ENCODINGS = ("ascii", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_FORMS = tuple(_DECLARATION.encode(encoding) for encoding in _ENCODINGS)


def declares_entities(body: bytes) -> bool:
    """Say whether an entity is declared anywhere in it, in any encoding that a parser of XML knows by itself."""
    return any(form in body for form in _FORMS)
