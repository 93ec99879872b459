import { keepReachable, moveAmongTiles } from '../roving_focus.js';
import { placeOnSheet } from '../sprite.js';
import { reveal } from '../reveal.js';

export default function ({ parentElement, data, setTriggerValue }) {
  const wall = parentElement.querySelector('.wall');
  if (wall.dataset.sheet !== data.sheet) build(wall, data);
  wall.dataset.sheet = data.sheet;
  wall.setAttribute('aria-label', data.title);
  const tiles = [...wall.querySelectorAll('button')];
  const mark = (picked) => tiles.forEach((tile, i) => {
    tile.ariaPressed = i === picked;
  });
  mark(data.picked);
  keepReachable(wall, tiles, data.picked);

  wall.onclick = (event) => {
    const picked = tiles.indexOf(event.target.closest('button'));
    if (picked < 0) return;
    mark(picked); // at once: the answer takes a moment
    setTriggerValue('picked', [data.sheet, picked]);
    reveal(data.reveals);
  };
  wall.onkeydown = (event) => {
    moveAmongTiles(event, tiles, () => [1, getComputedStyle(wall).gridTemplateColumns.split(' ').length]);
  };
}

function build(wall, data) {
  wall.style.setProperty('--columns', data.columns);
  wall.style.setProperty('--tile', `${data.tile_px}px`);
  wall.replaceChildren(...data.labels.map((label, i) => {
    const figure = document.createElement('figure'), tile = document.createElement('button');
    tile.type = 'button';
    tile.setAttribute('aria-label', label);
    tile.style.backgroundImage = `url(${data.source})`;
    placeOnSheet(tile, i, data.across, data.down);
    figure.append(tile);
    if (data.captions.length) {
      const caption = document.createElement('figcaption');
      caption.textContent = data.captions[i];
      figure.append(caption);
    }
    return figure;
  }));
}
