/** What the server says of a report's files, noted inside the caller's transaction. */

/** `listed` is the evidence of a receipt. A file it does not list was not announced yet. */
export async function settleFiles(files, report, listed) {
  const told = new Map(listed.filter((one) => typeof one?.id === "string").map((one) => [one.id.toLowerCase(), one]));
  for (const file of await files.index("report").getAll(report)) {
    if (file.state === "draft" || file.state === "refused") continue;
    const one = told.get(file.id);
    if (file.let_go && one?.state !== "stored") continue; // it was stored once, and its bytes are here no more
    await files.put(one ? settled(file, one) : { ...file, announced: false, state: "waiting", offset: 0 });
  }
}

export function settled(file, { state, offset, url }) {
  const path = pathOf(url) ?? `/evidence/${file.id}`;
  if (state === "stored") return stored({ ...file, path });
  const at = Number.isSafeInteger(offset) && offset >= 0 && offset <= file.size ? offset : 0;
  return { ...file, path, announced: true, offset: at, state: at > 0 ? "partial" : "waiting" };
}

export function stored(file) {
  return { ...file, announced: true, state: "stored", offset: file.size, problem: null, attempts: 0, next_at: 0 };
}

/** The address below the API's base: which of the mirrors is asked is decided anew each time. */
function pathOf(url) {
  const found = /\/api\/v1(\/[\w/.-]+)$/.exec(typeof url === "string" ? url : "");
  return found ? found[1] : null;
}
