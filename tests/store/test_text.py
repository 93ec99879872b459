"""What of a text can be seen on one line, and where it may be cut."""

import pytest

from fmnist_core.store.text import fold, shorten, visible_line

SCIENTIST = "👩\u200d🔬"
FAMILY = "👨\u200d👩\u200d👧"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
RAINBOW = "🏳\ufe0f\u200d🌈"


@pytest.mark.parametrize(
    "text",
    [
        "Größe 48 · 👟",
        "日本語 русский עברית العربية",
        SCIENTIST,
        FAMILY,
        RAINBOW,
        SCOTLAND,
        "👍🏽 👍🏿",
        "🇩🇪🇫🇷",
        "1\ufe0f\u20e3",
        "🫨",  # newer than this Python's tables
        "می\u200cخواهم",
        "क\u094d\u200dष",
        "葛\U000e0100飾",
        "e\u0301a\u0323\u0302",
        '![x](http://y) `$x$` <b> &lt; {{7*7}} %s "quoted"',
    ],
)
def test_what_can_be_seen_stays(text: str) -> None:
    assert visible_line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" a\tb\r\n\nc\u00a0\u3000d\u2028e\u2800f ", "a b c d e f"),
        ("c \x07 d", "c d"),
        ("\x1b[31mred\x1b[0m\x00\x7f\x9b", "[31mred[0m"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("\u2067x\u2069\u200e\u200f\u061c", "x"),
        ("pass\u200bword\u00ad\ufeff\u2060", "password"),
        ("\u3164\u115f", ""),
        ("half \ud83d of a pair \ufffe", "half of a pair"),
        ("x\u200d", "x"),
        ("\u200dx", "x"),
        ("a\u200db\u200cc", "abc"),
        ("👩\u200d\u200d🔬", SCIENTIST),
        ("👩\u200d 🔬\u200d", "👩 🔬"),
        ("\ufe0fx \ufe0f", "x"),
        ("\u200d\ufe0f\u200dx", "x"),
        ("👩\u200d\ufe0f", "👩\ufe0f"),
        ("x\U000e0068\U000e0069", "x"),
        ("Z\u0336\u0321\u0327\u031b\u0353\u0354\u0351o", "Z\u0336\u0321\u0327\u031bo"),
        ("ก" + "\u0e47" * 30, "ก" + "\u0e47" * 4),
    ],
)
def test_what_nobody_can_see_goes(text: str, shown: str) -> None:
    assert visible_line(text) == shown
    assert visible_line(shown) == shown


@pytest.mark.parametrize(
    ("line", "most", "kept"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("ab cd", 3, "ab"),
        ("ab" + SCIENTIST, 5, "ab" + SCIENTIST),
        ("ab" + SCIENTIST, 4, "ab"),
        ("ab" + SCIENTIST, 3, "ab"),
        ("a" + FAMILY, 5, "a"),
        ("a👍🏽b", 2, "a"),
        ("a" + SCOTLAND, 7, "a"),
        ("a1\ufe0f\u20e3", 3, "a"),
        ("e\u0301e\u0301", 3, "e\u0301"),
        ("🇩🇪🇫🇷", 3, "🇩🇪"),
        ("🇩🇪🇫🇷x", 4, "🇩🇪🇫🇷"),
        ("می\u200cخ", 3, "م"),
        ("👩" + "\u200d👩" * 3, 4, "👩\u200d👩"),  # there is nothing before it to keep
        ("", 3, ""),
    ],
)
def test_a_cut_leaves_nothing_half(line: str, most: int, kept: str) -> None:
    assert shorten(line, most) == kept


@pytest.mark.parametrize(("line", "alike"), [("ZO\u00cb", "zoe\u0308"), ("Stra\u00dfe", "STRASSE"), ("\uff21", "a"), ("\u0130", "i\u0307")])
def test_lines_that_look_alike_are_the_same_when_folded(line: str, alike: str) -> None:
    assert fold(line) == fold(alike)
    assert fold("a") != fold("b")
