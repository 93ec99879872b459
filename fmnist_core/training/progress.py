"""Progress: a run's step counter, the figures of the current and the best epoch, and its clock."""

import time

import torch
from torch import Tensor

from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.training.checkpoint import Counters

_REPORT_EVERY_S = 0.3  # often enough for a moving chart, rarely enough to cost little


class Progress:
    """How far a run has come. Call `plan` first."""

    def __init__(self) -> None:
        self.step = 0
        self.report_every_step = False
        self.best_epoch: int | None = None
        self.best_test_accuracy = 0.0
        self._best_validation_accuracy = -1.0
        self._tested_epochs = 0
        self._epoch_loss, self._epoch_right, self._epoch_images = 0.0, 0, 0
        self._unread: list[tuple[Tensor, Tensor, Tensor]] = []  # loss, logits and labels of steps since the last report
        self._images_since_report = 0
        self._elapsed_s = self._reported_s = 0.0
        self._running_since_s: float | None = None

    def plan(self, steps_per_epoch: int, epochs: int) -> None:
        """Sets the length of the run."""
        self._steps_per_epoch, self._total_steps = steps_per_epoch, steps_per_epoch * epochs
        self._first_step, self._first_s = self.step, self._elapsed_s

    @property
    def epoch(self) -> int:
        """The current epoch, counted from 1."""
        return self._tested_epochs + 1

    @property
    def step_in_epoch(self) -> int:
        """Steps completed in the current epoch."""
        return self.step - self._tested_epochs * self._steps_per_epoch

    @property
    def elapsed_s(self) -> float:
        """Seconds of training, without the time that the clock was stopped."""
        running_s = 0.0 if self._running_since_s is None else time.perf_counter() - self._running_since_s
        return self._elapsed_s + running_s

    @property
    def remaining_s(self) -> float:
        """Expected seconds to the end, at the pace since this process started."""
        return (self.elapsed_s - self._first_s) / max(1, self.step - self._first_step) * (self._total_steps - self.step)

    def start_clock(self) -> None:
        self._running_since_s = time.perf_counter()

    def stop_clock(self) -> None:
        self._elapsed_s, self._running_since_s = self.elapsed_s, None

    def count_step(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Counts a step; its loss and logits are copied from the device at the next report."""
        self.step += 1
        self._unread.append((loss, logits, labels))

    def is_due(self) -> bool:
        """Whether it is time for a report."""
        is_first_or_last = self.step == 1 or self.step_in_epoch == self._steps_per_epoch
        return self.report_every_step or is_first_or_last or self.elapsed_s - self._reported_s >= _REPORT_EVERY_S

    def take_losses(self) -> tuple[float, ...]:
        """The loss of each step since the last call; adds these steps to the figures of their epoch."""
        losses = torch.stack([loss for loss, _, _ in self._unread]).tolist()  # one wait for the device per report, not per step
        predictions = torch.cat([logits for _, logits, _ in self._unread]).argmax(dim=1)
        self._epoch_right += int((predictions == torch.cat([labels for _, _, labels in self._unread])).sum())
        for loss, (_, _, labels) in zip(losses, self._unread, strict=True):
            self._epoch_loss += loss * len(labels)
        self._epoch_images += len(predictions)
        self._images_since_report += len(predictions)
        self._unread.clear()
        return tuple(losses)

    def take_pace(self) -> float:
        """Images per second since the last call."""
        now_s = self.elapsed_s
        pace = self._images_since_report / max(1e-9, now_s - self._reported_s)
        self._images_since_report, self._reported_s = 0, now_s
        return pace

    def end_epoch(self) -> tuple[float, float]:
        """The mean loss and the accuracy over the epoch's images; the next epoch starts from zero."""
        means = self._epoch_loss / self._epoch_images, self._epoch_right / self._epoch_images
        self._epoch_loss, self._epoch_right, self._epoch_images = 0.0, 0, 0
        self._tested_epochs += 1
        return means

    def note_best(self, epoch: int, tested: Evaluation, validated: Evaluation | None) -> bool:
        """Whether this epoch has the highest validation accuracy so far; without validation images the latest epoch counts."""
        if validated is None:
            self.best_test_accuracy = tested.accuracy
            return False
        if validated.accuracy <= self._best_validation_accuracy:
            return False
        self._best_validation_accuracy, self.best_test_accuracy, self.best_epoch = validated.accuracy, tested.accuracy, epoch
        return True

    def count(self, rate_scale: float, last_rate: float, averaged_steps: int) -> Counters:
        """The counters for a checkpoint; the arguments are counters kept elsewhere."""
        return Counters(
            step=self.step,
            tested_epochs=self._tested_epochs,
            epoch_loss=self._epoch_loss,
            epoch_right=self._epoch_right,
            epoch_images=self._epoch_images,
            best_epoch=self.best_epoch,
            best_validation_accuracy=self._best_validation_accuracy,
            best_test_accuracy=self.best_test_accuracy,
            elapsed_s=self.elapsed_s,
            rate_scale=rate_scale,
            last_rate=last_rate,
            averaged_steps=averaged_steps,
        )

    def check(self, counters: Counters) -> None:
        """Raises ValueError unless the counters can be those of a run with this many steps per epoch; call `plan` first."""
        step_in_epoch = counters.step - counters.tested_epochs * self._steps_per_epoch
        has_no_images = step_in_epoch == self._steps_per_epoch and counters.epoch_images == 0
        if not 0 <= step_in_epoch <= self._steps_per_epoch or has_no_images:
            raise ValueError(f"step {counters.step} after {counters.tested_epochs} epochs of {self._steps_per_epoch} steps")

    def restore(self, counters: Counters) -> None:
        """Continues from the counters of a checkpoint."""
        self.step, self._tested_epochs = counters.step, counters.tested_epochs
        self._epoch_loss, self._epoch_right = counters.epoch_loss, counters.epoch_right
        self._epoch_images, self.best_epoch = counters.epoch_images, counters.best_epoch
        self._best_validation_accuracy = counters.best_validation_accuracy
        self.best_test_accuracy = counters.best_test_accuracy
        self._elapsed_s = self._reported_s = self._first_s = counters.elapsed_s
        self._first_step = self.step
