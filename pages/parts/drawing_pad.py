"""A canvas to draw on with mouse, pen, finger or keyboard; Python gets the picture when the stroke ends."""

import base64
import binascii
import io
import secrets
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

SIDE_PX = 280
_MAX_BASE64 = 200_000  # a full canvas is 20,000 to 60,000
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

_HTML = """
<canvas width="280" height="280" tabindex="0" role="application"></canvas>
<p class="hint" id="pad-hint"></p>
<p class="status" role="status"></p>
<div class="tools">
  <button type="button" class="undo">Undo</button>
  <button type="button" class="clear">Clear</button>
  <label>Brush width <input class="brush" type="range" min="6" max="60" step="2"></label>
</div>
"""
_CSS = """
canvas { width: min(100%, 340px); aspect-ratio: 1; background: #000; border: 2px solid var(--st-border-color); border-radius: 6px;
  touch-action: none; cursor: crosshair; }
canvas:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
.hint { margin: 4px 0; max-width: 340px; font: 13px/1.4 var(--st-font); color: var(--st-text-color); }
.status { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%); }
.tools { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; font: 14px var(--st-font); color: var(--st-text-color); }
.tools button { font: inherit; min-height: 40px; padding: 6px 14px; border: 1px solid var(--st-border-color); border-radius: 6px;
  background: var(--st-secondary-background-color); color: inherit; cursor: pointer; }
.tools label { display: flex; gap: 6px; align-items: center; min-height: 40px; }
.brush { width: 120px; accent-color: var(--st-primary-color); }
"""
_JS = """
const SIDE = 280, KEY_STEP = 7;
const drawings = new Map();  // strokes outlive the canvas, which is made anew when the page is shown again

export default function ({ parentElement, data, setStateValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const canvas = find('canvas'), pen = canvas.getContext('2d'), brush = find('.brush');
  const isNew = !canvas.drawing;
  if (!drawings.has(data.drawing)) {
    drawings.set(data.drawing, { strokes: [], cleared: [], live: null, pointer: null, cursor: [SIDE / 2, SIDE / 2], width: data.brush });
  }
  const drawing = canvas.drawing = drawings.get(data.drawing);
  canvas.setAttribute('aria-label', data.label);
  canvas.setAttribute('aria-describedby', 'pad-hint');
  find('.hint').textContent = data.hint;
  brush.value = drawing.width;

  const paint = (showCursor = false) => {
    pen.fillStyle = '#000';
    pen.fillRect(0, 0, SIDE, SIDE);
    pen.strokeStyle = '#fff';
    pen.lineCap = pen.lineJoin = 'round';
    for (const stroke of drawing.live ? [...drawing.strokes, drawing.live] : drawing.strokes) {
      pen.lineWidth = stroke.width;
      pen.beginPath();
      pen.moveTo(...stroke.points[0]);
      for (const point of stroke.points) pen.lineTo(...point);
      pen.stroke();
    }
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
    setStateValue('png', drawing.strokes.length ? canvas.toDataURL('image/png').split(',')[1] : null);
  };
  const begin = (point) => { drawing.live = { width: drawing.width, points: [point] }; paint(); };
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
    say('Cleared. Undo brings the drawing back.');
    send();
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect(), scale = SIDE / canvas.clientWidth;  // the box has a border, the client none
    return [(event.clientX - box.left - canvas.clientLeft) * scale, (event.clientY - box.top - canvas.clientTop) * scale];
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
      drawing.cursor = drawing.cursor.map((at, axis) => Math.max(0, Math.min(SIDE, at + move[axis])));
      if (drawing.live && drawing.pointer === null) drawing.live.points.push([...drawing.cursor]);
    }
    paint(true);
  };
  canvas.onfocus = () => paint(canvas.matches(':focus-visible'));
  canvas.onblur = () => { end(); paint(); };
  find('.undo').onclick = undo;
  find('.clear').onclick = clear;
  brush.oninput = () => { drawing.width = Number(brush.value); };
  if (isNew) {  // the page was left and is shown again: Python has forgotten the picture, and no pointer is down
    drawing.pointer = null;
    if (drawing.live) end();
    else if (drawing.strokes.length) send();
  }
  if (!drawing.live) paint(canvas.matches(':focus-visible'));
}
"""


def show_drawing_pad(key: str, *, label: str, brush_px: int = 22) -> NDArray[np.uint8] | None:
    """Shows the canvas and returns what is drawn, (280, 280) uint8 and white on black, or None while it is empty.

    Strokes survive reruns and a change of page; the picture comes when a stroke ends.
    """
    pad = st.components.v2.component("drawing_pad", html=_HTML, css=_CSS, js=_JS)
    data = {
        "label": label,
        "hint": "Draw with mouse, pen or finger. With the keyboard: Tab to the area, the arrow keys move the brush, "
        "space starts and ends a stroke.",
        "brush": brush_px,
        "drawing": st.session_state.setdefault(f"drawing_of_{key}", secrets.token_hex(8)),
    }
    return read_drawing(pad(key=key, data=data, on_png_change=lambda: None))


def read_drawing(state: Any) -> NDArray[np.uint8] | None:
    """The picture in what the browser sent, or None if there is none or it is not one of this canvas."""
    sent = (state or {}).get("png")
    if not isinstance(sent, str) or len(sent) > _MAX_BASE64:
        return None
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(sent, validate=True)), formats=("PNG",))
        if picture.size != (SIDE_PX, SIDE_PX):
            return None
        return np.array(picture.convert("L"))
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, SyntaxError, *_BOMBS):
        return None
