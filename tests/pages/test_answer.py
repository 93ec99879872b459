import re

import numpy as np

from fmnist_core.dataset.classes import CLASS_NAMES
from pages.parts.shared.answer import draw_bars


def bars_of(**shares: float) -> str:
    """The ten bars of these probabilities, by the class's index as in _6=0.75."""
    probabilities = np.zeros(10, np.float32)
    for name, share in shares.items():
        probabilities[int(name[1:])] = share
    return draw_bars(probabilities)


def test_the_bars_say_all_ten_probabilities_in_words() -> None:
    (words,) = re.findall('aria-label="([^"]*)"', bars_of(_6=0.75, _0=0.25))
    assert words.startswith("Probability of each class: T-shirt/top 25.0 %, Trouser 0.0 %, ")
    assert words.endswith(", Ankle boot 0.0 %.")
    assert [part.rsplit(" ", 2)[0] for part in words.removeprefix("Probability of each class: ").split(", ")] == list(CLASS_NAMES)


def test_the_bars_are_as_long_as_the_probabilities() -> None:
    assert re.findall(r"width: ([\d.]+)%", bars_of(_6=0.75, _0=0.25)) == ["25.00", *["0.00"] * 5, "75.00", *["0.00"] * 3]


def test_the_most_probable_class_is_marked_by_more_than_colour() -> None:
    names = re.findall(r'class="(row[^"]*)" aria-hidden="true"><span class="name">([^<]*)<', bars_of(_6=0.75, _0=0.25))
    assert [name for css, name in names if css == "row best"] == ["▸ Shirt"]
    assert [name for css, name in names if css == "row"] == [name for name in CLASS_NAMES if name != "Shirt"]
