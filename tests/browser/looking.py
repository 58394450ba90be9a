"""Looking at a page as people do: what axe finds, and what sticks out of the window."""

from pathlib import Path

from playwright.sync_api import Page

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")


def sideways(page: Page, besides: str = ".skip, .away, thead, svg") -> list[str]:
    """What sticks out of the window to the right or left, but for what is hidden on purpose."""
    found: list[str] = page.evaluate(
        """(besides) => {
        const wide = document.documentElement.clientWidth;
        return [...document.querySelectorAll('body *')].filter(e => !e.closest(besides))
          .filter(e => { const r = e.getBoundingClientRect(); return r.width && (r.right > wide + 1 || r.left < -1) })
          .map(e => e.tagName + '.' + e.className + ': ' + e.textContent.slice(0, 40));
      }""",
        besides,
    )
    overflow = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return found or (["the page scrolls sideways"] if overflow else [])


def accessibility(page: Page, *more: str) -> list[str]:
    """What axe finds wrong; `more` are rules that it does not check by itself."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE + "; 0")
    rules = {name: {"enabled": True} for name in more}
    found = page.evaluate(
        "(rules) => axe.run(document, {resultTypes: ['violations'], preload: false, rules}).then(r => r.violations)",
        rules,
    )
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary']}" for one in found]
