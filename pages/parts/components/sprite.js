/** Shows picture i of a sprite sheet that is `across` pictures wide and `down` pictures high. */
export function placeOnSheet(element, i, across, down) {
  const share = (at, of) => `${of > 1 ? (100 * at) / (of - 1) : 0}%`;
  element.style.backgroundSize = `${100 * across}% ${100 * down}%`;
  element.style.backgroundPosition = `${share(i % across, across)} ${share(Math.floor(i / across), down)}`;
}
