import { ARROWS, moveFocus } from '../roving_focus.js';
import { reveal } from '../reveal.js';

export default function ({ parentElement, data, setTriggerValue }) {
  const table = parentElement.querySelector('table');
  const drawn = JSON.stringify([data.names, data.texts, data.shades]);
  if (table.dataset.drawn !== drawn) build(table, data);
  table.dataset.drawn = drawn;
  table.setAttribute('aria-label', `Confusion matrix. ${data.summary}`);
  describe(parentElement, data);
  const at = (i, j) => table.querySelector(`[data-cell="${i}-${j}"]`);
  const mark = (chosen) => table.querySelectorAll('button').forEach((cell) => {
    cell.ariaPressed = cell === chosen;
    cell.tabIndex = cell === (chosen ?? at(0, 0)) ? 0 : -1;
  });
  mark(data.selected && at(...data.selected));

  table.onclick = (event) => {
    const cell = event.target.closest('button');
    if (!cell) return;
    mark(cell); // at once: the answer takes a moment
    setTriggerValue('cell', cell.dataset.cell.split('-').map(Number));
    reveal(data.reveals);
  };
  table.onkeydown = (event) => {
    const cell = event.target.closest('button'), move = ARROWS[event.key];
    if (!cell || !move) return;
    const [i, j] = cell.dataset.cell.split('-').map(Number);
    moveFocus(event, cell, at(i + move[0], j + move[1]));
  };
}

/** What the numbers and the colours mean. */
function describe(parent, data) {
  const scale = parent.querySelector('.scale');
  parent.querySelector('.summary').textContent = data.summary;
  parent.querySelector('.high').textContent = `${data.highest} of a row`;
  scale.style.setProperty('--light', data.legend.light.join());
  scale.style.setProperty('--dark', data.legend.dark.join());
  scale.classList.toggle('dark', getComputedStyle(scale).colorScheme === 'dark');
}

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A class's name, and the short one that takes its place where there is no room. */
function name(data, i) {
  return [make('span', { class: 'long' }, data.names[i]), make('span', { class: 'short', 'aria-hidden': true }, data.short[i])];
}

function build(table, data) {
  const size = data.names.length;
  table.tHead.replaceChildren(
    make('tr', {}, make('td', { class: 'corner' }), make('th', { class: 'axis', colspan: size }, 'What the network predicts →')),
    make('tr', {}, make('td', { class: 'corner' }, 'What it is ↓'),
      ...data.names.map((label, j) => make('th', { scope: 'col', 'aria-label': label }, ...name(data, j)))),
  );
  table.tBodies[0].replaceChildren(...data.texts.map((row, i) => make(
    'tr', {}, make('th', { scope: 'row', 'aria-label': data.names[i] }, ...name(data, i)),
    ...row.map((text, j) => {
      const cell = make('button', { type: 'button', 'data-cell': `${i}-${j}`, 'aria-label': data.labels[i][j] }, text);
      const [light, onLight, dark, onDark] = data.shades[i][j];
      Object.entries({ light, 'on-light': onLight, dark, 'on-dark': onDark }).forEach(([key, colour]) => {
        cell.style.setProperty(`--${key}`, colour);
      });
      return make('td', {}, cell);
    }),
  )));
}
