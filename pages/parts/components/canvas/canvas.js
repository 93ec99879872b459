import { ARROWS } from '../roving_focus.js';

const KEY_STEP = 7;
const drawings = new Map();  // strokes outlive the canvas, which is created again whenever the page is shown

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
  const send = () => {
    paint();
    const sheet = document.createElement('canvas');
    [sheet.width, sheet.height] = [WIDTH, HEIGHT];
    const context = sheet.getContext('2d');
    clearSheet(context, data.sends_base);
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
    announce(`Strokes drawn: ${drawing.strokes.length}.`);
    send();
  };
  const undo = () => {
    if (!drawing.strokes.length && !drawing.cleared.length) return;
    if (drawing.strokes.length) drawing.strokes.pop();
    else [drawing.strokes, drawing.cleared] = [drawing.cleared, []];  // Undo after Clear brings the strokes back
    announce(`Undone. Strokes drawn: ${drawing.strokes.length}.`);
    send();
  };
  const clear = () => {
    if (!drawing.strokes.length) return;
    [drawing.strokes, drawing.cleared] = [[], drawing.strokes];
    announce('Cleared. Undo brings the strokes back.');
    send();
  };
  const locate = (event) => {
    const box = canvas.getBoundingClientRect();  // the box includes the border, the client area does not
    return [(event.clientX - box.left - canvas.clientLeft) * WIDTH / canvas.clientWidth,
      (event.clientY - box.top - canvas.clientTop) * HEIGHT / canvas.clientHeight];
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
    for (const each of passed.length ? passed : [event]) drawing.live.points.push(locate(each));
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
  if (isNew) {  // another drawing, or the page is shown again: Python does not have its strokes, and no pointer is down
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
