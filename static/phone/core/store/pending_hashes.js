/**
 * Hashes files that a killed browser left without a hash.
 * Runs in the service worker, too.
 */
import { computeSha256 } from "./file_digest.js";
import { listRecords, getRecord, runTransaction } from "./database.js";

/**
 * Stores the hash of the bytes in the database.
 * If the browser lost the bytes, the file is refused, never called sent.
 */
export async function hashFile(file) {
  if (file.sha256) return;
  let sha256 = null;
  try {
    sha256 = await computeSha256(await getRecord("blobs", file.id));
  } catch {
    // the browser lost bytes that it had promised to keep
  }
  await runTransaction(["files"], async (tx) => {
    const current = await tx.store.get(file.id);
    if (!current || current.sha256) return;
    await tx.store.put(sha256 ? { ...current, sha256 } : { ...current, state: "refused", problem: { code: "unreadable_here" } });
  });
}

export async function hashPendingFiles() {
  for (const file of await listRecords("files")) {
    if (!file.sha256 && file.state !== "refused") await hashFile(file);
  }
}
