import { keep, recall } from '../tab_storage.js';

const NOT_KEPT = 'This browser stores no more for this tab: reloading it would lose the pictures.';
const asked = new Set();  // sessions of the server that have been given what the tab has kept
let stored = '';

export default function ({ parentElement, data, setTriggerValue }) {
  const line = parentElement.querySelector('.line');
  if (data.items === null) {  // a new session, which does not know yet what the tab has kept
    const kept = asked.has(data.session) ? null : recall(data.name);
    asked.add(data.session);
    if (kept) setTriggerValue('returned', kept);
    line.textContent = '';
    return;
  }
  asked.add(data.session);
  const isStored = stored === data.version || keep(data.name, data.items.length ? data.items : null);
  stored = isStored ? data.version : '';
  line.textContent = isStored ? data.sentence : NOT_KEPT;
}
