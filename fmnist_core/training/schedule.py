"""The learning rate of each step."""

from fmnist_core.settings.config import TrainConfig


def scheduled_rate(config: TrainConfig, step: int, steps: int) -> float:
    """The learning rate of a step.

    Args:
        step: from 0.
        steps: of the whole schedule. With "one-cycle" the rate rises in a straight line from a tenth of the highest for the first
            seventh and falls in another to a thousandth; steps beyond it, of epochs that were added later, are done at a tenth.
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
