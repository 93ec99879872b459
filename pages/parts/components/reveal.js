// Brings what a click has changed into view.

/** Scrolls to the Streamlit container with this key, if there is one and it cannot be seen. */
export function reveal(key) {
  const container = key && document.querySelector(`.st-key-${key}`);
  if (!container) return;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  container.scrollIntoView({ block: 'nearest', behavior: calm ? 'auto' : 'smooth' });
}
