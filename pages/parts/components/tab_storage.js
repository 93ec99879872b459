// What outlives a reload: the browser's storage of this tab, which it empties when the tab is closed.

const PREFIX = 'fmnist ';

/** The value kept under a name; null if there is none, or the browser lets nobody store anything. */
export function recall(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name));
  } catch {
    return null;
  }
}

/** Keeps a value under a name, or removes the name if the value is null; returns whether the browser has stored it. */
export function keep(name, value) {
  try {
    if (value === null) sessionStorage.removeItem(PREFIX + name);
    else sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;  // the storage is full, or switched off
  }
}
