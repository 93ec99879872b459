// WAI-ARIA's roving tabindex: of many buttons, one is in the tab order, and the arrow keys move the focus.

export const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Moves the focus from one element to another; if there is no other, the key does nothing. */
export function moveFocus(event, from, to) {
  event.preventDefault();
  if (!to) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

/** Lets the arrow keys, Home and End move the focus among tiles; stepsOf returns how many tiles a step across and a step down are. */
export function moveAmongTiles(event, tiles, stepsOf) {
  const here = tiles.indexOf(event.target.closest('button'));
  const [across, down] = stepsOf();
  const targets = {
    ArrowLeft: here - across,
    ArrowRight: here + across,
    ArrowUp: here - down,
    ArrowDown: here + down,
    Home: 0,
    End: tiles.length - 1,
  };
  if (here >= 0 && event.key in targets) moveFocus(event, tiles[here], tiles[targets[event.key]]);
}

/** After a redraw, puts one tile in the tab order: the one with the focus, else the chosen one, else the first. */
export function keepReachable(wall, tiles, chosen) {
  const focused = tiles.indexOf(wall.getRootNode().activeElement);
  const reachable = focused >= 0 ? focused : chosen ?? 0;
  tiles.forEach((tile, i) => {
    tile.tabIndex = i === reachable ? 0 : -1;
  });
}
