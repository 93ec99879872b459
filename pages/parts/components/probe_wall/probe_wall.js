import { keepReachable, moveAmongTiles } from '../roving_focus.js';
import { placeOnSheet } from '../sprite.js';
import { reveal } from '../reveal.js';

const PAIR = 2; // the trainer picks two images of each class

export default function ({ parentElement, data, setTriggerValue }) {
  const wall = parentElement.querySelector('.probes');
  if (wall.dataset.sheet !== data.sheet) build(wall, data);
  wall.dataset.sheet = data.sheet;
  wall.setAttribute('aria-label', data.title);
  parentElement.querySelector('.summary').textContent = data.summary;
  const tiles = [...wall.querySelectorAll('button')];
  keepReachable(wall, tiles, data.pinned);
  tiles.forEach((tile, i) => {
    const correct = data.predicted[i] === data.true[i], percent = Math.round(data.per_mille[i] / 10);
    const predicted = data.classes[data.predicted[i]];
    tile.className = correct ? 'correct' : 'wrong';
    tile.ariaPressed = i === data.pinned;
    tile.querySelector('.fill').style.width = `${data.per_mille[i] / 10}%`;
    tile.querySelector('.answer').textContent = correct ? `✓ ${percent} %` : `✗ ${predicted}`;
    const outcome = correct ? `correct, ${percent} %` : `wrong, classified as ${predicted}, ${percent} % for the true class`;
    tile.setAttribute('aria-label', `${data.classes[data.true[i]]}, test image ${data.numbers[i]}: ${outcome}`);
  });

  wall.onclick = (event) => {
    const picked = tiles.indexOf(event.target.closest('button'));
    if (picked < 0) return;
    const unpinned = tiles[picked].ariaPressed === 'true';
    tiles.forEach((tile, i) => {
      tile.ariaPressed = i === picked && !unpinned; // at once: the answer takes a moment
    });
    setTriggerValue('picked', [data.sheet, unpinned ? -1 : picked]);
    if (!unpinned) reveal(data.reveals);
  };
  wall.onkeydown = (event) => moveAmongTiles(event, tiles, () => [PAIR, 1]);
}

// One column for each two images, under the names of their classes.
function build(wall, data) {
  const pairs = [];
  for (let first = 0; first < data.true.length; first += PAIR) {
    const labels = data.true.slice(first, first + PAIR), pair = document.createElement('div'), name = document.createElement('p');
    pair.className = 'pair';
    name.className = 'name';
    name.ariaHidden = true; // each tile names its class
    name.textContent = name.title = [...new Set(labels.map((label) => data.classes[label]))].join(', ');
    pair.append(name, ...labels.map((_label, i) => makeTile(first + i, data)));
    pairs.push(pair);
  }
  wall.replaceChildren(...pairs);
}

function makeTile(i, data) {
  const tile = document.createElement('button');
  tile.type = 'button';
  tile.innerHTML = '<span class="picture"></span><span class="bar"><span class="fill"></span></span><span class="answer"></span>';
  placeOnSheet(tile.querySelector('.picture'), i, data.across, data.down);
  return tile;
}
