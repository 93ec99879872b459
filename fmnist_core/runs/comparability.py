"""Whether the training losses of runs mean the same, or were computed in different ways."""

from collections.abc import Sequence

from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.declaration import as_decimal


def losses_differ(configs: Sequence[TrainConfig]) -> str:
    """A sentence on why the training losses of these runs cannot be compared; "" if they can, or if there are fewer than two.

    Test losses are computed in the same way for all runs.
    """
    reasons = [
        reason
        for reason, values in (
            ("smoothed labels", {config.label_smoothing for config in configs}),
            ("shuffled labels", {config.shuffled_labels for config in configs}),
            ("fewer classes", {config.left_out_class for config in configs}),
            ("images changed at random", {config.augmentation for config in configs}),
        )
        if len(values) > 1
    ]
    if not reasons:
        return ""
    listed = reasons[0] if len(reasons) == 1 else f"{', '.join(reasons[:-1])} and {reasons[-1]}"
    return (
        f"These training losses are not computed in the same way, because not all of these runs have {listed}: "
        "a higher one need not be worse. Compare the test losses instead."
    )


def own_loss_differs(config: TrainConfig) -> str:
    """A sentence on why a run's own training loss cannot be compared with its test loss; "" if it can."""
    if config.label_smoothing:
        return (
            f"Its training loss is measured against smoothed labels ({as_decimal(config.label_smoothing)}), "
            "which even a perfect network cannot bring to 0; its test loss is measured against the true ones."
        )
    if config.shuffled_labels:
        return "Its training loss is measured against shuffled labels, its test loss against the true ones."
    return ""
