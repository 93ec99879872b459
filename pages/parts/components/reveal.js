/** Scrolls the Streamlit container with this key into view, unless at least half of what the window can show of it is in view already. */
export function reveal(key) {
  const container = key && document.querySelector(`.st-key-${key}`);
  if (!container) return;
  const box = container.getBoundingClientRect(), header = 60;
  const seen = Math.min(innerHeight, box.bottom) - Math.max(header, box.top);
  if (seen >= Math.min(box.height, innerHeight - header) / 2) return;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  container.scrollIntoView({ block: 'nearest', behavior: calm ? 'auto' : 'smooth' });
}
