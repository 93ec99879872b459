// Of many buttons one is in the tab order, and the arrow keys hand that on: the pattern that WAI-ARIA calls a roving tabindex.

export const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Moves the focus between two elements; where there is none to go to, the key does nothing at all. */
export function moveFocus(event, from, to) {
  event.preventDefault();
  if (!to) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

/** Lets the arrow keys, Home and End move the focus among tiles; stepsOf gives how far one step across and one down go. */
export function moveAmongTiles(event, tiles, stepsOf) {
  const here = tiles.indexOf(event.target.closest('button'));
  const [across, down] = stepsOf();
  const places = {
    ArrowLeft: here - across,
    ArrowRight: here + across,
    ArrowUp: here - down,
    ArrowDown: here + down,
    Home: 0,
    End: tiles.length - 1,
  };
  if (here >= 0 && event.key in places) moveFocus(event, tiles[here], tiles[places[event.key]]);
}

/** Of tiles drawn anew, keeps the one in the tab order that has the focus, else the chosen one, else the first. */
export function keepReachable(wall, tiles, chosen) {
  const focused = tiles.indexOf(wall.getRootNode().activeElement);
  const reachable = focused >= 0 ? focused : chosen ?? 0;
  tiles.forEach((tile, i) => {
    tile.tabIndex = i === reachable ? 0 : -1;
  });
}
