"""Text that others wrote, as it is handed to Streamlit; tests/browser/test_hostile_texts.py checks how a browser shows it."""

import pytest

from pages.parts.shared.wording import escape

JOINER = "\u2060"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Team blue 7", "Team blue 7"),
        ("![x](y)", r"\!\[x\]\(y\)"),
        ("**a** _b_ `c` ~~d~~", r"\*\*a\*\* \_b\_ \`c\` \~\~d\~\~"),
        ("<b>&lt;", r"\<b\>\&lt\;"),
        ("$x^2$ {{7}} |", r"\$x\^2\$ \{\{7\}\} \|"),
        ("# a\n- b\n\n1. c", r"\# a \- b 1\. c"),
        ("back\\slash", r"back\\slash"),
        ("\u202ea\x00\x1bb", "ab"),
        ("👩\u200d🔬", "👩\u200d🔬"),
    ],
)
def test_what_markdown_would_read_gets_a_backslash(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("http://a", rf"http\:{JOINER}\/\/a"),
        ("www.a WWW.b", rf"www{JOINER}\.a WWW{JOINER}\.b"),
        ("a@b", rf"a\@{JOINER}b"),
        (":smile:", rf"\:{JOINER}smile\:"),
        ("a: b", r"a\: b"),
        ("->", rf"\-{JOINER}\>"),
        ("<->", rf"\<{JOINER}\-{JOINER}\>"),
        ("-- >= <= ~=", rf"\-{JOINER}\- \>{JOINER}\= \<{JOINER}\= \~{JOINER}\="),
        ("a-b=c", r"a\-b\=c"),
    ],
)
def test_what_streamlit_looks_for_after_markdown_is_broken_by_a_joiner(text: str, escaped: str) -> None:
    assert escape(text) == escaped
