"""Examples to try with one click: test images and drawings."""

import functools

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.split import Split
from pages.parts.components.image_wall.image_wall import show_image_wall
from pages.parts.predict.drawing_pad import make_doodle, show_example
from pages.parts.shared.url_state import set_choice

_TEST_ITEMS = (0, 1, 2, 13, 18, 23)
_DOODLES = (("T-shirt/top", 3), ("Dress", 5), ("Coat", 2), ("Bag", 4), ("Sandal", 1), ("Ankle boot", 6))


@functools.cache
def _draw_doodles() -> NDArray[np.uint8]:
    """The doodles, (N, 28, 28); a class that clicks on Predict spent 3 % of the server's time on drawing them again and again."""
    return np.stack([make_doodle(name, number, 28) for name, number in _DOODLES])


def show_examples(split: Split) -> None:
    """Six test images and six doodles as buttons in one row."""
    items = [index for index in _TEST_ITEMS if index < len(split)]
    labels = [f"Test item {index}, {split.class_names[split.labels[index]]}" for index in items]
    labels += [f"Drawing: {name}" for name, _ in _DOODLES]

    def open_example(index: int) -> None:
        if index < len(items):
            set_choice("source", "Test item")
            set_choice("item", items[index])
        else:
            show_example(*_DOODLES[index - len(items)])

    images = np.concatenate([split.images[items], _draw_doodles()])
    show_image_wall(images, labels, key="examples", title="Examples to try", on_pick=open_example, columns=12, in_one_row=True)
