/** Scrolls the Streamlit container with this key into view, if it exists and is not visible. */
export function reveal(key) {
  const container = key && document.querySelector(`.st-key-${key}`);
  if (!container) return;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  container.scrollIntoView({ block: 'nearest', behavior: calm ? 'auto' : 'smooth' });
}
