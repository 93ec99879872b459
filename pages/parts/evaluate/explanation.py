"""One test image, what the network predicts for it, how sure it is of each class, and which pixels spoke for its prediction."""

import html

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.figures.images import png_url, tint_attribution
from fmnist_core.insight.attribution import occlude
from fmnist_core.runs.record import RunRecord
from pages.parts.shared.cached import explain, model_or_stop


def show_explanation(run: RunRecord, evaluation: Evaluation, split: Split, index: int) -> None:
    """Shows one test image with the network's answer to it, in a column of its own."""
    names, label, predicted = evaluation.class_names, int(evaluation.labels[index]), int(evaluation.predictions[index])
    shares, image = evaluation.probabilities[index], split.images[index]
    st.subheader(f"Test image {index}: {names[label]}", anchor=False)
    if predicted == label:
        verdict = f"<b>✓ Correct.</b> The network says <b>{html.escape(names[label])}</b>, {_percent(shares[label])}."
    else:
        verdict = (
            f"<b>✗ Wrong.</b> The network says <b>{html.escape(names[predicted])}</b>, {_percent(shares[predicted])}. "
            f"The label is <b>{html.escape(names[label])}</b>, to which it gives {_percent(shares[label])}."
        )
    pictures = [_picture(image, f"Test image {index}, {names[label]}, enlarged", "What it sees")]
    model = model_or_stop(run)  # the answers are kept for these very weights, so it can be read
    attribution = explain("pixels", run, image, predicted, lambda: occlude(model, image, predicted))
    share = float((attribution > 0).mean())
    alt = f"The same image; {100 * share:.0f} % of its pixels, in orange, speak for {names[predicted]}, those in blue against it"
    pictures.append(_picture(tint_attribution(image, attribution), alt, f"Orange speaks for {names[predicted]}, blue against"))
    body = f'<div class="pictures">{"".join(pictures)}</div><p>{verdict}</p>{_bars(shares, names, label, predicted)}'
    st.html(f'<div class="explanation">{body}</div>')


def _picture(pixels: NDArray[np.uint8], alt: str, caption: str) -> str:
    words = f"<figcaption>{html.escape(caption)}</figcaption>"
    return f'<figure><img src="{png_url(pixels)}" alt="{html.escape(alt)}">{words}</figure>'


def _bars(shares: NDArray[np.float32], names: tuple[str, ...], label: int, predicted: int) -> str:
    """Ten bars as a table, so that a screen reader reads names and numbers."""
    rows = []
    for i, (name, share) in enumerate(zip(names, shares, strict=True)):
        note = " (label)" if i == label else ""
        chosen = ' class="predicted"' if i == predicted else ""
        bar = f'<span class="bar" style="width: {100 * share:.0f}%"></span>'
        rows.append(f'<tr{chosen}><th scope="row">{html.escape(name)}{note}</th><td>{bar}</td><td>{_percent(share)}</td></tr>')
    return f"<table><caption>Probability of each class</caption><tbody>{''.join(rows)}</tbody></table>"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u00a0%"
