// Keyboard shortcuts and small helps of the desk. Everything works without this script.
const isTypingIn = (element) => element.closest("input, textarea, select, [contenteditable]");

// "/" moves the focus to the page's search, "g" to the menu. Keys of the browser (with Ctrl, Meta, Alt) are left alone.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTypingIn(event.target)) return;
  const selector = { "/": "#searchbar, [type=search]", g: "#desk-nav a" }[event.key];
  const found = selector && document.querySelector(selector);
  if (found) {
    event.preventDefault();
    found.focus();
  }
});

// Choosing another election submits its form at once.
document.querySelector("#desk-election")?.addEventListener("change", (event) => event.target.form.requestSubmit());

// Django's inline tables have a header cell for an unnamed column; an empty header cell is not accessible.
for (const head of document.querySelectorAll("thead th")) {
  if (!head.textContent.trim() && !head.children.length) {
    const cell = document.createElement("td");
    cell.className = head.className;
    head.replaceWith(cell);
  }
}
