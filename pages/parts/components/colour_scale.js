// Colour scales: stops, such as [[0, '#000000'], [1, '#ffffff']], and levels from 0 to 255 along them.

/** The colour of every level as [red, green, blue]. */
export function palette(stops) {
  const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return Array.from({ length: 256 }, (_, level) => {
    const at = level / 255, above = Math.max(1, stops.findIndex(([stop]) => stop >= at));
    const [[low, from], [high, to]] = [stops[above - 1], stops[above]];
    const share = (at - low) / (high - low), start = channels(from), end = channels(to);
    return start.map((channel, i) => Math.round(channel + share * (end[i] - channel)));
  });
}

/** Levels, row by row, as pixels. */
export function paint({ width, height, palette: colours }, levels) {
  const pixels = new ImageData(width, height);
  levels.forEach((level, i) => pixels.data.set([...colours[level], 255], 4 * i));
  return pixels;
}

/** Black or white, whichever has the higher contrast on a colour: at least 4.5 to 1 on any. */
export function contrastingText(colour) {
  const [red, green, blue] = colour.map((channel) => {
    const share = channel / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000' : '#fff';
}
