import { keepReachable, moveAmongTiles } from '../roving_focus.js';
import { placeOnSheet } from '../sprite.js';
import { reveal } from '../reveal.js';

export default function ({ parentElement, data, setTriggerValue }) {
  const frame = parentElement.querySelector('.frame'), wall = parentElement.querySelector('.wall');
  const isNew = wall.dataset.sheet !== data.sheet;
  if (isNew) build(wall, data);
  wall.dataset.sheet = data.sheet;
  wall.setAttribute('aria-label', data.title);
  frame.classList.toggle('boxed', data.boxed);
  const tiles = [...wall.querySelectorAll('button')];
  const mark = (picked) => tiles.forEach((tile, i) => {
    tile.ariaPressed = i === picked;
  });
  mark(data.picked);
  keepReachable(wall, tiles, data.picked);
  const stopWatching = data.boxed ? watchRows(frame, wall, tiles, data, isNew) : undefined;

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
  return stopWatching;
}

/** Says which pictures are in view and how many there are; the buttons scroll by as many rows as are in view. */
function watchRows(frame, wall, tiles, data, isNew) {
  const [back, on] = frame.querySelectorAll('.more button'), range = frame.querySelector('.range');
  const top = (tile) => tile.parentElement.offsetTop - tiles[0].parentElement.offsetTop;
  if (isNew && tiles.length) wall.scrollTop = top(tiles[data.picked ?? 0]);
  const say = () => {
    if (!wall.clientHeight) return;
    const seen = tiles.map((tile, i) => [i, top(tile) - wall.scrollTop + tile.offsetHeight / 2])
      .filter(([, middle]) => middle > 0 && middle < wall.clientHeight).map(([i]) => i);
    const [first, last] = [seen[0] ?? 0, seen.at(-1) ?? 0];
    frame.classList.toggle('whole', last - first + 1 >= data.total);
    range.textContent = `${data.first + first + 1}–${data.first + last + 1} of ${data.total}`;
    back.disabled = first === 0;
    on.disabled = last >= tiles.length - 1;
  };
  back.onclick = () => wall.scrollBy({ top: -wall.clientHeight, behavior: 'instant' });
  on.onclick = () => wall.scrollBy({ top: wall.clientHeight, behavior: 'instant' });
  wall.onscroll = say;
  const observer = new ResizeObserver(say);
  observer.observe(wall);
  say();
  return () => observer.disconnect();
}

function build(wall, data) {
  wall.classList.toggle('one-row', data.in_one_row);
  Object.entries({ wide: data.columns, narrow: data.narrow, count: data.labels.length }).forEach(([name, value]) => {
    wall.style.setProperty(`--${name}`, value);
  });
  wall.style.setProperty('--tile', `${data.tile_rem}rem`);
  wall.classList.toggle('captioned', data.captions.length > 0);
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
