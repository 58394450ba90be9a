/** Hashes of files that a killed browser left without one; also in the service worker. */
import { sha256Of } from "./digest.js";
import { all, get, transact } from "./store.js";

/** Notes the hash of what lies in the database. What the browser lost is refused, never called sent. */
export async function fileHash(file) {
  if (file.sha256) return;
  let sha256 = null;
  try {
    sha256 = await sha256Of(await get("blobs", file.id));
  } catch {
    // the browser does not give back what it promised to keep
  }
  await transact(["files"], async (tx) => {
    const now = await tx.store.get(file.id);
    if (!now || now.sha256) return;
    await tx.store.put(sha256 ? { ...now, sha256 } : { ...now, state: "refused", problem: { code: "unreadable_here" } });
  });
}

export async function filesHash() {
  for (const file of await all("files")) {
    if (!file.sha256 && file.state !== "refused") await fileHash(file);
  }
}
