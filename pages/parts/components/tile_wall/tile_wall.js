import { element } from '../element.js';
import { keepReachable, moveAmongTiles } from '../roving_focus.js';
import { contrastingText, paint, palette } from '../colour_scale.js';

export default function ({ parentElement, data, setTriggerValue }) {
  const wall = parentElement.querySelector('.wall'), board = parentElement.querySelector('.board');
  const sheets = data.sheets.map((sheet) => ({ ...sheet, palette: palette(sheet.stops), bytes: decode(sheet.levels) }));
  if (wall.dataset.drawn !== data.id) build(wall, data, sheets);
  wall.dataset.drawn = data.id;
  wall.setAttribute('aria-label', data.title);
  board.classList.toggle('panelled', data.numbers.length > 0);
  parentElement.querySelector('.legends').replaceChildren(...sheets.map(legend));
  if (!data.numbers.length) return;

  const tiles = [...wall.children];
  const show = (picked) => {
    tiles.forEach((tile, i) => {
      tile.ariaPressed = i === picked;
    });
    describe(parentElement, data, sheets, picked);
  };
  show(data.picked);
  keepReachable(wall, tiles, data.picked);
  wall.onclick = (event) => {
    const picked = tiles.indexOf(event.target.closest('button'));
    if (picked < 0) return;
    show(picked); // at once: the answer takes a moment
    setTriggerValue('picked', [data.id, picked]);
  };
  wall.onkeydown = (event) => {
    const style = getComputedStyle(wall), tracks = (list) => list.split(' ').length;
    const byColumn = style.gridAutoFlow === 'column';
    moveAmongTiles(event, tiles, () => (byColumn ? [tracks(style.gridTemplateRows), 1] : [1, tracks(style.gridTemplateColumns)]));
  };
}

function decode(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** The map of tile i on a sheet, as a canvas with one pixel per value. */
function draw(sheet, i) {
  const canvas = document.createElement('canvas'), size = sheet.width * sheet.height;
  canvas.width = sheet.width;
  canvas.height = sheet.height;
  canvas.getContext('2d').putImageData(paint(sheet, sheet.bytes.subarray(i * size, (i + 1) * size)), 0, 0);
  return canvas;
}

function legend(sheet) {
  const scale = element('span', 'scale');
  scale.style.background = `linear-gradient(to right, ${sheet.stops.map(([at, colour]) => `${colour} ${100 * at}%`).join()})`;
  return element('span', 'legend', `${sheet.legend}: ${sheet.low}`, scale, sheet.high);
}

function build(wall, data, sheets) {
  const across = { wide: data.columns, narrow: data.narrow };
  Object.entries(across).forEach(([name, columns]) => {
    wall.style.setProperty(`--${name}`, columns);
    wall.style.setProperty(`--${name}-rows`, Math.ceil(data.labels.length / columns));
  });
  wall.style.setProperty('--layers', sheets.length);
  wall.classList.toggle('dense', data.dense);
  wall.replaceChildren(...data.labels.map((label, i) => {
    const tile = element(data.numbers.length ? 'button' : 'div', 'tile', element('span', 'name', data.names[i] ?? ''), ...sheets.map((sheet) => draw(sheet, i)));
    if (data.numbers.length) tile.type = 'button';
    else tile.setAttribute('role', 'img');
    tile.setAttribute('aria-label', label);
    return tile;
  }));
}

/** Beside the wall: the chosen tile's numbers, each on its colour, its map enlarged, and other pictures. */
function describe(parent, data, sheets, picked) {
  const [kernels, maps] = sheets, table = parent.querySelector('.numbers');
  parent.querySelector('.panel').setAttribute('aria-label', data.panel);
  parent.querySelector('.chosen').textContent = `${data.headings[picked]}: ${data.numbers[picked].length} ${kernels.legend}s`;
  table.setAttribute('aria-label', `${kernels.legend}s of ${data.headings[picked]}`);
  const rows = Array.from({ length: kernels.height }, (_, row) => element('tr', '', ...Array.from({ length: kernels.width }, (_unused, column) => {
    const at = row * kernels.width + column, cell = element('td', '', data.numbers[picked][at]);
    const colour = kernels.palette[kernels.bytes[picked * kernels.width * kernels.height + at]];
    cell.style.background = `rgb(${colour})`;
    cell.style.color = contrastingText(colour);
    return cell;
  })));
  table.tBodies[0].replaceChildren(...rows);
  const enlarged = maps ? [figure(draw(maps, picked), `${data.map_captions[picked]}`)] : [];
  const pictures = data.pictures.map(([source, alt, caption]) => {
    const image = document.createElement('img');
    image.src = source;
    image.alt = alt;
    return figure(image, caption);
  });
  parent.querySelector('.pictures').replaceChildren(...enlarged, ...pictures);
}

function figure(picture, caption) {
  if (picture instanceof HTMLCanvasElement) {
    picture.setAttribute('role', 'img');
    picture.setAttribute('aria-label', caption);
  }
  return element('figure', '', picture, element('figcaption', '', caption));
}
