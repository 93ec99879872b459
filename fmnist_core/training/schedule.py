"""The learning rate of each step."""

from fmnist_core.settings.config import TrainConfig


def scheduled_rate(config: TrainConfig, step: int, steps: int) -> float:
    """The learning rate of a step.

    With "one-cycle", the rate rises linearly from a tenth of its maximum over the first seventh of the steps, then falls
    linearly to a thousandth. Steps after the schedule, in epochs that were added later, use a tenth of the maximum.

    Args:
        step: counted from 0.
        steps: the length of the whole schedule.
    """
    highest = config.learning_rate
    if config.schedule == "constant":
        return highest
    if step >= steps:
        return highest / 10
    rising = max(1, round(steps / 7))
    if step < rising:
        return _interpolate(highest / 10, highest, step / rising)
    return _interpolate(highest, highest / 1000, (step - rising) / max(1, steps - 1 - rising))


def _interpolate(start: float, end: float, share: float) -> float:
    return start + (end - start) * share
