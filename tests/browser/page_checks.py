"""Checks of a page: accessibility (axe) and horizontal overflow."""

from pathlib import Path

from playwright.sync_api import Page

AXE_SCRIPT = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")


def find_overflow(page: Page, ignored: str = ".skip, .away, thead, svg") -> list[str]:
    """Elements that overflow the window to the right or left, except `ignored` ones."""
    found: list[str] = page.evaluate(
        """(ignored) => {
        const wide = document.documentElement.clientWidth;
        return [...document.querySelectorAll('body *')].filter(e => !e.closest(ignored))
          .filter(e => { const r = e.getBoundingClientRect(); return r.width && (r.right > wide + 1 || r.left < -1) })
          .map(e => e.tagName + '.' + e.className + ': ' + e.textContent.slice(0, 40));
      }""",
        ignored,
    )
    overflow = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return found or (["the page scrolls sideways"] if overflow else [])


def find_accessibility_problems(page: Page, *extra_rules: str) -> list[str]:
    """Violations that axe finds; `extra_rules` are off by default."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT + "; 0")
    rules = {name: {"enabled": True} for name in extra_rules}
    found = page.evaluate(
        "(rules) => axe.run(document, {resultTypes: ['violations'], preload: false, rules}).then(r => r.violations)",
        rules,
    )
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary']}" for one in found]
