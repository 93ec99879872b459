"""Text that others wrote, as it is handed to Streamlit; tests/browser/test_hostile_texts.py checks how a browser shows it."""

from dataclasses import replace

import pytest

from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import find_preset
from pages.parts.shared.wording import describe_settings, escape
from tests.written_runs import write_run

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


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (find_preset("article").config, "5 epochs, batch 100, rate 0.001, seed 0"),
        (replace(find_preset("quick").config, seed=4), "Quick, 2 epochs, batch 128, rate 0.01, seed 4"),
        (replace(find_preset("quick").config, optimizer="sgd"), "Quick (changed), 2 epochs, batch 128, rate 0.01, SGD, seed 0"),
        (
            find_preset("rate-too-high").config,
            "Learning rate too high, 1 epoch, batch 100, rate 30, SGD, 10,000 images, seed 0",
        ),
        (find_preset("shuffled-labels").config, "Shuffled labels, 15 epochs, batch 10, rate 0.001, 300 images, seed 0"),
        (TrainConfig(shuffled_labels=True, left_out_class=3), "5 epochs, batch 100, rate 0.001, shuffled labels, without Dress, seed 0"),
        (
            TrainConfig(9, 9, 1, 9, "raw", weight_decay=0.5, precision="float32", augmentation="flips-and-shifts"),
            "9 epochs, batch 9, rate 1, mirrored and shifted, seed 9",
        ),
    ],
)
def test_a_run_names_what_makes_its_learning_rate_a_riddle(config: TrainConfig, words: str) -> None:
    assert describe_settings(write_run([], "finished", config=config)) == words
