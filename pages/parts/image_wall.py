"""Many 28×28 pictures as one sprite sheet of buttons: quick to send, crisp, clickable, and usable from the keyboard."""

import base64
import io
import math
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

_HTML = '<div class="wall" role="group"></div>'
_CSS = """
.wall { display: grid; gap: 6px; grid-template-columns: repeat(var(--columns), minmax(0, var(--tile))); padding: 3px; }
figure { margin: 0; min-width: 0; }
button { display: block; width: 100%; aspect-ratio: 1; padding: 0; border: 3px solid var(--st-border-color); border-radius: 4px;
  background-color: #000; background-origin: content-box; background-clip: content-box; background-repeat: no-repeat;
  image-rendering: pixelated; cursor: pointer; }
button:hover { border-color: var(--st-text-color); }
button[aria-pressed="true"] { border-color: var(--st-primary-color); outline: 2px solid var(--st-primary-color); }
button:focus-visible { outline: 3px solid var(--st-text-color); outline-offset: 0; }
figcaption { font: 13px/1.3 var(--st-font); color: var(--st-text-color); padding: 2px 0 4px; overflow-wrap: anywhere; }
@media (max-width: 640px) { .wall { grid-template-columns: repeat(auto-fill, minmax(max(64px, 22%), 1fr)); } }
"""
_JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  const wall = parentElement.querySelector('.wall');
  if (wall.dataset.sheet !== data.sheet) build(wall, data);
  wall.dataset.sheet = data.sheet;
  wall.setAttribute('aria-label', data.title);
  const tiles = [...wall.querySelectorAll('button')];
  const focused = tiles.indexOf(wall.getRootNode().activeElement);
  const reachable = focused >= 0 ? focused : data.picked ?? 0;
  const mark = (picked) => tiles.forEach((tile, i) => { tile.ariaPressed = i === picked; });
  mark(data.picked);
  tiles.forEach((tile, i) => { tile.tabIndex = i === reachable ? 0 : -1; });

  wall.onclick = (event) => {
    const picked = tiles.indexOf(event.target.closest('button'));
    if (picked < 0) return;
    mark(picked);  // at once: the answer takes a moment
    setTriggerValue('picked', [data.sheet, picked]);
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const place = data.reveals && document.querySelector('.st-key-' + data.reveals);
    if (place) place.scrollIntoView({ block: 'nearest', behavior: calm ? 'auto' : 'smooth' });
  };
  wall.onkeydown = (event) => {
    const here = tiles.indexOf(event.target.closest('button'));
    const across = getComputedStyle(wall).gridTemplateColumns.split(' ').length;
    const target = { ArrowLeft: here - 1, ArrowRight: here + 1, ArrowUp: here - across, ArrowDown: here + across,
      Home: 0, End: tiles.length - 1 }[event.key];
    if (here < 0 || target === undefined) return;
    event.preventDefault();
    const next = tiles[target];
    if (next) { tiles[here].tabIndex = -1; next.tabIndex = 0; next.focus(); }
  };
}

function build(wall, data) {
  wall.style.setProperty('--columns', data.columns);
  wall.style.setProperty('--tile', data.tile_px + 'px');
  const share = (at, of) => (of > 1 ? (100 * at) / (of - 1) : 0) + '%';
  wall.replaceChildren(...data.labels.map((label, i) => {
    const figure = document.createElement('figure'), tile = document.createElement('button');
    tile.type = 'button';
    tile.setAttribute('aria-label', label);
    tile.style.backgroundImage = `url(${data.source})`;
    tile.style.backgroundSize = `${100 * data.across}% ${100 * data.down}%`;
    tile.style.backgroundPosition = `${share(i % data.across, data.across)} ${share(Math.floor(i / data.across), data.down)}`;
    figure.append(tile);
    if (data.captions.length) {
      const caption = document.createElement('figcaption');
      caption.textContent = data.captions[i];
      figure.append(caption);
    }
    return figure;
  }));
}
"""


def show_image_wall(
    images: NDArray[np.uint8],
    labels: Sequence[str],
    *,
    key: str,
    title: str,
    on_pick: Callable[[int], None],
    picked: int | None = None,
    captions: Sequence[str] = (),
    columns: int = 5,
    tile_px: int = 120,
    reveals: str = "",
) -> None:
    """Shows pictures as buttons; a click calls `on_pick` with the picture's index before the page runs again.

    Args:
        images: (N, 28, 28) uint8.
        labels: what each picture shows, for screen readers.
        picked: which one is marked.
        captions: a line under each, or none.
        columns: pictures in a row; fewer on a phone.
        tile_px: the widest that one gets.
        reveals: key of the container that a click brings into view, where it is not.
    """
    sheet, across, down = draw_sheet(images)
    sheet_id = f"{zlib.crc32(sheet):08x}{zlib.crc32(repr((labels, captions)).encode()):08x}"
    data = {
        "sheet": sheet_id,
        "source": "data:image/png;base64," + base64.b64encode(sheet).decode(),
        "across": across,
        "down": down,
        "columns": columns,
        "tile_px": tile_px,
        "labels": list(labels),
        "captions": list(captions),
        "picked": picked,
        "title": title,
        "reveals": reveals,
    }

    def pick() -> None:
        index = read_pick(st.session_state.get(key), sheet_id, len(images))
        if index is not None:
            on_pick(index)

    wall = st.components.v2.component("image_wall", html=_HTML, css=_CSS, js=_JS)
    wall(key=key, data=data, on_picked_change=pick)


def read_pick(state: Any, sheet_id: str, count: int) -> int | None:
    """The index in what the browser sent, or None if it is of other pictures or not an index at all."""
    sent = (state or {}).get("picked")
    if not isinstance(sent, list) or len(sent) != 2 or sent[0] != sheet_id:
        return None
    index = sent[1]
    return index if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < count else None


def draw_sheet(images: NDArray[np.uint8]) -> tuple[bytes, int, int]:
    """All pictures on one PNG, and how many across and down."""
    across = max(1, math.ceil(math.sqrt(len(images))))
    down = max(1, math.ceil(len(images) / across))
    side = images.shape[1]
    padded = np.zeros((across * down, side, side), np.uint8)
    padded[: len(images)] = images
    sheet = padded.reshape(down, across, side, side).swapaxes(1, 2).reshape(down * side, across * side)
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG")
    return file.getvalue(), across, down
