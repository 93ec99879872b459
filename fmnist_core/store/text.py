"""Text that others wrote, such as names, file names and messages, made fit to be shown on one line."""

import re
import unicodedata
from pathlib import PurePath

_LONGEST_PATH = 200
_MOST_MARKS = 4  # on one letter; a higher heap of accents covers the lines above
_SPACES = re.compile(r"[\s\u2800]+")  # the last is a braille cell without dots
# Control characters, which a terminal obeys; halves of a surrogate pair, which UTF-8 cannot write; and noncharacters.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# Unicode's "default ignorable" characters: nobody sees them, but some reverse the direction of writing, and all make two different
# names look alike. Joiners, selectors and tags, which belong to the letter or emoji before them, have rules of their own.
_INVISIBLE = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff]"
)
# Joiners make one picture of several emoji, and shape letters of Persian and Indic scripts; beside ASCII they do nothing.
_JOINERS, _SELECTORS = "\u200c\u200d", "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_LOST_JOINERS = re.compile(
    f"(?:^|(?<= ))[{_JOINERS}{_SELECTORS}]+|(?<=[\x00-\x7f{_JOINERS}])[{_JOINERS}]+|[{_JOINERS}]+(?=[\x00-\x7f{_SELECTORS}]|$)"
)
# Tags spell which flag a black flag stands for, such as that of Scotland.
_LOST_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007f]+")
# The skin colours and tags, which change the emoji before them. A flag is a pair of letters of an alphabet of its own.
_MODIFIERS = re.compile("[\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_HALF_A_FLAG = re.compile("(?<![\U0001f1e6-\U0001f1ff])(?:[\U0001f1e6-\U0001f1ff]{2})*[\U0001f1e6-\U0001f1ff]$")


def visible_line(text: str) -> str:
    """The text on one line, without what nobody can see.

    White space of any length becomes one space. Control characters are dropped, and so are characters that are invisible or reverse the
    direction of writing. Joined emoji, flags, and the joiners of Persian and Indic scripts stay. Of more than four accents on a letter,
    four stay.
    """
    line = _SPACES.sub(" ", text)
    for dropped in (_CONTROLS, _INVISIBLE, _LOST_TAGS, _LOST_JOINERS):
        line = dropped.sub("", line)
    line = _SPACES.sub(" ", line).strip()
    return line if line.isascii() else _lower_heaps(line)


def shorten(line: str, most: int) -> str:
    """At most this many characters of a visible line; what is drawn as one, such as a joined emoji, is kept or dropped as a whole."""
    end = min(most, len(line))
    while 0 < end < len(line) and _is_inside(line, end):
        end -= 1
    return line[: end or most].rstrip(f" {_JOINERS}")  # a single emoji that is longer is cut


def fold(line: str) -> str:
    """What lines that look alike have in common: case does not count, nor whether "ë" is one character or a letter and an accent."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", line).casefold())


def shorten_path(path: PurePath) -> str:
    """A path as part of a sentence: of one with more than 200 characters, its beginning and its end."""
    text = str(path)
    return text if len(text) <= _LONGEST_PATH else f"{text[: _LONGEST_PATH // 2]}…{text[-_LONGEST_PATH // 2 :]}"


def _lower_heaps(line: str) -> str:
    kept, height = [], 0
    for character in line:
        height = height + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if height <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def _is_inside(line: str, index: int) -> bool:
    """Whether the characters before and after this index are drawn as one."""
    before, after = line[index - 1], line[index]
    if before in _JOINERS or after in _JOINERS or unicodedata.category(after).startswith("M") or _MODIFIERS.match(after):
        return True
    return "\U0001f1e6" <= after <= "\U0001f1ff" and _HALF_A_FLAG.search(line[:index]) is not None
