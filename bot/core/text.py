"""Text for platforms: how long it is for them, where it may be cut, what in it could deceive.

Whole letters are what people see: a letter with its accents, a family of emoji joined into one, a flag. Python
counts code points and platforms count other units, so every cut looks for the edge of a whole letter. The rules
are those of Unicode's extended grapheme clusters (UAX 29), in the few lines that real text needs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

_ELLIPSIS: Final = "…"
_WORD_REACH: Final = 24  # so many characters may be given up to end a cut text with a whole word
_url = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)

_ZWJ: Final = "\u200d"
_ZWNJ: Final = "\u200c"
_FSI: Final = "\u2068"
_PDI: Final = "\u2069"
_VIRAMA: Final = 9  # the combining class of the signs that join two Indic consonants into one

# Never shown: controls but tab and line feed, soft hyphens, zero-width characters, embeddings, overrides and isolates
# of writing direction, interlinear marks, surrogates without their other half, tags (an invisible ASCII).
_never = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_line_end = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_joiner = re.compile(f"[{_ZWNJ}{_ZWJ}]")
_direction_mark = re.compile("[\u061c\u200e\u200f]")
# Scripts whose letters change shape beside a joiner: Arabic, Syriac and their kin; India to Burma; Khmer, Mongolian.
_shaped = re.compile("[\u0600-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc]")


def utf16_len(text: str) -> int:
    """Length in UTF-16 units, as Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int, size: Callable[[str], int]) -> str:
    """Shorten a text to `limit` of whatever `size` counts, ellipsis included; never inside a letter or an address.

    Ends with a whole word where one ends nearby. `size` must not shrink when text is added.
    """
    if size(text) <= limit:
        return text
    if size(_ELLIPSIS) > limit:
        return ""
    end = _fitting(text, limit, size)
    end = _before_address(text, end)
    end = _word_end(text, end)
    while end and not _is_edge(text, end):
        end -= 1
    return text[:end].rstrip() + _ELLIPSIS


def _fitting(text: str, limit: int, size: Callable[[str], int]) -> int:
    """The largest number of characters that fit beside the ellipsis, by halving."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if size(text[:middle] + _ELLIPSIS) <= limit:
            low = middle
        else:
            high = middle - 1
    return low


def _before_address(text: str, end: int) -> int:
    """Move a cut out of a web address, to before it."""
    for address in _url.finditer(text):
        if address.start() < end < address.end():
            return address.start()
        if address.start() >= end:
            break
    return end


def _word_end(text: str, end: int) -> int:
    """Move a cut back to the end of a word, if one is near."""
    if text[end : end + 1].isspace():
        return end
    start = max(0, end - _WORD_REACH)
    spaces = [place for place in range(start + 1, end) if text[place].isspace()]
    return spaces[-1] if spaces else end


def _is_edge(text: str, place: int) -> bool:
    """Say whether a whole letter ends before `place` and another begins there."""
    before, after = text[place - 1], text[place]
    if _extends(after) or before == _ZWJ or (before, after) == ("\r", "\n"):
        return False
    if unicodedata.combining(before) == _VIRAMA:
        return not after.isalpha()
    if _is_flag_half(before) and _is_flag_half(after):
        return _flag_halves_before(text, place) % 2 == 0
    return not _is_one_syllable(before, after)


def _extends(character: str) -> bool:
    """Say whether a character belongs to the letter before it: accents, joiners, skin tones, tags, Thai vowels."""
    return (
        unicodedata.category(character) in {"Mn", "Me", "Mc"}
        or character in "\u200c\u200d\u0e33\u0eb3"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves_before(text: str, place: int) -> int:
    start = place
    while start and _is_flag_half(text[start - 1]):
        start -= 1
    return place - start


def _is_one_syllable(before: str, after: str) -> bool:
    """Say whether two Korean signs stand in one syllable block (or might: an odd pair is better not cut)."""
    if "\u1100" <= before <= "\u115f":  # a leading consonant takes another, a vowel, or a whole syllable
        return "\u1100" <= after <= "\u11a7" or "\uac00" <= after <= "\ud7a3"
    is_korean = "\u1160" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"
    return is_korean and "\u1160" <= after <= "\u11ff"  # vowels and closing consonants belong to what precedes


def clean_controls(text: str) -> str:
    """Drop every character that shows nothing and can deceive; keep those that writing systems need.

    Line ends become line feeds. Joiners stay between emoji and in scripts that they shape (Persian, Hindi). Marks of
    direction stay in lines of Arabic or Hebrew letters, which are then isolated, so that they cannot turn around what
    we write beside them. Idempotent.
    """
    plain = _never.sub("", _line_end.sub("\n", text))
    plain = _joiner.sub(lambda found: found.group() if _is_needed(plain, found.start()) else "", plain)
    return "\n".join(_isolate(line) for line in plain.split("\n"))


def _is_needed(text: str, place: int) -> bool:
    """Say whether the joiner at `place` does its proper work."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if not before or unicodedata.combining(before) == _VIRAMA:
        return bool(before)
    if not after or after.isspace() or _joiner.match(after) or _direction_mark.match(after):
        return False
    if _shaped.match(before):
        return unicodedata.category(before)[0] in "LM"
    return text[place] == _ZWJ and _is_pictured(before) and _is_pictured(after)


def _is_pictured(character: str) -> bool:
    """Say whether a character may stand beside a joiner in an emoji. Newer emoji are unassigned to older Pythons."""
    return unicodedata.category(character) in {"So", "Sk", "Cn"} or character == "\ufe0f"


def _isolate(line: str) -> str:
    if not _direction_mark.search(line):
        return line
    if not any(unicodedata.bidirectional(character) in {"R", "AL"} for character in _direction_mark.sub("", line)):
        return _direction_mark.sub("", line)
    return f"{_FSI}{line}{_PDI}"
