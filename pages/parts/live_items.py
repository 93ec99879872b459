"""Twenty test images whose answers turn right or wrong while a network learns, as buttons; one of them can be pinned.

The pictures are sent once, as a style that the buttons find; a tick brings only numbers.
"""

import base64
import zlib
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.data import DataError, Split
from fmnist_core.history import RunHistory
from pages.parts.cached import read_split
from pages.parts.image_wall import draw_sheet
from pages.parts.url_state import restore, whole_number, write

_PIN = "pin"
_SENT = "items_sheet"
_PROBES = 20

_HTML = '<p class="said"></p><div class="items" role="group"></div>'
_CSS = """
.said { margin: 0 0 6px; font: 14px/1.4 var(--st-font); color: var(--st-text-color); }
.items { display: grid; gap: 8px 6px; padding: 3px; grid-template: repeat(2, auto) / repeat(10, minmax(0, 1fr)); grid-auto-flow: column; }
button { display: block; min-width: 0; padding: 3px 3px 4px; border: 2px solid var(--st-border-color); border-radius: 6px; cursor: pointer;
  background: none; font: 12px/1.3 var(--st-font); color: var(--st-text-color); text-align: left; }
button.wrong { border-style: dashed; border-color: #d55e00; }
button:hover { border-color: var(--st-text-color); }
button[aria-pressed="true"] { outline: 3px solid var(--st-primary-color); }
button:focus-visible { outline: 3px solid var(--st-text-color); }
.picture { display: block; width: 100%; max-width: 72px; margin: 0 auto 3px; aspect-ratio: 1; background-color: #000;
  background-image: var(--watched-items); image-rendering: pixelated; }
.bar { display: block; height: 9px; border: 1px solid var(--st-text-color); border-radius: 3px; overflow: hidden; }
.fill { display: block; height: 100%; background: #0072b2; }
.wrong .fill { background: repeating-linear-gradient(135deg, #d55e00 0 4px, transparent 4px 7px); }
.name, .answer { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.name { padding-top: 2px; font-weight: 600; }
@media (max-width: 640px) { .items { grid-template: none / repeat(4, minmax(0, 1fr)); grid-auto-flow: row; } }
"""
_JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  const wall = parentElement.querySelector('.items');
  if (wall.dataset.sheet !== data.sheet) build(wall, data);
  wall.dataset.sheet = data.sheet;
  wall.setAttribute('aria-label', data.title);
  parentElement.querySelector('.said').textContent = data.said;
  const tiles = [...wall.querySelectorAll('button')];
  const focused = tiles.indexOf(wall.getRootNode().activeElement);
  const reachable = focused >= 0 ? focused : data.pinned ?? 0;
  tiles.forEach((tile, i) => {
    const right = data.taken[i] === data.true[i], share = Math.round(data.shares[i] / 10);
    tile.className = right ? 'right' : 'wrong';
    tile.ariaPressed = i === data.pinned;
    tile.tabIndex = i === reachable ? 0 : -1;
    tile.querySelector('.fill').style.width = data.shares[i] / 10 + '%';
    tile.querySelector('.answer').textContent = right ? `✓ ${share} %` : `✗ ${data.classes[data.taken[i]]}`;
    tile.setAttribute('aria-label', `${data.classes[data.true[i]]}, test image ${data.numbers[i]}: ` +
      (right ? `right, ${share} %` : `wrong, taken for ${data.classes[data.taken[i]]}, ${share} % for the truth`));
  });
  wall.onclick = (event) => {
    const picked = tiles.indexOf(event.target.closest('button'));
    if (picked < 0) return;
    const unpinned = tiles[picked].ariaPressed === 'true';
    tiles.forEach((tile, i) => { tile.ariaPressed = i === picked && !unpinned; });  // at once: the answer takes a moment
    setTriggerValue('picked', [data.sheet, unpinned ? -1 : picked]);
  };
  wall.onkeydown = (event) => {
    const here = tiles.indexOf(event.target.closest('button'));
    const byColumn = getComputedStyle(wall).gridAutoFlow === 'column';
    const across = byColumn ? 2 : 1, down = byColumn ? 1 : getComputedStyle(wall).gridTemplateColumns.split(' ').length;
    const target = { ArrowLeft: here - across, ArrowRight: here + across, ArrowUp: here - down, ArrowDown: here + down,
      Home: 0, End: tiles.length - 1 }[event.key];
    if (here < 0 || target === undefined) return;
    event.preventDefault();
    const next = tiles[target];
    if (next) { tiles[here].tabIndex = -1; next.tabIndex = 0; next.focus(); }
  };
}

function build(wall, data) {
  const share = (at, of) => (of > 1 ? (100 * at) / (of - 1) : 0) + '%';
  wall.replaceChildren(...data.true.map((label, i) => {
    const tile = document.createElement('button');
    tile.type = 'button';
    tile.innerHTML = '<span class="picture"></span><span class="bar"><span class="fill"></span></span>' +
      '<span class="name"></span><span class="answer"></span>';
    tile.querySelector('.name').textContent = data.classes[label];
    const picture = tile.querySelector('.picture');
    picture.style.backgroundSize = `${100 * data.across}% ${100 * data.down}%`;
    picture.style.backgroundPosition = `${share(i % data.across, data.across)} ${share(Math.floor(i / data.across), data.down)}`;
    return tile;
  }));
}
"""


def restore_pin() -> None:
    """Takes the pinned item from the URL."""
    restore(_PIN, None, whole_number(0, _PROBES - 1))


def pinned_item(history: RunHistory) -> int | None:
    """Place of the pinned one among the watched items; None where there is none."""
    pinned = st.session_state.get(_PIN)
    return pinned if isinstance(pinned, int) and pinned < len(history.probes) else None


def watched_split(history: RunHistory) -> Split | None:
    """The test images, if those that the run watches are among them."""
    try:
        split = read_split("test")
    except DataError:
        return None
    return split if history.probes and max(history.probes) < len(split) else None


def send_items_sheet(history: RunHistory) -> None:
    """Sends the pictures of the watched items; in a run of the whole page, before the items are shown."""
    split = watched_split(history)
    st.session_state[_SENT] = None
    if split is not None:
        sheet = base64.b64encode(_sheet(split, history)[0]).decode()
        st.html(f"<style>:root {{ --watched-items: url(data:image/png;base64,{sheet}) }}</style>")
        st.session_state[_SENT] = history.probes


def lacks_items_sheet(history: RunHistory) -> bool:
    """Whether the items can be shown, but their pictures were not sent yet: the whole page has to run."""
    return st.session_state.get(_SENT) != history.probes and watched_split(history) is not None


def show_live_items(split: Split, history: RunHistory) -> None:
    """The watched items, each with a bar of the probability of its true class and whether it is answered right."""
    answers = history.newest_answers()
    if answers is None:
        return
    labels = split.labels[list(history.probes)]
    taken = answers.argmax(axis=1)
    sheet, across, down = _sheet(split, history)
    sheet_id = f"{zlib.crc32(sheet):08x}"
    right = int((taken == labels).sum())
    data = {
        "sheet": sheet_id,
        "title": f"{len(labels)} test images that are watched",
        "said": f"{right} of these {len(labels)} test images are answered right. The bar is the probability of what it truly is. "
        "Press one to see how it was learned.",
        "classes": list(split.class_names),
        "numbers": list(history.probes),
        "true": labels.tolist(),
        "taken": taken.tolist(),
        "shares": (1000 * answers[np.arange(len(labels)), labels]).round().astype(int).tolist(),
        "pinned": pinned_item(history),
        "across": across,
        "down": down,
    }

    def pick() -> None:
        picked = read_pin(st.session_state.get("live_items"), sheet_id, len(labels))
        if picked is not None:
            st.session_state[_PIN] = None if picked < 0 else picked
            write(_PIN, st.session_state[_PIN])

    wall = st.components.v2.component("live_items", html=_HTML, css=_CSS, js=_JS)
    wall(key="live_items", data=data, on_picked_change=pick)


def read_pin(state: Any, sheet_id: str, count: int) -> int | None:
    """The place in what the browser sent, −1 to unpin; None if it is of other pictures or neither."""
    sent = (state or {}).get("picked")
    if not isinstance(sent, list) or len(sent) != 2 or sent[0] != sheet_id:
        return None
    place = sent[1]
    return place if isinstance(place, int) and not isinstance(place, bool) and -1 <= place < count else None


def describe_trail(history: RunHistory, item: int, true_class: int, class_names: tuple[str, ...]) -> str:
    """When the item was learned, in a sentence computed from the answers so far."""
    trail = history.follow(item, true_class)
    if trail is None:
        return "There is no answer yet."
    if trail.right_since is not None:
        if trail.changes == 0:
            return f"It has been answered right without a break from the first look on, at step {trail.right_since:,}."
        before = f" Before that it had been right and was lost again {_times(trail.changes // 2)}." if trail.changes > 1 else ""
        return f"Since step {trail.right_since:,} it has been answered right without a break.{before}"
    taken_for = class_names[trail.taken_for]
    if trail.last_right is None:
        return f"It has never been answered right; now it is taken for {taken_for}."
    return f"Now it is taken for {taken_for}. The last right answer was at step {trail.last_right:,}."


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _sheet(split: Split, history: RunHistory) -> tuple[bytes, int, int]:
    return _draw_once(split.source, history.probes, split)


@st.cache_data(max_entries=16, show_spinner=False)
def _draw_once(source: str, probes: tuple[int, ...], _split: Split) -> tuple[bytes, int, int]:  # noqa: ARG001  # source is for the key
    pictures: NDArray[np.uint8] = _split.images[list(probes)]
    return draw_sheet(pictures)
