import { ARROWS, moveFocus } from '../roving_focus.js';
import { reveal } from '../reveal.js';

export default function ({ parentElement, data, setTriggerValue }) {
  const table = parentElement.querySelector('table');
  const drawn = JSON.stringify([data.names, data.texts, data.shades]);
  if (table.dataset.drawn !== drawn) build(table, data);
  table.dataset.drawn = drawn;
  table.setAttribute('aria-label', `Confusion matrix. ${data.summary}`);
  parentElement.querySelector('.summary').textContent = data.summary;
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
  axis.append(element('td', '', { colspan: 2 }), element('th', 'What the network predicts', { class: 'axis', colspan: size }));
  head.append(element('td', '', { colspan: 2 }), ...heads.map((name) => element('th', name, { scope: 'col' })));
  table.tHead.replaceChildren(axis, head);
  table.tBodies[0].replaceChildren(...data.texts.map((row, i) => {
    const line = document.createElement('tr');
    if (i === 0) line.append(element('th', 'What it is', { class: 'axis', rowspan: size }));
    line.append(element('th', data.names[i], { scope: 'row' }));
    row.forEach((text, j) => {
      const shade = data.shades[i][j];
      const cell = element('button', text, { type: 'button', 'data-cell': `${i}-${j}`, 'aria-label': data.labels[i][j] });
      // Up to half the text keeps the theme's colour, above it takes the background's: at least 4.5 to 1 in both themes.
      cell.style.setProperty('--strength', `${shade < 0.5 ? 90 * shade : 85 + 30 * (shade - 0.5)}%`);
      cell.className = shade < 0.5 ? '' : 'strong';
      const holder = document.createElement('td');
      holder.append(cell);
      line.append(holder);
    });
    return line;
  }));
}
