"""HTML → plain text with paragraph breaks.

No markup passes: what a feed wants shown in bold or as a link is for no chat of ours to obey. References are
decoded once, here; what still looks like markup or a reference afterwards was meant to be read as such.

Not built on `html.parser`: on hostile or cut input that takes quadratic time (300 KB of `<a ` keep it busy for
minutes), and it reads unclosed tags and scripts differently from one Python to the next. This reads every
character a bounded number of times.
"""

from __future__ import annotations

import re
from html import unescape

_LINES = frozenset({"br", "li", "tr", "dt", "dd", "option"})
_PARAGRAPHS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "caption", "details", "dialog", "div", "dl", "fieldset"}
    | {"figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "main"}
    | {"menu", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "title", "ul"}
)
_CELLS = frozenset({"td", "th"})
_UNSEEN = {
    name: re.compile(rf"</{name}(?![a-z0-9])[^>]*>?", re.IGNORECASE)
    for name in ("script", "style", "template", "iframe", "object", "svg", "math")
}

_START = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
_TAG_END = re.compile(r"""(?:[^"'>]++|"[^"]*"|'[^']*')*+>""")
_ATTRIBUTE = re.compile(r"\s+[a-zA-Z-]+\s*=")
_LINE_END = re.compile("[\n\r\f\v\x1c-\x1e\x85\u2028\u2029]")
_LONG_REFERENCE = re.compile("&#[0-9]{8,};?")  # no character; and `int` refuses very long ones


def plain(html: str) -> str:
    """Reduce HTML to text: paragraphs parted by a blank line, lines of lists and tables by a line break."""
    reader = _Reader(html)
    while (at := html.find("<", reader.at)) != -1:
        reader.take(at)
    reader.say(html[reader.at :])
    return _folded("".join(reader.pieces))


def _folded(text: str) -> str:
    """Fold white space within lines, and empty lines into one."""
    lines = [" ".join(line.split()) for line in text.split("\n")]
    kept = [line for index, line in enumerate(lines) if line or (index and lines[index - 1])]
    return "\n".join(kept).strip()


class _Reader:
    """Walks from tag to tag. `at` is where it stands; line feeds in `pieces` are breaks, never white space."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.at = 0
        self.pieces: list[str] = []
        self._quotes_close = True

    def say(self, text: str) -> None:
        self.pieces.append(unescape(_LONG_REFERENCE.sub("\ufffd", _LINE_END.sub(" ", text))))

    def take(self, at: int) -> None:
        """Read up to the `<` at `at`, and past what it begins."""
        self.say(self.html[self.at : at])
        self.at = at
        if start := _START.match(self.html, at):
            self._take_tag(start)
        elif self.html.startswith("<!--", at):
            self._skip_past("-->", at + 4)
        elif self.html.startswith("<![CDATA[", at):
            end = self.html.find("]]>", at)
            self.say(self.html[at + 9 : None if end == -1 else end])
            self._skip_past("]]>", at)
        elif self.html.startswith(("<!", "<?", "</"), at):
            self._skip_past(">", at)
        else:
            self.say("<")
            self.at += 1

    def _take_tag(self, start: re.Match[str]) -> None:
        end = self._end_of_tag(start.end())
        if end == -1:  # cut in the middle: a tag with attributes is dropped, anything else may be a mere "<"
            self.say("" if _ATTRIBUTE.match(self.html, start.end()) else self.html[self.at :])
            self.at = len(self.html)
            return
        self.at = end
        name, closes = start[1].lower(), start[0].startswith("</")
        self._break(name, closes=closes)
        if name in _UNSEEN and not closes and self.html[end - 2] != "/":
            close = _UNSEEN[name].search(self.html, end)
            self.at = close.end() if close else len(self.html)

    def _end_of_tag(self, at: int) -> int:
        """Where the tag ends. Once quotes turn out not to pair, they no longer hide a `>`: one long look is enough."""
        if self._quotes_close:
            if found := _TAG_END.match(self.html, at):
                return found.end()
            self._quotes_close = False
        return self.html.find(">", at) + 1 or -1

    def _skip_past(self, mark: str, at: int) -> None:
        end = self.html.find(mark, at)
        self.at = len(self.html) if end == -1 else end + len(mark)

    def _break(self, name: str, *, closes: bool) -> None:
        if name in _PARAGRAPHS:
            self.pieces.append("\n\n")
        elif name in _LINES and not closes:
            self.pieces.append("\n")
        elif name in _CELLS:
            self.pieces.append(" ")
