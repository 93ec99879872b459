import { ARROWS, moveFocus } from '../roving_focus.js';

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
    const cell = event.target.closest('tbody td'), move = ARROWS[event.key];
    if (!cell || !move) return;
    const next = table.rows[cell.parentElement.rowIndex + move[0]]?.cells[cell.cellIndex + move[1]];
    moveFocus(event, cell, next?.matches('tbody td') ? next : null);
  });
}
