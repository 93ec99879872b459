import pytest

from fmnist_core.pictures.kinds import DRAWING, KINDS, PHOTO, READY
from pages.parts.shared.unfamiliarity import describe_unfamiliarity


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_starter", [True, False])
def test_a_familiar_picture_needs_no_words(kind: str, is_starter: bool) -> None:
    assert describe_unfamiliarity("familiar", kind, is_starter=is_starter) == ("", "")


def test_the_starter_model_says_how_often_it_was_wrong_about_such_photographs() -> None:
    title, sentence = describe_unfamiliarity("unusual", PHOTO, is_starter=True)
    assert title == "Unusual for this network."
    assert sentence == (
        "In tests with photographs of clothes it knows, 4 in 10 of its answers to such pictures were wrong, and 1 in 10 of those "
        "to familiar ones."
    )


def test_the_stronger_sentence_adds_that_it_may_be_none_of_the_ten() -> None:
    title, sentence = describe_unfamiliarity("unlike", PHOTO, is_starter=True)
    assert title == "Unlike almost anything this network was trained on."
    assert "6 in 10 of its answers to such pictures were wrong, and 1 in 10" in sentence
    assert sentence.endswith("Things of none of the ten classes look like this too.")


def test_drawings_have_rates_of_their_own() -> None:
    said = [describe_unfamiliarity(level, DRAWING, is_starter=True)[1] for level in ("unusual", "unlike")]
    assert ["3 in 10" in said[0], "4 in 10" in said[1]] == [True, True]
    assert all("drawings of clothes it knows" in sentence for sentence in said)


@pytest.mark.parametrize("kind", [PHOTO, DRAWING, READY])
def test_of_another_network_no_rates_are_quoted(kind: str) -> None:
    mild, strong = (describe_unfamiliarity(level, kind, is_starter=False)[1] for level in ("unusual", "unlike"))
    assert "in 10" not in mild + strong
    assert "more weakly than to 96\u00a0% of its training images" in mild
    assert "more weakly than to 99.5\u00a0% of its training images" in strong
    assert "was measured for the starter model only" in mild
