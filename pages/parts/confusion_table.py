"""The confusion matrix as a table of buttons: right under a mouse, a finger and the keyboard."""

from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

_HTML = """
<p class="said"></p>
<div class="scroll"><table><thead></thead><tbody></tbody></table></div>
"""
_CSS = """
.said { margin: 0 0 4px; font: 14px/1.4 var(--st-font); color: var(--st-text-color); }
.scroll { overflow-x: auto; padding: 3px; }
table { width: 100%; border-collapse: separate; border-spacing: 2px; font: 14px var(--st-font); color: var(--st-text-color); }
th { font-weight: 500; padding: 2px 4px; }
th.axis { font-weight: 600; text-align: left; }
tbody th.axis { writing-mode: vertical-rl; rotate: 180deg; padding: 0; text-align: right; }
thead th:not(.axis) { width: 9%; vertical-align: bottom; font-size: 12px; }
tbody th:not(.axis) { text-align: right; white-space: nowrap; position: sticky; left: 0;
  z-index: 1; background: var(--st-background-color); }
td { padding: 0; }
button { display: block; width: 100%; min-width: 48px; height: 38px; padding: 0; border: 1px solid var(--st-border-color);
  border-radius: 3px; cursor: pointer; font: inherit; font-variant-numeric: tabular-nums; color: inherit;
  background: color-mix(in srgb, var(--st-primary-color) var(--strength), transparent); }
button.strong { color: var(--st-background-color); }
button:hover { border-color: var(--st-text-color); }
button[aria-pressed="true"] { outline: 3px solid #e69f00; outline-offset: -1px; font-weight: 700; }
button:focus-visible { outline: 3px solid var(--st-text-color); outline-offset: -1px; }
"""
_JS = r"""
export default function ({ parentElement, data, setTriggerValue }) {
  const table = parentElement.querySelector('table');
  const sign = JSON.stringify([data.names, data.texts, data.shades]);
  if (table.dataset.sign !== sign) build(table, data);
  table.dataset.sign = sign;
  table.setAttribute('aria-label', 'Confusion matrix. ' + data.said);
  parentElement.querySelector('.said').textContent = data.said;
  const at = (i, j) => table.querySelector(`[data-cell="${i}-${j}"]`);
  const mark = (chosen) => table.querySelectorAll('button').forEach((cell) => {
    cell.ariaPressed = cell === chosen;
    cell.tabIndex = cell === (chosen ?? at(0, 0)) ? 0 : -1;
  });
  mark(data.selected && at(...data.selected));

  table.onclick = (event) => {
    const cell = event.target.closest('button');
    if (!cell) return;
    mark(cell);  // at once: the answer takes a moment
    setTriggerValue('cell', cell.dataset.cell.split('-').map(Number));
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const place = document.querySelector('.st-key-' + data.reveals);
    if (place) place.scrollIntoView({ block: 'nearest', behavior: calm ? 'auto' : 'smooth' });
  };
  table.onkeydown = (event) => {
    const cell = event.target.closest('button');
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!cell || !move) return;
    event.preventDefault();
    const [i, j] = cell.dataset.cell.split('-').map(Number);
    const next = at(i + move[0], j + move[1]);
    if (next) { cell.tabIndex = -1; next.tabIndex = 0; next.focus(); }
  };
}

function build(table, data) {
  const element = (tag, text, attributes = {}) => {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const size = data.names.length;
  // A narrow column breaks T-shirt/top after its slash, not after its hyphen.
  const heads = data.names.map((name) => name.replaceAll('-', '\u2011').replaceAll('/', '/\u200b'));
  const axis = document.createElement('tr'), head = document.createElement('tr');
  axis.append(element('td', '', { colspan: 2 }), element('th', 'What the network says (predicted)', { class: 'axis', colspan: size }));
  head.append(element('td', '', { colspan: 2 }), ...heads.map((name) => element('th', name, { scope: 'col' })));
  table.tHead.replaceChildren(axis, head);
  table.tBodies[0].replaceChildren(...data.texts.map((row, i) => {
    const line = document.createElement('tr');
    if (i === 0) line.append(element('th', 'What it is (true)', { class: 'axis', rowspan: size }));
    line.append(element('th', data.names[i], { scope: 'row' }));
    row.forEach((text, j) => {
      const shade = data.shades[i][j];
      const cell = element('button', text, { type: 'button', 'data-cell': `${i}-${j}`, 'aria-label': data.labels[i][j] });
      // Up to half the text keeps the theme's colour, above it takes the background's: at least 4.5 to 1 in both themes.
      cell.style.setProperty('--strength', `${shade < 0.5 ? 90 * shade : 85 + 30 * (shade - 0.5)}%`);
      cell.className = shade < 0.5 ? '' : 'strong';
      const place = document.createElement('td');
      place.append(cell);
      line.append(place);
    });
    return line;
  }));
}
"""


def show_confusion_table(
    confusion: NDArray[np.int64],
    row_percent: NDArray[np.float64],
    class_names: tuple[str, ...],
    *,
    key: str,
    as_percent: bool,
    mistakes_only: bool,
    selected: tuple[int, int] | None,
    on_select: Callable[[int, int], None],
    reveals: str,
) -> None:
    """Shows the matrix; a click calls `on_select` with the true and the predicted class before the page runs again.

    Args:
        confusion: (10, 10) counts; rows are true classes.
        row_percent: (10, 10) the same in percent of each row, NaN where a row is empty.
        as_percent: print percent instead of counts.
        mistakes_only: leave the diagonal out and shade the rest by itself.
        reveals: key of the container that a click brings into view, where it is not.
    """
    weights = np.nan_to_num(row_percent)
    shown = ~np.eye(len(confusion), dtype=bool) if mistakes_only else np.ones_like(confusion, dtype=bool)
    highest = max(weights[shown].max(initial=0), 1e-9)
    # The square root keeps rare confusions visible beside the diagonal.
    shades = np.where(shown, np.sqrt(weights / highest), 0)
    texts = np.vectorize(lambda share: f"{share:.1f}")(weights) if as_percent else confusion.astype(str)
    labels = [
        [f"true {true}, predicted {predicted}: {confusion[i, j]} images, {weights[i, j]:.1f} %" for j, predicted in enumerate(class_names)]
        for i, true in enumerate(class_names)
    ]
    data = {
        "said": ("Percent of each row." if as_percent else "Number of images.") + (" Mistakes only." if mistakes_only else ""),
        "names": class_names,
        "texts": np.where(shown, texts, "·").tolist(),
        "shades": shades.round(3).tolist(),
        "labels": labels,
        "selected": selected,
        "reveals": reveals,
    }
    table = st.components.v2.component("confusion_table", html=_HTML, css=_CSS, js=_JS)

    def select() -> None:
        cell = read_cell(st.session_state.get(key), len(class_names))
        if cell is not None:
            on_select(*cell)

    table(key=key, data=data, on_cell_change=select)


def read_cell(state: Any, classes: int) -> tuple[int, int] | None:
    """The cell in what the browser sent, or None if that is not one."""
    sent = (state or {}).get("cell")
    if not isinstance(sent, list | tuple) or len(sent) != 2:
        return None
    if not all(isinstance(index, int) and not isinstance(index, bool) and 0 <= index < classes for index in sent):
        return None
    return int(sent[0]), int(sent[1])
