const EVERY_MS = 3000;

// Asks the server for a few bytes; only when they have changed does the page's own connection have work to do.
export default function ({ parentElement, data, setTriggerValue }) {
  const spoken = parentElement.querySelector('.spoken');
  if (spoken.textContent !== data.spoken) spoken.textContent = data.spoken;

  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(new URL(data.address, document.baseURI), { cache: 'no-store' });
      const version = await answer.text();
      if (answer.ok && version !== data.version) setTriggerValue('changed', version);
    } catch {
      // the server is away, and the page says so
    }
  };
  const timer = setInterval(look, EVERY_MS);
  document.addEventListener('visibilitychange', look);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', look);
  };
}
