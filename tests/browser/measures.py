"""What is measured in the browser: how much of an element is on the screen, and how far a page shifts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page

# The share of the element's box in the window that is neither outside it nor under something else, looked up at 400 points.
_SHARE_ON_SCREEN = """target => {
  const box = target.getBoundingClientRect(), points = 20;
  if (!box.width || !box.height) return 0;
  const root = target.getRootNode(), isTransparent = getComputedStyle(target).pointerEvents === 'none';
  const isOwn = (node) => {
    for (let at = node; at; at = at.parentNode ?? at.host) if (at === target) return true;
    return isTransparent && !!node?.contains(target);
  };
  let seen = 0;
  for (let i = 0; i < points; i++) for (let j = 0; j < points; j++) {
    const x = box.left + (i + 0.5) * box.width / points, y = box.top + (j + 0.5) * box.height / points;
    seen += isOwn(root.elementFromPoint(x, y));
  }
  return seen / points ** 2;
}"""

_WATCH_SHIFTS = """() => {
  const shifts = [];
  const name = (node) => {
    const at = node?.nodeType === Node.ELEMENT_NODE ? node : node?.parentElement;
    const key = at?.closest('[class*="st-key-"]')?.className.match(/st-key-[\\w-]+/)?.[0] ?? '';
    return at ? `${key} ${at.dataset?.testid ?? at.tagName.toLowerCase()}` : 'a removed element';
  };
  const box = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(' ');
  const take = (entries) => entries.forEach(({ value, sources }) => shifts.push([
    value, sources.map(({ node, previousRect, currentRect }) => `${name(node)}: ${box(previousRect)} → ${box(currentRect)}`)]));
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  observer.observe({ type: 'layout-shift', buffered: false });
  window.endShifts = () => { take(observer.takeRecords()); observer.disconnect(); return shifts; };
}"""


@dataclass
class Shifts:
    """How far a page shifted.

    Attributes:
        total: the sum of Chromium's layout shifts, also of those right after a click or a key, which its CLS leaves out.
        moved: what moved, from where to where: x, y, width and height in pixels.
    """

    total: float = 0.0
    moved: list[str] = field(default_factory=list)


def share_on_screen(target: Locator) -> float:
    """The share of an element's box that is visible in the window without scrolling, 0 to 1; what is covered does not count."""
    share: float = target.evaluate(_SHARE_ON_SCREEN)
    return share


@contextmanager
def layout_shifts(page: Page) -> Iterator[Shifts]:
    """Watches what shifts on a page while the block runs; the page must not be loaded again in it."""
    shifts = Shifts()
    page.evaluate(_WATCH_SHIFTS)
    yield shifts
    for value, moved in page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(endShifts()))))"):
        shifts.total += value
        shifts.moved += moved


# Every text that can be seen, with the size of its type; charts on a canvas have none that a page could ask for.
_SIZES_OF_TYPE = """() => {
  const sizes = [];
  const walk = (root) => {
    for (const at of root.querySelectorAll('*')) {
      if (at.shadowRoot) walk(at.shadowRoot);
      const text = [...at.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent).join(' ').trim();
      if (!text || at.closest('script, style, [data-testid="stIconMaterial"]')) continue;
      const box = at.getBoundingClientRect(), { visibility, fontSize } = getComputedStyle(at);
      if (visibility === 'hidden' || box.width <= 1 || box.height <= 1) continue;
      sizes.push([parseFloat(fontSize), text.slice(0, 60), at.closest('svg') !== null]);
    }
  };
  walk(document);
  return sizes;
}"""


def smallest_texts(page: Page, below_px: float, of_axes_px: float) -> list[str]:
    """Texts on the page whose type is too small, each with its size in pixels.

    Args:
        below_px: the smallest size that is large enough.
        of_axes_px: the same for text in a chart.
    """
    sizes = page.evaluate(_SIZES_OF_TYPE)
    assert sizes, "a page has text"
    return sorted({f"{size:g} px: {text}" for size, text, is_chart in sizes if size < (of_axes_px if is_chart else below_px)})
