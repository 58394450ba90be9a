// Refreshes the board in place.
// Only nodes that changed are replaced, so nothing blinks and the focus stays.
const board = document.getElementById("board");
const staleNotice = document.getElementById("board-stale");

function isSameNode(a, b) {
  return a && b && a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}

// Changes `old` to equal `fresh` and keeps every node that can stay.
function morphNode(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) return;
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const wanted = [...fresh.childNodes];
  wanted.forEach((node, index) => {
    const existing = old.childNodes[index];
    if (isSameNode(existing, node)) morphNode(existing, node);
    else if (existing) old.replaceChild(node, existing);
    else old.appendChild(node);
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

// Removes blank text at both ends of `node`.
// The parser drops the space before the first element, so both trees must be compared without it.
function trimBlankText(node) {
  for (const end of ["firstChild", "lastChild"]) {
    while (node[end]?.nodeType === Node.TEXT_NODE && !node[end].data.trim()) node[end].remove();
  }
  return node;
}

async function refreshBoard() {
  if (document.hidden) return;
  const address = new URL(location.href);
  address.searchParams.set("part", "1");
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" }, redirect: "error" });
    if (!response.ok) throw new Error(String(response.status));
    const fresh = document.createElement("div");
    fresh.append(...new DOMParser().parseFromString(await response.text(), "text/html").body.childNodes);
    morphChildren(board, trimBlankText(fresh));
    if (staleNotice.textContent) staleNotice.textContent = "";
  } catch {
    if (!staleNotice.textContent) staleNotice.textContent = board.dataset.stale;
  }
}

trimBlankText(board);
setInterval(refreshBoard, 1000 * Number(board.dataset.fresh));
document.addEventListener("visibilitychange", refreshBoard);
