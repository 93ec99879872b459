"""Fashion-MNIST and one small convolutional network: data, training, evaluation and explanation.

Nothing in here knows of a web page. What a program needs can be imported from here, such as `from fmnist_core import train, load_split`;
it is loaded when it is asked for, so that importing the package alone, or waiting for a turn to train, imports no PyTorch.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fmnist_core.dataset.split import load_split
    from fmnist_core.dataset.torch_dataset import FashionMNISTDataset
    from fmnist_core.evaluation.prediction import evaluate, predict
    from fmnist_core.network.model import FashionCNN
    from fmnist_core.pictures.preparation import prepare
    from fmnist_core.runs.record import load_run
    from fmnist_core.runs.weights import load_model
    from fmnist_core.settings.config import TrainConfig
    from fmnist_core.settings.presets import PRESETS
    from fmnist_core.training.loop import train

__all__ = [
    "PRESETS",
    "FashionCNN",
    "FashionMNISTDataset",
    "TrainConfig",
    "evaluate",
    "load_model",
    "load_run",
    "load_split",
    "predict",
    "prepare",
    "train",
]
_MODULES = {
    "PRESETS": "settings.presets",
    "FashionCNN": "network.model",
    "FashionMNISTDataset": "dataset.torch_dataset",
    "TrainConfig": "settings.config",
    "evaluate": "evaluation.prediction",
    "load_model": "runs.weights",
    "load_run": "runs.record",
    "load_split": "dataset.split",
    "predict": "evaluation.prediction",
    "prepare": "pictures.preparation",
    "train": "training.loop",
}

# PyTorch's threads spin while they wait for each other, by default so long that a second busy process starves them: a step took
# 9.8 ms on two idle cores and 12.2 beside another process with this, 9.9 and 12.8 with the default, 26 and 25 without any spinning.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # read by GNU's OpenMP when PyTorch is imported


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
