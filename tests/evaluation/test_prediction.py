import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation import prediction
from fmnist_core.evaluation.prediction import compute_logits, eval_mode, evaluate, predict
from fmnist_core.network.fast import fast_forward
from fmnist_core.network.inputs import normalise
from fmnist_core.network.model import FashionCNN
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.state import draw_network


def test_evaluate_counts_what_the_network_answers(small_splits: tuple[Split, Split]) -> None:
    model = draw_network(TrainConfig())
    test = small_splits[1]
    evaluation = evaluate(model, test)
    model.eval()
    logits = model(normalise(test.images))
    np.testing.assert_array_equal(evaluation.predictions, logits.argmax(dim=1).numpy())
    assert evaluation.loss == pytest.approx(functional.cross_entropy(logits, torch.as_tensor(test.labels).long()).item(), rel=1e-5)
    assert evaluation.confusion.sum() == len(test)


@pytest.mark.parametrize("training", [True, False])
def test_the_models_mode_and_statistics_are_left_alone(training: bool, small_splits: tuple[Split, Split]) -> None:
    model = FashionCNN().train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    probabilities = predict(model, small_splits[1].images[:5])
    assert model.training is training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_no_images_give_no_logits() -> None:
    assert compute_logits(FashionCNN(), np.zeros((0, 28, 28), np.uint8)).shape == (0, 10)


@pytest.mark.parametrize("images", [np.zeros((1, 1, 28, 28), np.uint8), np.zeros((2, 28, 27), np.uint8), np.zeros((2, 28, 28), np.float32)])
def test_other_shapes_and_types_are_refused(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be uint8 images \(N, 28, 28\)"):
        predict(FashionCNN(), images)


def test_probabilities_are_means_over_all_views(small_splits: tuple[Split, Split]) -> None:
    model = draw_network(TrainConfig())
    test = small_splits[1]
    framed = np.pad(test.images, ((0, 0), (1, 1), (1, 1)))
    moved = [framed[:, 1 + y : 29 + y, 1 + x : 29 + x] for y, x in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))]
    of_each_view = [predict(model, np.ascontiguousarray(images[:, :, ::turn])) for images in moved for turn in (1, -1)]
    for views, number in (("one", 1), ("mirrored", 2), ("mirrored-and-shifted", 10)):
        evaluation = evaluate(model, test, views=views)  # type: ignore[arg-type]
        expected = np.mean(of_each_view[:number], axis=0)
        np.testing.assert_allclose(evaluation.probabilities, expected, rtol=1e-4)
        own = expected[np.arange(len(test)), test.labels]
        assert evaluation.loss == pytest.approx(float(-np.log(own).mean()), rel=1e-4)


def test_a_quick_look_in_bfloat16_is_nearly_the_same(small_splits: tuple[Split, Split]) -> None:
    model = draw_network(TrainConfig())
    exact, quick = (predict(model, small_splits[1].images, precision) for precision in ("float32", "bfloat16"))
    assert not np.array_equal(exact, quick)
    np.testing.assert_allclose(quick, exact, atol=0.02)


def test_images_are_classified_alike_together_and_alone(small_splits: tuple[Split, Split]) -> None:
    """The last of 401 images is computed in a pass of its own."""
    model, images = draw_network(TrainConfig()), small_splits[0].images[:401]
    logits = compute_logits(model, images)
    assert (logits.shape, logits.dtype, logits.requires_grad) == ((401, 10), torch.float32, False)
    for i in (0, 199, 200, 399, 400):
        torch.testing.assert_close(logits[i : i + 1], compute_logits(model, images[i : i + 1]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(compute_logits(model, torch.from_numpy(images)), logits)


def test_probabilities_are_the_softmax_of_the_logits(small_splits: tuple[Split, Split]) -> None:
    model, images = draw_network(TrainConfig()), small_splits[1].images[:20]
    logits = compute_logits(model, images).double().exp()
    np.testing.assert_allclose(predict(model, images), logits / logits.sum(dim=1, keepdim=True), rtol=1e-5)


def test_a_mode_comes_back_after_an_error() -> None:
    model = FashionCNN().train()
    modes = []

    def fail() -> None:
        with eval_mode(model):
            modes.append((model.training, torch.is_grad_enabled()))
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    modes.append((model.training, torch.is_grad_enabled()))
    assert modes == [(False, False), (True, True)]


def test_an_evaluation_has_the_splits_labels_and_names(small_splits: tuple[Split, Split]) -> None:
    split = Split("test", small_splits[1].images[:30], small_splits[1].labels[:30], tuple("abcdefghij"))
    evaluation = evaluate(draw_network(TrainConfig()), split)
    np.testing.assert_array_equal(evaluation.labels, split.labels)
    assert evaluation.class_names == tuple("abcdefghij")


def moved(image: NDArray[np.uint8], down: int, right: int) -> NDArray[np.uint8]:
    """An image moved by whole pixels; what enters is black."""
    result = np.zeros_like(image)
    height, width = image.shape
    result[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = image[
        max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)
    ]
    return result


@pytest.mark.parametrize(("views", "number"), [("mirrored", 2), ("mirrored-and-shifted", 10)])
def test_an_image_is_shown_in_these_views(views: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is, a pixel up, down, left and right, and each of these mirrored."""
    images = np.random.default_rng(0).integers(1, 256, (3, 28, 28), np.uint8)
    shown: list[NDArray[np.uint8]] = []

    def note(_model: FashionCNN, seen: NDArray[np.uint8], _precision: str) -> NDArray[np.float32]:
        shown.append(seen)
        return np.full((3, 10), 0.1, np.float32)

    monkeypatch.setattr(prediction, "predict", note)
    evaluate(FashionCNN(), Split("test", images, np.zeros(3, np.uint8)), views=views)  # type: ignore[arg-type]
    places = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)][: number // 2]
    expected = [np.stack([moved(image, down, right) for image in images])[:, :, ::turn] for down, right in places for turn in (1, -1)]
    assert sorted(view.tobytes() for view in shown) == sorted(view.tobytes() for view in expected)
    assert all(view.flags.c_contiguous for view in shown)


def test_over_several_views_probabilities_are_averaged_and_not_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    of_each = iter([np.eye(10, dtype=np.float32)[[3]] * 0.7 + 0.03, np.eye(10, dtype=np.float32)[[5]] * 0.9 + 0.01])
    monkeypatch.setattr(prediction, "predict", lambda *_: next(of_each))
    evaluation = evaluate(FashionCNN(), Split("test", np.zeros((1, 28, 28), np.uint8), np.array([3], np.uint8)), views="mirrored")
    expected = np.full(10, 0.02)
    expected[[3, 5]] = (0.73 + 0.01) / 2, (0.03 + 0.91) / 2
    np.testing.assert_allclose(evaluation.probabilities[0], expected, rtol=1e-6)
    assert evaluation.loss == pytest.approx(-np.log(0.37), rel=1e-5)


@pytest.mark.parametrize("views", ["one", "mirrored"])
def test_the_precision_reaches_the_network(views: str, small_splits: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def note(model: FashionCNN, precision: str) -> object:
        asked.append(precision)
        return fast_forward(model, precision)

    monkeypatch.setattr(prediction, "fast_forward", note)
    few = Split("test", small_splits[1].images[:4], small_splits[1].labels[:4])
    evaluate(draw_network(TrainConfig()), few, views=views, precision="bfloat16")  # type: ignore[arg-type]
    predict(draw_network(TrainConfig()), few.images)
    assert asked == ["bfloat16"] * (1 if views == "one" else 2) + ["float32"]
