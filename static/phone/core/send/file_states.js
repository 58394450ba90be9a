/** Applies the server's file states, within the caller's transaction. */

/**
 * Applies `evidence` of a receipt to the files of `report`.
 * A file that is not listed was not announced yet.
 */
export async function applyServerFileStates(files, report, evidence) {
  const entriesById = new Map(evidence.filter((entry) => typeof entry?.id === "string").map((entry) => [entry.id.toLowerCase(), entry]));
  for (const file of await files.index("report").getAll(report)) {
    if (file.state === "draft" || file.state === "refused") continue;
    const entry = entriesById.get(file.id);
    if (file.let_go && entry?.state !== "stored") continue; // it was stored once, and its bytes are no longer on the phone
    await files.put(entry ? applyServerFileState(file, entry) : { ...file, announced: false, state: "waiting", offset: 0 });
  }
}

export function applyServerFileState(file, { state, offset, url }) {
  const path = parseApiPath(url) ?? `/evidence/${file.id}`;
  if (state === "stored") return markStored({ ...file, path });
  const confirmed = Number.isSafeInteger(offset) && offset >= 0 && offset <= file.size ? offset : 0;
  return { ...file, path, announced: true, offset: confirmed, state: confirmed > 0 ? "partial" : "waiting" };
}

export function markStored(file) {
  return { ...file, announced: true, state: "stored", offset: file.size, problem: null, attempts: 0, next_at: 0 };
}

/**
 * The path below the API's base address.
 * Which mirror is used is decided for each request.
 */
function parseApiPath(url) {
  const found = /\/api\/v1(\/[\w/.-]+)$/.exec(typeof url === "string" ? url : "");
  return found ? found[1] : null;
}
