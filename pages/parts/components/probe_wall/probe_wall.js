import { keepReachable, moveAmongTiles } from '../roving_focus.js';
import { placeOnSheet } from '../sprite.js';

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
  };
  wall.onkeydown = (event) => {
    const style = getComputedStyle(wall);
    const byColumn = style.gridAutoFlow === 'column';
    moveAmongTiles(event, tiles, () => (byColumn ? [2, 1] : [1, style.gridTemplateColumns.split(' ').length]));
  };
}

function build(wall, data) {
  wall.replaceChildren(...data.true.map((label, i) => {
    const tile = document.createElement('button');
    tile.type = 'button';
    tile.innerHTML = '<span class="picture"></span><span class="bar"><span class="fill"></span></span>' +
      '<span class="name"></span><span class="answer"></span>';
    tile.querySelector('.name').textContent = data.classes[label];
    placeOnSheet(tile.querySelector('.picture'), i, data.across, data.down);
    return tile;
  }));
}
