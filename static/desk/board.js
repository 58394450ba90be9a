// The board stays fresh by itself: what changed is changed in place, so nothing blinks and the focus stays.
const board = document.getElementById("board");
const stale = document.getElementById("board-stale");

function same(a, b) {
  return a && b && a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}

// Makes `old` say what `fresh` says, keeping every node that can stay.
function morph(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) return;
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  children(old, fresh);
}

function children(old, fresh) {
  const wanted = [...fresh.childNodes];
  wanted.forEach((node, place) => {
    const there = old.childNodes[place];
    if (same(there, node)) morph(there, node);
    else if (there) old.replaceChild(node, there);
    else old.appendChild(node);
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

// A parser drops the space before the first element: without it on either side, both trees begin alike.
function trimmed(node) {
  for (const end of ["firstChild", "lastChild"]) {
    while (node[end]?.nodeType === Node.TEXT_NODE && !node[end].data.trim()) node[end].remove();
  }
  return node;
}

async function refresh() {
  if (document.hidden) return;
  const address = new URL(location.href);
  address.searchParams.set("part", "1");
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = document.createElement("div");
    fresh.append(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
    children(board, trimmed(fresh));
    if (stale.textContent) stale.textContent = "";
  } catch {
    if (!stale.textContent) stale.textContent = board.dataset.stale;
  }
}

trimmed(board);
setInterval(refresh, 1000 * Number(board.dataset.fresh));
document.addEventListener("visibilitychange", refresh);
