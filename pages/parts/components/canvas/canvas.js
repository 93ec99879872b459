import { ARROWS } from '../roving_focus.js';
import { keep, recall } from '../tab_storage.js';

const KEY_STEP = 7;
const KEPT = 'Kept in this tab until you close it. Only you see it.';
const NOT_KEPT = 'This browser stores no more for this tab: reloading it would lose the drawing.';
const PATIENCE_MS = 3000;  // for an answer while the pen is down
const DARKEST_INK = 20;  // Python takes what is darker for black
const drawings = new Map();  // strokes outlive the canvas, which is created again whenever the page is shown
let sendings = 0;

export default function ({ parentElement, data, setStateValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const canvas = find('canvas'), pen = canvas.getContext('2d'), brush = find('.brush');
  const { width: WIDTH, height: HEIGHT, tools } = data;
  if (canvas.width !== WIDTH || canvas.height !== HEIGHT) { canvas.width = WIDTH; canvas.height = HEIGHT; }
  if (!drawings.has(data.drawing)) {
    drawings.set(data.drawing, {
      strokes: data.is_kept ? recallStrokes(data.drawing, tools.length) : [], cleared: [], live: null, pointer: null,
      cursor: [WIDTH / 2, HEIGHT / 2], width: data.brush, tool: 0, base: null, sent: 0, sentAt: 0, isAhead: false, timer: null,
    });
  }
  const drawing = drawings.get(data.drawing);
  const isNew = canvas.drawing !== drawing, isNewSession = drawing.session !== data.session;
  drawing.session = data.session;
  drawing.answered = data.answered;
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
      context.lineWidth = stroke.width + tools[stroke.tool].margin_px;
      context.beginPath();
      context.moveTo(...stroke.points[0]);
      for (const point of stroke.points) context.lineTo(...point);
      context.stroke();
    }
    context.globalAlpha = 1;
  };
  const clearSheet = (context, withBase) => {
    context.fillStyle = '#000';
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.imageSmoothingEnabled = false;
    if (withBase && drawing.base) context.drawImage(drawing.base, 0, 0, WIDTH, HEIGHT);
  };
  const paint = (showCursor = false) => {
    clearSheet(pen, true);
    draw(pen, drawing.live ? [...drawing.strokes, drawing.live] : drawing.strokes, 'shown', data.alpha);
    if (!showCursor) return;
    pen.strokeStyle = '#e69f00';
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(...drawing.cursor, drawing.width / 2, 0, 7);
    pen.stroke();
  };
  const announce = (text) => { find('.status').textContent = text; };
  const send = (isLive = false) => {
    paint();
    const sheet = document.createElement('canvas');
    [sheet.width, sheet.height] = [WIDTH, HEIGHT];
    const context = sheet.getContext('2d', { willReadFrequently: true });
    clearSheet(context, data.sends_base);
    draw(context, isLive ? [...drawing.strokes, drawing.live] : drawing.strokes, 'sent', 1);
    const isBlank = !context.getImageData(0, 0, WIDTH, HEIGHT).data.some((value, i) => i % 4 < 3 && value > DARKEST_INK);
    drawing.sent = sendings += 1;
    drawing.sentAt = performance.now();
    drawing.isAhead = false;
    setStateValue('png', [data.drawing, isBlank ? '' : sheet.toDataURL('image/png').split(',')[1], drawing.sent, isLive]);
  };
  const sendWhileDrawing = () => {  // not more often than answers come
    clearTimeout(drawing.timer);
    if (data.live_ms === null || !drawing.live || !drawing.isAhead) return;
    const passed = performance.now() - drawing.sentAt, isAnswered = drawing.answered >= drawing.sent;
    const wait = (isAnswered ? data.live_ms : data.live_ms + PATIENCE_MS) - passed;
    if (wait <= 0) send(true);
    else drawing.timer = setTimeout(() => canvas.sendWhileDrawing(), wait);
  };
  canvas.sendWhileDrawing = sendWhileDrawing;  // the timer calls the latest, which knows what has been answered
  const keepStrokes = () => {
    if (!data.is_kept) return;
    const isKept = keep(`drawing ${data.drawing}`, drawing.strokes.length ? drawing.strokes : null);
    find('.kept').textContent = isKept ? KEPT : NOT_KEPT;
  };
  const choose = (tool) => {
    drawing.tool = tool;
    ['.first', '.second'].forEach((name, i) => { find(name).textContent = tools[i].name; find(name).ariaPressed = String(i === tool); });
  };
  const begin = (point) => {
    drawing.live = { tool: drawing.tool, width: drawing.width, points: [point] };
    paint();
  };
  const extend = (points) => {
    drawing.live.points.push(...points);
    drawing.isAhead = true;
    sendWhileDrawing();
  };
  const end = () => {
    if (!drawing.live) return;
    drawing.strokes.push(drawing.live);
    drawing.live = null;
    announce(`Strokes drawn: ${drawing.strokes.length}.`);
    send();
    keepStrokes();
  };
  const undo = () => {
    if (!drawing.strokes.length && !drawing.cleared.length) return;
    if (drawing.strokes.length) drawing.strokes.pop();
    else [drawing.strokes, drawing.cleared] = [drawing.cleared, []];  // Undo after Clear brings the strokes back
    announce(`Undone. Strokes drawn: ${drawing.strokes.length}.`);
    send();
    keepStrokes();
  };
  const clear = () => {
    if (!drawing.strokes.length) return;
    [drawing.strokes, drawing.cleared] = [[], drawing.strokes];
    announce('Cleared. Undo brings the strokes back.');
    send();
    keepStrokes();
  };
  const locate = (event) => {
    const box = canvas.getBoundingClientRect();  // the box includes the border, the client area does not
    const across = (event.clientX - box.left - canvas.clientLeft) * WIDTH / canvas.clientWidth;
    const down = (event.clientY - box.top - canvas.clientTop) * HEIGHT / canvas.clientHeight;
    return [across, down].map((at) => Math.round(10 * at) / 10);  // as exact as anyone sees, and short to store
  };

  canvas.onpointerdown = (event) => {
    if (event.button || drawing.pointer !== null) return;  // a second finger must not end the stroke of the first
    end();
    drawing.pointer = event.pointerId;
    canvas.setPointerCapture(event.pointerId);
    begin(locate(event));
  };
  canvas.onpointermove = (event) => {
    if (!drawing.live || event.pointerId !== drawing.pointer) return;
    const passed = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    extend((passed.length ? passed : [event]).map(locate));
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
      announce(`${tools[tool].name} chosen.`);
      return;
    }
    const move = ARROWS[event.key]; // down and across
    if (!move && event.key !== ' ') return;
    event.preventDefault();
    if (event.key === ' ') {
      if (event.repeat || drawing.pointer !== null) return;  // a held key would keep starting and ending strokes
      if (drawing.live) {
        end();
      } else {
        begin([...drawing.cursor]);
        announce('Stroke started.');
      }
    } else {
      drawing.cursor = drawing.cursor.map((at, axis) => Math.max(0, Math.min(axis ? HEIGHT : WIDTH, at + KEY_STEP * move[1 - axis])));
      if (drawing.live && drawing.pointer === null) extend([[...drawing.cursor]]);
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
  if (isNew) {  // another drawing, or the page is shown again: Python does not have its strokes, and no pointer is down
    drawing.pointer = null;
    find('.kept').textContent = data.is_kept ? KEPT : '';
    if (drawing.live) end();
    else if (drawing.strokes.length && !(data.base && data.sends_base)) send();
  } else if (isNewSession && (drawing.strokes.length || drawing.base)) {
    send();  // the server has forgotten the drawing
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
  sendWhileDrawing();
  if (!drawing.live) paint(canvas.matches(':focus-visible'));
}

/** The strokes that this tab has kept of a drawing; none if what it kept is not a list of strokes. */
function recallStrokes(name, toolCount) {
  const isPoint = (point) => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  const isStroke = (stroke) => stroke?.tool in [...Array(toolCount)] && Number.isFinite(stroke.width) &&
    Array.isArray(stroke.points) && stroke.points.length > 0 && stroke.points.every(isPoint);
  const kept = recall(`drawing ${name}`);
  return Array.isArray(kept) && kept.every(isStroke) ? kept : [];
}
