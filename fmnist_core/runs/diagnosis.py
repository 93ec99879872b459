"""Explains a run in plain sentences, from its own figures: `diagnose`."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.results import read_evaluation
from fmnist_core.settings.config import suggest_learning_rate
from fmnist_core.settings.declaration import as_decimal
from fmnist_core.settings.number_words import count, format_loss
from fmnist_core.training.events import EpochDone

Kind = Literal["diverged", "not-moving", "memorising", "noisy", "blind-to-class", "learned"]

GUESSING_LOSS = math.log(10)  # 2.30, if all ten classes are considered equally likely
GUESSING_ACCURACY = 0.1

# Each threshold lies between measured runs with and without the fault, on 10,000 images (100 to 200 steps of 100).
# With BatchNorm the loss stays finite at any learning rate. With SGD at 30 it rose to 3e16 and ended at 45; at 3 it rose to 6e7 and
# ended at 2.37. With Adam at 1 it rose to 1,030 and ended at 2.13; at 0.1 it rose to 78 but ended at 0.75, so that run did learn.
# With a batch of one, the first ten losses have a median of 4.4, and the worst single image had 12.
_FAR_ABOVE_GUESSING = 3 * GUESSING_LOSS  # 6.9; no run that was merely slow or noisy came near
_BLOWN_UP = 10 * GUESSING_LOSS  # 23; shuffled labels with a reasonable rate of 0.01 came to 11
# Adam at 1e-6 ended at 2.18 with a test accuracy of 20 %, at 1e-5 at 1.56 with 62 %; SGD at 1e-5 at 1.84 with 50 %.
_NEAR_GUESSING = 0.85 * GUESSING_LOSS  # 1.96
LITTLE_KNOWN = 0.35  # test accuracy, because strong label smoothing keeps the loss of a good network near that of guessing
_AWAY = 0.03 * GUESSING_LOSS  # rates of 1e-8 to 1e-6 started at 2.30 to 2.32 on average, shuffled labels at 2.46 or higher
_CERTAIN = 3.0  # standard errors
# Training and test accuracy: 100 and 74 % with 100 images, 100 and 10 % with shuffled labels, 93 and 90 % in the article's run.
_MEMORISING_GAP = 0.10
_SLIGHT_GAP = 0.05
_SETTLED_STEPS = 50  # in earlier steps BatchNorm's running averages lag behind, and test accuracy looks worse than it is
# The scatter of the losses divided by their mean, in the second half of a run: 1.8 with batches of 1, 1.2 of 2, 0.94 of 4, 0.67 of 8 and
# 0.18 of 100. It also grows when the loss is small (1.0 at a loss of 0.04, with 100 images in batches of 5), hence the second threshold.
_NOISE_SHARE = 0.8
_NOISE = 0.3
_SMALL_BATCH = 16
# A class left out has a recall of 0.00; the weakest that was merely hard, shirts after a hundred steps, had 0.19.
_BLIND_RECALL = 0.02
_OTHERS_RECALL = 0.5
_STILL_IMPROVING = 0.003  # one standard error of an accuracy of 90 % on 10,000 test images
_FADED_RATE = 0.1  # of the highest learning rate
_WINDOW = 10  # the fewest steps for a mean loss; longer runs use a tenth of their steps


@dataclass(frozen=True)
class Finding:
    """One observation about a run.

    Attributes:
        kind: its name.
        sentence: what happened, with the run's own numbers, why, and what to try, in two to four sentences.
    """

    kind: Kind
    sentence: str


@dataclass(frozen=True)
class _Figures:
    """A run's figures; None where one is not known.

    Attributes:
        losses: one per step or, in a run of many, the last of each stride, because means scatter less. None is missing.
        means: one per step, or the mean of each stride.
        stride: in steps.
        first: the first loss that is known.
        peak: the highest loss of all, and its step.
    """

    run: RunRecord
    losses: NDArray[np.float64]
    means: NDArray[np.float64]
    stride: int
    first: float
    peak: tuple[float, int]
    epochs: list[EpochDone]
    steps: int
    rate: float
    rates: tuple[float, ...]
    train_images: int
    train_accuracy: float | None
    test_accuracy: float | None
    reported_accuracy: float | None
    confusion: NDArray[np.int64] | None
    class_names: tuple[str, ...]

    @property
    def window(self) -> int:
        """Strides for a mean loss."""
        return max(_WINDOW, len(self.losses) // 10)

    @property
    def start(self) -> float:
        return float(self.means[: self.window].mean())

    @property
    def end(self) -> float:
        return float(self.means[-self.window :].mean())

    @property
    def is_comparable(self) -> bool:
        """Whether the reported accuracy was measured as it is after each epoch: several views of an image, taken at the end, add to it."""
        return self.run.config.test_views == "one"

    @property
    def blind(self) -> list[int]:
        """Classes that the network does not recognise although it recognises the others."""
        if self.confusion is None:
            return []
        images = self.confusion.sum(axis=1)
        recall = np.diag(self.confusion) / np.maximum(images, 1)
        is_blind = (images > 0) & (recall <= _BLIND_RECALL)
        others = (images > 0) & ~is_blind
        return [] if not others.any() or recall[others].mean() < _OTHERS_RECALL else np.flatnonzero(is_blind).tolist()


def diagnose(run: RunRecord, history: RunHistory) -> tuple[Finding, ...]:
    """What the figures of a paused or ended run show, the most important first; empty while there is too little to say.

    If a run diverged or did not move, it is the only finding; "learned" means that nothing is wrong. Settings only help to name causes.
    """
    figures = _collect(run, history)
    for fault in (_find_diverged, _find_not_moving):
        found = fault(figures)
        if found:
            return (Finding(*found),)
    findings = [found for found in (_find_memorising(figures), _find_blind(figures), _find_noisy(figures)) if found]
    if not findings:
        learned = _find_learned(figures)
        findings = [learned] if learned else []
    return tuple(Finding(*found) for found in findings)


_Found = tuple[Kind, str] | None


def _collect(run: RunRecord, history: RunHistory) -> _Figures:
    samples, means = history.losses.samples, history.losses.means
    is_known = np.isfinite(samples)  # losses are missing if a process was killed
    losses, means = samples[is_known], means[is_known]
    last = history.epochs[-1] if history.epochs else None
    train_check = history.finished.train_accuracy if history.finished is not None else None
    train_accuracy = last.train_accuracy if last is not None and train_check is None else train_check
    saved = None if run.is_live else read_evaluation(run.folder)
    changed = tuple(change.learning_rate for change in history.rate_changes)
    return _Figures(
        run=run,
        losses=losses,
        means=means,
        stride=history.losses.stride,
        first=history.losses.first if np.isfinite(history.losses.first) or not len(means) else float(means[0]),
        peak=history.losses.peak,
        epochs=history.epochs,
        steps=len(history.losses),
        rate=changed[-1] if changed else run.config.learning_rate,
        rates=(run.config.learning_rate, *changed),
        train_images=history.started.train_images,
        train_accuracy=train_accuracy,
        test_accuracy=None if last is None else last.test_accuracy,
        reported_accuracy=run.test_accuracy if saved is None else saved.accuracy,
        confusion=None if saved is None else saved.confusion,
        class_names=() if saved is None else saved.class_names,
    )


# Faults


def _find_diverged(figures: _Figures) -> _Found:
    losses = figures.losses
    if figures.run.state == "diverged":
        return "diverged", f"{figures.run.message} {_tell_rise(figures)}".strip()
    if len(losses) < 2:
        return None
    peak, _ = figures.peak
    if len(losses) < _WINDOW:
        ended = float(losses[-1])
        diverged = ended > _BLOWN_UP
    else:
        ended = float(np.median(losses[-figures.window :]))
        diverged = ended > _FAR_ABOVE_GUESSING or (peak > _BLOWN_UP and ended > _NEAR_GUESSING and not _knows_something(figures))
    if not diverged:
        return None
    if ended > _FAR_ABOVE_GUESSING:
        outcome = f"and ended at {format_loss(ended)}, far worse than guessing at random, which gives {GUESSING_LOSS:.2f}"
    else:
        outcome = f"and then stayed at {format_loss(ended)}, no better than guessing at random, which gives {GUESSING_LOSS:.2f}"
    rate = max(figures.rates)
    return "diverged", (
        f"{_tell_rise(figures)[:-1]}, {outcome}. Every step was so long that it overshot and landed further away, "
        f"until the weights were too large to recover. The learning rate of {as_decimal(rate)} is too high: "
        f"try {as_decimal(suggest_learning_rate(rate))}."
    )


def _tell_rise(figures: _Figures) -> str:
    peak, step = figures.peak
    if len(figures.losses) < 2 or peak <= GUESSING_LOSS:
        return ""
    return f"The loss rose from {format_loss(figures.first)} to {format_loss(peak)} at step {step:,}."


def _find_not_moving(figures: _Figures) -> _Found:
    if len(figures.losses) < 2 * _WINDOW or figures.end < _NEAR_GUESSING or _knows_something(figures) or _gap(figures) >= _MEMORISING_GAP:
        return None
    start, end = format_loss(figures.start), format_loss(figures.end)
    level = f"After {figures.steps:,} steps the loss is {end}; it started at {start}, and guessing gives {GUESSING_LOSS:.2f}."
    if figures.test_accuracy is not None:
        level += f" The network classifies {_percent(figures.test_accuracy)} of the test images correctly; guessing gives 10 %."
    fall = figures.start - figures.end
    below = GUESSING_LOSS - figures.end
    certain = _CERTAIN * _scatter(figures.losses) * math.sqrt(2 / (figures.window * figures.stride))
    if fall > certain and below > certain:
        why = f"The loss does fall, but by only {fall:.2f} in {figures.steps:,} steps: the steps are too short."
    elif _highest_mean(figures) > GUESSING_LOSS + _AWAY:
        return "not-moving", (
            f"{level} The weights did change, since the loss rose to {format_loss(_highest_mean(figures))} on the way, "
            f"but the network found nothing in the images that predicts their labels. {_tell_labels(figures)}"
        )
    else:
        why = f"The loss has hardly moved, by {abs(fall):.2f}: the steps are so short that the weights have barely changed."
    return "not-moving", f"{level} {why} {_suggest_longer_steps(figures)}"


def _suggest_longer_steps(figures: _Figures) -> str:
    usual = 0.01 if figures.run.config.optimizer == "sgd" else 0.001
    if figures.rate < usual / 3:
        return f"The learning rate of {as_decimal(figures.rate)} is too low: try {as_decimal(usual)}."
    return "Give it more epochs, or try a learning rate ten times as high."


def _tell_labels(figures: _Figures) -> str:
    if figures.run.config.shuffled_labels:
        return "There is nothing to find: the labels were shuffled. More epochs would only let it memorise the images."
    return "Check that the labels match the images; if they do, try a learning rate a tenth as high."


def _find_memorising(figures: _Figures) -> _Found:
    gap = _gap(figures)
    if gap < _MEMORISING_GAP or figures.train_accuracy is None:
        return None
    known = _known_accuracy(figures)
    images = f"its {count(figures.train_images, 'training image')}" if figures.train_images else "its training images"
    told = (
        f"The network classifies {_percent(figures.train_accuracy)} of {images} correctly, but only {_percent(known)} of the test images, "
        f"which it never saw: a gap of {100 * gap:.0f} points."
    )
    if known < 2 * GUESSING_ACCURACY:
        reason = "they were shuffled" if figures.run.config.shuffled_labels else "check that they match the images"
        return "memorising", (
            f"{told} Guessing gives 10 %: it memorised its images one by one and understood nothing. "
            f"The labels say nothing about what the images show: {reason}."
        )
    return "memorising", (
        f"{told} It memorised its images rather than what such items have in common{_tell_turn(figures)}. "
        "Try more training images, images changed at random (augmentation), or fewer epochs."
    )


def _tell_turn(figures: _Figures) -> str:
    """The epoch after which the test loss rose, if it rose by a twentieth."""
    tested = [epoch.test_loss for epoch in figures.epochs]
    best = int(np.argmin(tested)) if tested else 0
    if not tested or tested[-1] < 1.05 * tested[best]:
        return ""
    lowest, now = format_loss(tested[best]), format_loss(tested[-1])
    return f"; its test loss was lowest after epoch {figures.epochs[best].epoch}, at {lowest}, and is now {now}"


def _find_blind(figures: _Figures) -> _Found:
    if not figures.blind or figures.confusion is None:
        return None
    sentences = []
    for blind in figures.blind:
        row = figures.confusion[blind]
        name, images = figures.class_names[blind], int(row.sum())
        instead = [int(i) for i in np.argsort(-row, kind="stable")[:4] if i != blind and row[i]][:3]
        called = _list([f"{figures.class_names[i]} ({row[i]:,})" for i in instead])
        right = "none" if row[blind] == 0 else f"only {row[blind]:,}"
        sentences.append(f"Of {count(images, 'test image')} of the class {name}, the network recognised {right}: it called them {called}.")
    left_out = figures.run.config.left_out_class
    if figures.blind == [left_out]:
        why = "It never saw one during training, and a network can only give answers it has learned. Train it with all classes."
    else:
        why = "Check that there are enough such images among the training images, and that their labels are correct."
    share = _others_accuracy(figures.confusion, figures.blind)
    return "blind-to-class", f"{' '.join(sentences)} {why} On the other classes it is {_percent(share)} accurate."


def _find_noisy(figures: _Figures) -> _Found:
    late = figures.losses[len(figures.losses) // 2 :]
    if len(late) < _WINDOW:
        return None
    scatter, level = _scatter(late), float(figures.means[len(figures.means) // 2 :].mean())
    if scatter < _NOISE or scatter < _NOISE_SHARE * level:
        return None
    size = figures.run.config.batch_size
    if size <= _SMALL_BATCH:
        seen = "one image" if size == 1 else f"{size} images"
        why = f"Each step sees only {seen}, and a hard one pulls all weights its way. Try a larger batch, such as 100."
    else:
        why = f"Try a learning rate lower than {as_decimal(figures.rate)}."
    known = ""
    if figures.reported_accuracy is not None:
        learned = "It still learned: it classifies " if figures.reported_accuracy >= _OTHERS_RECALL else "It classifies only "
        known = f" {learned}{_percent(figures.reported_accuracy)} of the test images correctly."
    return "noisy", f"The loss jumps by {format_loss(scatter)} from step to step, while its mean is {format_loss(level)}. {why}{known}"


def _find_learned(figures: _Figures) -> _Found:
    accuracy = figures.reported_accuracy if figures.reported_accuracy is not None else figures.test_accuracy
    if accuracy is None:
        return None
    told = f"The network classifies {_percent(accuracy)} of the test images correctly"
    if figures.run.best_epoch is not None:
        told += f" with the weights of epoch {figures.run.best_epoch}"
    if figures.train_accuracy is not None:
        told += f", and {_percent(figures.train_accuracy)} of its training images"
    gap = _gap(figures)
    if gap >= _SLIGHT_GAP:
        return "learned", f"{told}. It is starting to memorise its images{_tell_turn(figures)}: {_advise_variety(figures)}"
    return "learned", f"{told}. {_tell_prospects(figures)}"


def _advise_variety(figures: _Figures) -> str:
    if figures.run.config.augmentation == "none":
        return "more epochs will hardly help, but images changed at random (augmentation) may."
    return "more epochs will hardly help."


def _tell_prospects(figures: _Figures) -> str:
    rates = [epoch.learning_rate for epoch in figures.epochs if epoch.learning_rate is not None]
    if rates and rates[-1] < _FADED_RATE * max(*rates, figures.run.config.learning_rate):
        return "Its steps became shorter and shorter, as planned, and it has settled: to improve further, plan a new run with more epochs."
    if len(figures.epochs) < 2:
        return "It has seen each image only once: more epochs will help."
    tested = _tested_accuracies(figures)
    gain = tested[-1] - max(tested[:-1])
    if gain > _STILL_IMPROVING:
        return f"The last epoch still gained {100 * gain:.1f} points: more epochs will help."
    best = int(np.argmax(tested))
    if best < len(tested) - 1:
        when = f"after epoch {figures.epochs[best].epoch}"
        if figures.is_comparable:
            when += f", {_percent(tested[best])}"
        return f"It was at its best {when}: more epochs like these add little."
    return f"The last epoch gained only {100 * gain:.1f} points: more epochs like these add little."


# Figures and words


def _tested_accuracies(figures: _Figures) -> list[float]:
    """Test accuracy after each epoch, and that of the weights in use if they are those of an epoch cut short and better than any."""
    tested = [epoch.test_accuracy for epoch in figures.epochs]
    reported, is_cut_short = figures.reported_accuracy, figures.steps > figures.epochs[-1].step
    if is_cut_short and figures.is_comparable and reported is not None and reported > max(tested):
        tested.append(reported)
    return tested


def _knows_something(figures: _Figures) -> bool:
    known = [accuracy for accuracy in (figures.test_accuracy, figures.reported_accuracy) if accuracy is not None]
    return any(accuracy >= LITTLE_KNOWN for accuracy in known)


def _known_accuracy(figures: _Figures) -> float:
    """Test accuracy; if some classes are not recognised at all, that of the others."""
    assert figures.test_accuracy is not None
    if not figures.blind or figures.confusion is None:
        return figures.test_accuracy
    return max(figures.test_accuracy, _others_accuracy(figures.confusion, figures.blind))


def _others_accuracy(confusion: NDArray[np.int64], blind: list[int]) -> float:
    """Of the test images of all other classes, the share classified correctly."""
    others = np.delete(np.arange(len(confusion)), blind)
    return float(np.diag(confusion)[others].sum() / max(1, confusion[others].sum()))


def _gap(figures: _Figures) -> float:
    """How much higher training accuracy is than test accuracy; 0 while it is too early to tell."""
    if figures.train_accuracy is None or figures.test_accuracy is None or figures.steps < _SETTLED_STEPS:
        return 0.0
    return figures.train_accuracy - _known_accuracy(figures)


def _scatter(losses: NDArray[np.float64]) -> float:
    """The standard deviation of the losses around their trend: that of successive differences, divided by √2."""
    return float(np.sqrt(np.mean(np.diff(losses) ** 2) / 2))


def _highest_mean(figures: _Figures) -> float:
    sums = np.cumsum(np.concatenate([[0.0], figures.means]))
    return float((sums[figures.window :] - sums[: -figures.window]).max()) / figures.window


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _list(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
