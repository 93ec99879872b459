import pytest

from fmnist_core.settings.changes import find_changes, read_changes, write_changes
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import PRESETS, Preset, find_preset

ARTICLE = find_preset("article").config


def test_changes_by_name() -> None:
    assert find_changes(TrainConfig(epochs=7, seed=3), TrainConfig()) == {"epochs": 7, "seed": 3}
    assert find_changes(ARTICLE, ARTICLE) == {}


@pytest.mark.parametrize("base", [preset.config for preset in PRESETS], ids=lambda config: str(config.epochs))
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_written_changes_are_read_back(preset: Preset, base: TrainConfig) -> None:
    """Every preset as changes to every other: numbers, choices, switches and settings that may be empty, both ways."""
    text = write_changes(preset.config, base)
    assert read_changes(text, base) == preset.config
    assert (text == "") == (preset.config == base)


def test_changes_as_the_text_in_a_link() -> None:
    changed = TrainConfig(epochs=7, left_out_class=3, shuffled_labels=True, learning_rate=0.01)
    assert write_changes(changed, TrainConfig()) == "epochs=7&learning_rate=0.01&shuffled_labels=True&left_out_class=3"
    assert write_changes(TrainConfig(), changed) == "epochs=5&learning_rate=0.001&shuffled_labels=False&left_out_class="


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("speed=7", "There is no setting 'speed'."),
        ("epochs=many", "invalid literal"),
        ("epochs=", "invalid literal"),
        ("epochs=0", "The number of epochs 0 is out of range"),
        ("learning_rate=fast", "could not convert"),
        ("learning_rate=1000", "The learning rate 1000 is far too high"),
        ("shuffled_labels=maybe", "must be true or false, not 'maybe'"),
        ("optimizer=magic", "The optimizer 'magic' is not known"),
    ],
)
def test_invalid_text_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_changes(text, TrainConfig())
