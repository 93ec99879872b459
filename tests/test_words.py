"""Phrases that read as if they were translated, or that replace a term of the field, must not come back.

The list is a sample, not a style guide; every phrase in it used to be common in this project.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Between two words: white space, also across lines of a comment, of a docstring or of a string in several parts.
_GAP = r"""(?:[\s#*/]|"\s*\n\s*f?")+"""
_SUFFIXES = {".py", ".js", ".css", ".html", ".md"}
_UNIT = "step|second|epoch|line|row|session|module"
_COUNTED = r"\d|ms|s|KB|MB|images?|pictures?|steps?|seconds?|events?|objects?|dictionary|lines?|files?|one|two|eight"


@dataclass(frozen=True)
class Habit:
    """A phrase to avoid.

    Attributes:
        pattern: a regular expression for the phrase: its spaces match any gap, its case is ignored, and it only matches whole words.
        better: what to write instead.
        caught: a sentence that has the phrase.
        allowed: a similar sentence that is fine, if the pattern could be mistaken for it.
    """

    pattern: str
    better: str
    caught: str
    allowed: str = ""

    def find(self, text: str) -> Iterator[tuple[int, str]]:
        """The number of each line in which the phrase begins, and the phrase; in names, underscores count as spaces."""
        expression = re.compile(rf"(?<!\w)(?:{self.pattern.replace(' ', _GAP)})(?!\w)", re.IGNORECASE)
        for match in expression.finditer(text.replace("_", " ")):
            yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split())


HABITS = (
    Habit("anew", "again, or re-: rewritten, redrawn", "Each page is drawn anew."),
    Habit("(?:go|goes|going|gone|went) on", "continue; for a run: resume", "It goes on where it last saved."),
    Habit(r"all the same(?=\s*[.,;:?!])", "still, or anyway", "Can the loss fall all the same?", "They have all the same shape."),
    Habit("by heart", "memorise", "It begins to know its images by heart."),
    Habit("without a word", "unexpectedly, or without a message", "Its process ended without a word."),
    Habit("(?:break|breaks|broke|broken) off", "diverge, stop, or be interrupted", "The run broke off in epoch 3."),
    Habit("last word", "final status", "Room for a last word on a full disk."),
    Habit(r"puts? (?:\w+ )?away", "unload, or close", "It was put away to free its memory."),
    Habit("(?:take|takes|took|taken|taking) away", "remove; for a file: download", "Files to take away."),
    Habit("taken as", "treated as", "The picture was taken as a drawing."),
    Habit(
        r"taken for|(?:take|takes|took|taking) (?:\w+ ){1,2}for (?:a|an|one|another)",
        "mistake for, confuse with, or treat as",
        "What is taken for what, and who takes coats for a pullover.",
        "It takes ten seconds for this.",
    ),
    Habit(
        r"(?:answers|answered|answering) (?:(?!is|are|was|were)[\w%.,]+ ){0,6}?(?:right|wrong|wrongly)",
        "classify correctly, or wrongly",
        "It answers 90.12 % of the test images right.",
        "All answers are right.",
    ),
    Habit("answered as", "classified as", "A shirt answered as a coat."),
    Habit("(?:two|ten) looks|with one look", "views; the method is test-time augmentation", "Accuracy with ten looks at each image."),
    Habit("watched (?:images?|items?)", "probes", "The answers to twenty watched images."),
    Habit(
        rf"(?:{_COUNTED})\san?\s(?:{_UNIT})",
        "per, as in 3 ms per step, images per second, one object per line",
        "It trains 13,000 images a second, in 7 ms a step, and prints an object a line.",
        "It takes one step after another, at a second look.",
    ),
    Habit(
        "so-and-so many|(?:in|of|for|after|by|first|until it has) so many",
        "this many, or a name such as N",
        "From black to the picture in so many steps.",
        "There are so many that it takes long.",
    ),
    Habit("such an? one|such ones", "name it again", "There is no such one, and no such a one."),
    Habit("what (?:is|was|it had|it has) learned (?:stays|is kept|remains)", "the weights are kept", "What it had learned is kept."),
    Habit("what is left of", "the rest of", "What is left of this schedule is scaled."),
    Habit("what (?:came|comes|becomes) of", "the result of, or the outcome of", "What came of a run, in words."),
    Habit(r"what (?:\w+ ){1,3}makes? of", "the output of … for, or how … responds to", "What both blocks make of an item."),
    Habit("is one too many", "exceeds the limit", "This picture is one too many."),
    Habit("(?:find|found|finds) back", "recover", "It is too large to find back."),
    Habit("sees? to (?:its|the|that)", "check, or make sure", "See to its permissions."),
    Habit("changes? places", "is inverted, or is swapped", "Bright and dark change places."),
    Habit(r"turn(?:s|ed)? (?:\w+ and \w+ )?round", "invert, or inverted", "You chose to turn bright and dark round."),
    Habit("laid (?:on|over)", "slid over, or overlaid", "A patch was laid on every place in turn."),
    Habit("made small", "shrunk, or reduced", "A picture that is just made small."),
    Habit("counted off", "subtracted from", "Counted off the mean."),
    Habit("(?:do|does) not care", "ignore", "White weights do not care."),
    Habit("(?:bring|brings|brought) (?:little|nothing)|still brought", "add, or gain", "More epochs bring little."),
    Habit(
        r"(?<!there\s)(?:is|are|was|were) no (?:numbers?|pictures?|files?|folders?|jpeg|drawing|cell|array|text)",
        "is not a",
        "A loss that is no number.",
        "There is no picture yet.",
    ),
    Habit("cannot be told(?! apart)", "could not be sent", "The run cannot be told.", "Two runs cannot be told apart."),
    Habit("with fewer words", "with less overhead", "Adam's step, called with fewer words."),
    Habit("(?:takes?|taking) its time", "is slow, or its time grows with", "GrabCut takes its time."),
    Habit("in a mirror", "mirrored", "As it is, or in a mirror."),
    Habit("by turns", "in turn, or alternately", "All are measured by turns."),
    Habit("more seldom", "less often", "The more seldom pages are drawn."),
    Habit("(?:where|if) (?:that|it) is asked for", "on request, or if the settings say so", "Redrawn where that is asked for."),
    Habit("heed(?:s|ed|ing)?", "carry out", "The trainer heeds another command."),
    Habit("spare (?:process|one|worker)", "warm worker", "A spare process waits."),
    Habit("but for", "except for", "A picture that is black but for a square."),
    Habit("(?-i:Else)(?!:)", "Otherwise", "Else its tests would compare float32 with itself.", "if a: ... else: ..."),
    Habit(
        "(?-i:Who) (?:looks|reads|wants|takes|trains|chooses|asks)",
        "Anyone who",
        "Who looks at the test images has used them.",
        "It lists who trains.",
    ),
    Habit("(?:stand|stands|stood) (?:beside|above|below|before)", "is next to, or is above", "Counts stand beside their class."),
    Habit(
        "(?:lie|lies|lying) (?:as|beside|side by side)",
        "is stored in this memory layout, or is contiguous",
        "Weights lying as it computes fastest.",
    ),
    Habit("(?:is|are) said(?! to)", "is reported, shown or explained", "An empty drawing is said.", "He is said to be late."),
    Habit("gets? (?:a|its) sentence", "is refused with a reason, or is reported", "A bad upload gets a sentence."),
    Habit("hand(?:s|ed|ing)? on", "copy, or pass", "The kernel hands on its pixel."),
)


def sources() -> list[str]:
    """Every file with sentences to check, relative to the project's folder."""
    folders = [ROOT / folder for folder in ("fmnist_core", "pages", "tests")]
    files = [file for folder in folders for file in folder.rglob("*") if file.suffix in _SUFFIXES and file != Path(__file__)]
    return [file.relative_to(ROOT).as_posix() for file in sorted([ROOT / "README.md", ROOT / "dashboard.py", *files])]


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.caught)
def test_every_habit_is_caught_and_nothing_similar(habit: Habit) -> None:
    assert [line for line, _ in habit.find(f"\n{habit.caught}")][:1] == [2]
    assert list(habit.find(habit.allowed)) == []


def test_a_phrase_is_found_across_lines_and_in_names() -> None:
    habit = next(habit for habit in HABITS if "goes" in habit.pattern)
    texts = [
        '"""It goes\n    on."""',
        "# it goes\n# on",
        '"it goes "\n    f"on"',
        " * It goes\n * on",
        "def test_it_goes_on():",
        "It GOES on.",
    ]
    assert [len(list(habit.find(text))) for text in texts] == [1] * len(texts)
    assert list(habit.find(f"A line.\n{texts[0]}")) == [(2, "goes on")]
    assert not list(habit.find("forgoes one; goes once"))


@pytest.mark.parametrize("name", sources())
def test_sentences_are_free_of_these_phrases(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = [(line, phrase, habit.better) for habit in HABITS for line, phrase in habit.find(text)]
    report = [f'{name}:{line}: "{phrase}"; better: {better}' for line, phrase, better in sorted(found)]
    assert not report, "\n".join(report)
