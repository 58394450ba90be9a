// The desk without a script is whole; with one, some things take a key or a click less.
const typing = (element) => element.closest("input, textarea, select, [contenteditable]");

// "/" goes to the search of the page, "g" to the menu, "?" nowhere else: the browser's own keys stay its own.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const goal = { "/": "#searchbar, [type=search]", g: "#desk-nav a" }[event.key];
  const found = goal && document.querySelector(goal);
  if (found) {
    event.preventDefault();
    found.focus();
  }
});

// The election changes as soon as another is chosen.
document.querySelector("#desk-election")?.addEventListener("change", (event) => event.target.form.requestSubmit());

// Django's inline tables head an unnamed column; a heading without words is none.
for (const head of document.querySelectorAll("thead th")) {
  if (!head.textContent.trim() && !head.children.length) {
    const cell = document.createElement("td");
    cell.className = head.className;
    head.replaceWith(cell);
  }
}
