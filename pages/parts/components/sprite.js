// Many pictures on one sheet, each shown by its place on it.

/** Shows picture number i of a sheet that is so many pictures across and down. */
export function placeOnSheet(element, i, across, down) {
  const share = (at, of) => `${of > 1 ? (100 * at) / (of - 1) : 0}%`;
  element.style.backgroundSize = `${100 * across}% ${100 * down}%`;
  element.style.backgroundPosition = `${share(i % across, across)} ${share(Math.floor(i / across), down)}`;
}
