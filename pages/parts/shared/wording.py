"""Runs, times and numbers in words, sentences that several pages share, and escaping of text from users."""

import re
from collections import Counter

from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.setting_words import describe_setting
from fmnist_core.settings.changes import find_changes
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.declaration import as_decimal
from fmnist_core.settings.number_words import count as count  # pages find it here, beside the other words
from fmnist_core.settings.presets import PRESETS, nearest_preset
from fmnist_core.store.text import visible_line

# Once on every page that mentions the article.
ARTICLE = (
    "[Intro to PyTorch with image classification on a fashion clothes dataset]"
    "(https://medium.com/ml2vec/intro-to-pytorch-with-image-classification-on-a-fashion-clothes-dataset-e589682df0c5)"
)


# Where Streamlit would find, after Markdown: `:icon:` and `http://`, an e-mail address, `www.`, and `->`, `--` or `>=`.
_FOUND_LATER = re.compile(r"(?<=:)(?=\S)|(?<=@)|(?i:(?<=www)(?=\.))|(?<=[-<>~])(?=[-=>])")

# What makes a riddle of a learning rate, and what a preset's name says already.
_ALWAYS_NAMED, _NAMED_IF_CHANGED = ("optimizer", "training_images"), ("shuffled_labels", "left_out_class", "augmentation")
_USUAL = TrainConfig()

LOSS = "The **loss** measures how far off the predicted probabilities are: the lower, the better. Guessing gives 2.30."


def format_duration(seconds: float) -> str:
    """A duration such as "8 s" or "2 min 05 s"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def percent(share: float) -> str:
    """A share from 0 to 1 as "90.25 %"."""
    return f"{100 * share:.2f} %"


def describe_run(run: RunRecord, owner: str = "") -> str:
    """A run on one line: name, accuracy, state unless it is finished, settings, and when it was started.

    Args:
        owner: the name of its owner, to be shown after its own.
    """
    parts = ["Starter model (comes with the dashboard)" if run.is_starter else run.name]
    if owner:
        parts.append(f"by {owner}")
    if run.test_accuracy is not None:
        parts.append(percent(run.test_accuracy))
    if run.state != "finished":
        parts.append("in progress" if run.is_live else run.state)
    parts.append(describe_settings(run))
    if not run.is_starter:
        parts.append(f"{run.created_at.astimezone():%d %b %H:%M}")
    return " · ".join(parts)


def describe_settings(run: RunRecord) -> str:
    """The settings of a run on one line; preset, optimizer and number of images are named where they are not the usual ones."""
    config = run.full_config
    preset = nearest_preset(config)
    implied = _USUAL if preset is None else preset.config
    parts = []
    if preset is not None and preset != PRESETS[0]:
        parts.append(preset.name if find_changes(config, preset.config).keys() <= {"seed"} else f"{preset.name} (changed)")
    parts += [count(run.epochs, "epoch"), f"batch {config.batch_size:,}", f"rate {as_decimal(config.learning_rate)}"]
    parts += [describe_setting(name, getattr(config, name)) for name in _ALWAYS_NAMED if getattr(config, name) != getattr(_USUAL, name)]
    parts += [
        describe_setting(name, getattr(config, name)) for name in _NAMED_IF_CHANGED if getattr(config, name) != getattr(implied, name)
    ]
    return ", ".join([*parts, f"seed {config.seed}"])


def distinct_lines(lines: dict[str, str]) -> dict[str, str]:
    """The lines by run id; the id is added to lines that several runs share."""
    counts = Counter(lines.values())
    distinct = {run_id: line if counts[line] == 1 else f"{line} · {run_id}" for run_id, line in lines.items()}
    if len(set(distinct.values())) == len(lines):
        return distinct
    return {run_id: f"{line} · {run_id}" for run_id, line in lines.items()}  # a run's name may be another's line with its id


def escape(text: str) -> str:
    """Text that others wrote, such as a name, a file's name, a part of the link or an error that quotes one, for any text of Streamlit's.

    It is shown as it is, on one line: no link, picture, icon, emoji, colour, formula, list or table is made of it. A backslash before
    every punctuation character is enough for Markdown itself. But Streamlit looks for web and e-mail addresses, icons, emoji and arrows
    once more after Markdown has removed the backslashes; an invisible word joiner (U+2060) inside each keeps them from being found.
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", _FOUND_LATER.sub("\u2060", visible_line(text)))
