"""The 784 pixel values of a picture as a table, each on its own grey; a pointer or the arrow keys read it."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

_HTML = """
<p class="readout" aria-hidden="true"></p>
<div class="scroll"><table role="grid"><thead></thead><tbody></tbody></table></div>
"""
_CSS = """
.readout { margin: 0 0 6px; font: 16px/1.4 var(--st-font); color: var(--st-text-color); }
.scroll { overflow-x: auto; padding: 3px; }
table { width: 100%; max-width: 900px; border-collapse: collapse; font: 12px/1 var(--st-font);
  font-variant-numeric: tabular-nums; color: var(--st-text-color); }
th { font-weight: 400; padding: 3px 5px; min-width: 16px; }
th.here { font-weight: 700; background: var(--st-secondary-background-color); }
tbody th { position: sticky; left: 0; background: var(--st-background-color); text-align: right; }
td { width: 3.4%; min-width: 27px; height: 25px; padding: 0; text-align: center; }
tbody td { cursor: crosshair; }
tbody td:hover, td:focus { outline: 3px solid #e69f00; outline-offset: -2px; }
"""
_JS = """
export default function ({ parentElement, data }) {
  const table = parentElement.querySelector('table'), readout = parentElement.querySelector('.readout');
  if (!table.tHead.rows.length) {
    build(table, data.rows);
    listen(table, readout, data.hint);
    readout.textContent = data.hint;
  }
  table.setAttribute('aria-label', data.title);
  data.rows.forEach((row, i) => row.forEach((value, j) => {
    const cell = table.tBodies[0].rows[i].cells[j + 1];
    cell.textContent = value;
    cell.style.background = `rgb(${value}, ${value}, ${value})`;
    cell.style.color = value > 118 ? '#000' : value ? '#fff' : '#999';  // at least 4.5 to 1 on every grey
  }));
}

function build(table, rows) {
  const head = (number, scope) => {
    const made = document.createElement('th');
    made.textContent = number;
    made.scope = scope;
    return made;
  };
  table.tHead.insertRow().append(document.createElement('td'), ...rows[0].map((_, j) => head(j, 'col')));
  rows.forEach((row, i) => {
    const cells = row.map(() => document.createElement('td'));
    cells.forEach((cell) => { cell.tabIndex = -1; });
    table.tBodies[0].insertRow().append(head(i, 'row'), ...cells);
  });
  table.tBodies[0].rows[0].cells[1].tabIndex = 0;
}

function listen(table, readout, hint) {
  let marked = [];
  const mark = (heads) => {
    marked.forEach((head) => head.classList.remove('here'));
    marked = heads;
    marked.forEach((head) => head.classList.add('here'));
  };
  const read = (event) => {
    const cell = event.target.closest('tbody td');
    if (!cell) return;
    const row = cell.parentElement;
    readout.textContent = `Row ${row.rowIndex - 1}, column ${cell.cellIndex - 1}: ${cell.textContent}`;
    mark([table.tHead.rows[0].cells[cell.cellIndex], row.cells[0]]);
  };
  const leave = () => { readout.textContent = hint; mark([]); };
  table.addEventListener('pointerover', read);
  table.addEventListener('focusin', read);
  table.addEventListener('pointerleave', leave);
  table.addEventListener('focusout', leave);
  table.addEventListener('keydown', (event) => {
    const cell = event.target.closest('tbody td');
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!cell || !move) return;
    event.preventDefault();
    const next = table.rows[cell.parentElement.rowIndex + move[0]]?.cells[cell.cellIndex + move[1]];
    if (next?.matches('tbody td')) { cell.tabIndex = -1; next.tabIndex = 0; next.focus(); }
  });
}
"""
_HINT = "Point at a number, or move with the arrow keys, to read its row and column."


def show_pixel_table(image: NDArray[np.uint8], *, key: str, title: str) -> None:
    """Shows every value of a picture, 0 black to 255 white.

    Args:
        image: (28, 28) uint8.
        title: what the table holds, for screen readers.
    """
    table = st.components.v2.component("pixel_table", html=_HTML, css=_CSS, js=_JS)
    table(key=key, data={"rows": image.tolist(), "title": title, "hint": _HINT})
