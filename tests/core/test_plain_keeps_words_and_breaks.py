"""HTML → text: every word that a reader would see, breaks where they are, nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.plain import plain

CASES = {
    "": "",
    "plain": "plain",
    "  two \t words\n": "two words",
    "<p>One.</p><p>Two.</p>": "One.\n\nTwo.",
    "<p>One\ntwo</p>\n\n<p> three </p>": "One two\n\nthree",
    "One<br>two<BR/>three<br />four": "One\ntwo\nthree\nfour",
    "One<br><br>two": "One\n\ntwo",
    "<div>One</div>two<div>three</div>": "One\n\ntwo\n\nthree",
    "<h1>Head</h1>text": "Head\n\ntext",
    "<ul><li>one</li><li>two</li></ul>after": "one\ntwo\n\nafter",
    "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>": "a b\nc",
    "<b>bo</b>ld, <a href='https://x.example/?a=1&b=2'>a link</a>": "bold, a link",
    "a &amp; b &lt;c&gt; &#8217;&#x2019;&rsquo; &nbsp;d": "a & b <c> ’’’ d",
    "AT&amp;amp;T": "AT&amp;T",
    "Tom & Jerry &unknown; &": "Tom & Jerry &unknown; &",
    "&#0; &#xD800; &#x110000; &#99999999999999999999;": "� � � �",
    "5 < 6 > 4, a<3, <>": "5 < 6 > 4, a<3, <>",
    "before<script>if (a < b) { '<p>' }</script>after": "beforeafter",
    "before<STYLE type='x'>p > a {}</STYLE >after": "beforeafter",
    "before<script>never closed": "before",
    "before</script>after": "beforeafter",
    "before<svg><title>icon</title></svg>after": "beforeafter",
    "before<iframe src='x'>fallback</iframe>after": "beforeafter",
    "<scripture>kept</scripture>": "kept",
    "a<!-- comment <p> -->b<!-- open": "ab",
    "a<![CDATA[b <i>c]]>d": "ab <i>cd",
    "a<?php echo ?>b<!doctype html>c</>d": "abcd",
    "<p title='a > b'>text</p>": "text",
    '<p title="it\'s">text</p>': "text",
    "cut in a tag <a href='https://x.example/": "cut in a tag",
    "cut <b and not a tag": "cut <b and not a tag",
    "Ñandú <i>año</i> 日本": "Ñandú año 日本",
}


@pytest.mark.parametrize("html", CASES)
def test_html_becomes_the_text_that_is_seen(html: str) -> None:
    assert plain(html) == CASES[html]


HTML = st.lists(
    st.sampled_from(["<p>", "</p>", "<br>", "<li>", "<a href='x>", '<a b=">', "<script>", "</script>", "<!--", "-->"])
    | st.sampled_from(
        ["&amp;", "&lt;", "&#39", "<![CDATA[", "]]>", "<", ">", "'", '"', " ", "\n", "\xa0", "word", "<b"]
    )
    | st.text(max_size=5)
).map("".join)


def test_a_number_that_is_too_long_for_a_number_is_no_character() -> None:
    assert plain(f"a&#{'9' * 10_000};b") == "a\ufffdb"


@given(HTML)
def test_the_result_is_folded_text(html: str) -> None:
    text = plain(html)
    assert text == text.strip()
    assert "\n\n\n" not in text
    for line in text.split("\n"):
        assert line == " ".join(line.split())


@given(st.lists(st.text(alphabet=st.characters(categories=["L", "N", "P"], exclude_characters="<&"), min_size=1)))
def test_no_word_is_lost(words: list[str]) -> None:
    assert plain("".join(f"<p class='x'>{word}<br/>" for word in words)).split() == [
        part for word in words for part in word.split()
    ]


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece",
    ["<a ", "<a b='", "<a b=\"'>", '<a ">"', "<!--", "<![CDATA[", "</", "<!", "<?", "<", "&", "&#", "&a", "<p>", " \n"],
)
def test_hostile_html_takes_time_in_proportion(piece: str) -> None:
    assert len(plain(piece * 100_000)) <= len(piece) * 100_000  # quadratic time would be minutes
