"""A canvas for mouse, pen, finger and keyboard with two tools; Python gets what was drawn when a stroke ends."""

import base64
import binascii
import io
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

_MAX_BASE64 = 400_000  # a full canvas is 20,000 to 60,000
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

_HTML = """
<canvas tabindex="0" role="application"></canvas>
<p class="hint" id="canvas-hint"></p>
<p class="status" role="status"></p>
<div class="tools">
  <button type="button" class="tool first"></button>
  <button type="button" class="tool second"></button>
  <button type="button" class="undo">Undo</button>
  <button type="button" class="clear">Clear</button>
  <label>Width <input class="brush" type="range" min="4" max="60" step="2"></label>
</div>
"""
_CSS = """
canvas { width: min(100%, 340px); background: #000; border: 2px solid var(--st-border-color); border-radius: 6px;
  touch-action: none; cursor: crosshair; }
canvas:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
.hint { margin: 4px 0; max-width: 340px; font: 13px/1.4 var(--st-font); color: var(--st-text-color); }
.status { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%); }
.tools { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; max-width: 344px;
  font: 14px var(--st-font); color: var(--st-text-color); }
.tools button { font: inherit; min-height: 40px; padding: 6px 14px; border: 2px solid var(--st-border-color); border-radius: 6px;
  background: var(--st-secondary-background-color); color: inherit; cursor: pointer; }
.tools button[aria-pressed="true"] { border-color: var(--st-primary-color); font-weight: 600; text-decoration: underline; }
.tools label { display: flex; gap: 6px; align-items: center; min-height: 40px; }
.brush { width: 120px; accent-color: var(--st-primary-color); }
"""
_JS = """
const KEY_STEP = 7;
const drawings = new Map();  // strokes outlive the canvas, which is made anew when the page is shown again

export default function ({ parentElement, data, setStateValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const canvas = find('canvas'), pen = canvas.getContext('2d'), brush = find('.brush');
  const { width: WIDTH, height: HEIGHT, tools } = data;
  if (canvas.width !== WIDTH || canvas.height !== HEIGHT) { canvas.width = WIDTH; canvas.height = HEIGHT; }
  if (!drawings.has(data.drawing)) {
    drawings.set(data.drawing, {
      strokes: [], cleared: [], live: null, pointer: null, cursor: [WIDTH / 2, HEIGHT / 2], width: data.brush, tool: 0, base: null,
    });
  }
  const drawing = drawings.get(data.drawing);
  const isNew = canvas.drawing !== drawing;
  canvas.drawing = drawing;
  canvas.setAttribute('aria-label', data.label);
  canvas.setAttribute('aria-describedby', 'canvas-hint');
  find('.hint').textContent = data.hint;
  brush.value = drawing.width;

  const draw = (context, strokes, colour, alpha) => {
    context.lineCap = context.lineJoin = 'round';
    context.globalAlpha = alpha;
    for (const stroke of strokes) {
      context.strokeStyle = tools[stroke.tool][colour];
      context.lineWidth = stroke.width;
      context.beginPath();
      context.moveTo(...stroke.points[0]);
      for (const point of stroke.points) context.lineTo(...point);
      context.stroke();
    }
    context.globalAlpha = 1;
  };
  const lay = (context, withBase) => {
    context.fillStyle = '#000';
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.imageSmoothingEnabled = false;
    if (withBase && drawing.base) context.drawImage(drawing.base, 0, 0, WIDTH, HEIGHT);
  };
  const paint = (showCursor = false) => {
    lay(pen, true);
    draw(pen, drawing.live ? [...drawing.strokes, drawing.live] : drawing.strokes, 'shown', data.alpha);
    if (!showCursor) return;
    pen.strokeStyle = '#e69f00';
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(...drawing.cursor, drawing.width / 2, 0, 7);
    pen.stroke();
  };
  const say = (words) => { find('.status').textContent = words; };
  const send = () => {
    paint();
    const sheet = document.createElement('canvas');
    [sheet.width, sheet.height] = [WIDTH, HEIGHT];
    const context = sheet.getContext('2d');
    lay(context, data.sends_base);
    draw(context, drawing.strokes, 'sent', 1);
    const isBlank = !drawing.strokes.length && !(data.sends_base && drawing.base);
    setStateValue('png', isBlank ? null : [data.drawing, sheet.toDataURL('image/png').split(',')[1]]);
  };
  const choose = (tool) => {
    drawing.tool = tool;
    ['.first', '.second'].forEach((name, i) => { find(name).textContent = tools[i].name; find(name).ariaPressed = String(i === tool); });
  };
  const begin = (point) => { drawing.live = { tool: drawing.tool, width: drawing.width, points: [point] }; paint(); };
  const end = () => {
    if (!drawing.live) return;
    drawing.strokes.push(drawing.live);
    drawing.live = null;
    say(`Strokes drawn: ${drawing.strokes.length}.`);
    send();
  };
  const undo = () => {
    if (!drawing.strokes.length && !drawing.cleared.length) return;
    if (drawing.strokes.length) drawing.strokes.pop();
    else [drawing.strokes, drawing.cleared] = [drawing.cleared, []];  // what Clear took away comes back
    say(`Undone. Strokes drawn: ${drawing.strokes.length}.`);
    send();
  };
  const clear = () => {
    if (!drawing.strokes.length) return;
    [drawing.strokes, drawing.cleared] = [[], drawing.strokes];
    say('Cleared. Undo brings the strokes back.');
    send();
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();  // the box has a border, the client none
    return [(event.clientX - box.left - canvas.clientLeft) * WIDTH / canvas.clientWidth,
      (event.clientY - box.top - canvas.clientTop) * HEIGHT / canvas.clientHeight];
  };

  canvas.onpointerdown = (event) => {
    if (event.button || drawing.pointer !== null) return;  // a second finger must not end the stroke of the first
    end();
    drawing.pointer = event.pointerId;
    canvas.setPointerCapture(event.pointerId);
    begin(place(event));
  };
  canvas.onpointermove = (event) => {
    if (!drawing.live || event.pointerId !== drawing.pointer) return;
    const passed = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const moment of passed.length ? passed : [event]) drawing.live.points.push(place(moment));
    paint();
  };
  canvas.onpointerup = canvas.onpointercancel = canvas.onlostpointercapture = (event) => {
    if (event.pointerId !== drawing.pointer) return;
    drawing.pointer = null;
    end();
  };
  canvas.onkeydown = (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === 'z') {
      event.preventDefault();
      undo();
      paint(true);
      return;
    }
    const tool = tools.findIndex(({ key }) => key === event.key.toLowerCase());
    if (tool >= 0 && !event.ctrlKey && !event.metaKey && !event.altKey) {
      end();
      choose(tool);
      say(`${tools[tool].name} chosen.`);
      return;
    }
    const move = { ArrowUp: [0, -KEY_STEP], ArrowDown: [0, KEY_STEP], ArrowLeft: [-KEY_STEP, 0], ArrowRight: [KEY_STEP, 0] }[event.key];
    if (!move && event.key !== ' ') return;
    event.preventDefault();
    if (event.key === ' ') {
      if (event.repeat || drawing.pointer !== null) return;  // a held key would start and end strokes all the time
      if (drawing.live) {
        end();
      } else {
        begin([...drawing.cursor]);
        say('Stroke started.');
      }
    } else {
      drawing.cursor = drawing.cursor.map((at, axis) => Math.max(0, Math.min(axis ? HEIGHT : WIDTH, at + move[axis])));
      if (drawing.live && drawing.pointer === null) drawing.live.points.push([...drawing.cursor]);
    }
    paint(true);
  };
  canvas.onfocus = () => paint(canvas.matches(':focus-visible'));
  canvas.onblur = () => { end(); paint(); };
  find('.undo').onclick = undo;
  find('.clear').onclick = clear;
  find('.first').onclick = () => choose(0);
  find('.second').onclick = () => choose(1);
  brush.oninput = () => { drawing.width = Number(brush.value); };
  choose(drawing.tool);
  if (isNew) {  // another drawing, or the page was left and is shown again: Python has forgotten it, and no pointer is down
    drawing.pointer = null;
    if (drawing.live) end();
    else if (drawing.strokes.length || !data.base) send();
  }
  if (drawing.source !== data.base) {
    drawing.source = data.base;
    drawing.base = null;
    if (data.base) {
      const image = new Image();
      image.onload = () => {
        if (drawing.source !== data.base) return;
        drawing.base = image;
        if (data.sends_base) send();
        else paint();
      };
      image.src = data.base;
    }
  } else if (isNew && data.base && data.sends_base) {
    send();
  }
  if (!drawing.live) paint(canvas.matches(':focus-visible'));
}
"""


@dataclass(frozen=True)
class Tool:
    """A brush: its name, the key that chooses it, and its colour on the screen and in what Python gets."""

    name: str
    key: str
    shown: str
    sent: str


def show_canvas(
    drawing: str,
    size: tuple[int, int],
    tools: tuple[Tool, Tool],
    *,
    key: str,
    label: str,
    hint: str,
    brush_px: int,
    base: NDArray[np.uint8] | None = None,
    sends_base: bool = False,
    alpha: float = 1.0,
) -> NDArray[np.uint8] | None:
    """Shows a canvas and returns what is drawn, (height, width, 3) uint8 on black; None while nothing is.

    Args:
        drawing: which drawing is shown: each keeps its strokes, over reruns and changes of page, until the tab is reloaded.
        size: width and height in pixels of the canvas, not of the screen.
        label: what it is, for screen readers.
        base: (H, W) or (H, W, 3) uint8, what lies under the strokes, enlarged without smoothing.
        sends_base: whether the base is part of what is returned.
        alpha: how much a stroke covers on the screen, 0 to 1.
    """
    canvas = st.components.v2.component("canvas", html=_HTML, css=_CSS, js=_JS)
    data = {
        "drawing": drawing,
        "width": size[0],
        "height": size[1],
        "tools": [asdict(tool) for tool in tools],
        "label": label,
        "hint": hint,
        "brush": brush_px,
        "base": "" if base is None else _as_url(base),
        "sends_base": sends_base,
        "alpha": alpha,
    }
    return read_strokes(canvas(key=key, data=data, on_png_change=lambda: None), drawing, size)


def read_strokes(state: Any, drawing: str, largest: tuple[int, int]) -> NDArray[np.uint8] | None:
    """The picture in what the browser sent, or None if there is none, it is of another drawing, or larger than it may be."""
    sent = (state or {}).get("png")
    if not isinstance(sent, list) or len(sent) != 2 or sent[0] != drawing or not isinstance(sent[1], str) or len(sent[1]) > _MAX_BASE64:
        return None
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(sent[1], validate=True)), formats=("PNG",))
        if picture.width > largest[0] or picture.height > largest[1]:
            return None
        return np.array(picture.convert("RGB"))
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, SyntaxError, *_BOMBS):
        return None


def _as_url(pixels: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
