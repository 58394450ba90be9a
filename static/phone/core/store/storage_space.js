/**
 * Storage space on the phone.
 * Files that the server has stored may be evicted, oldest first; what waits is never deleted.
 */
import { listRecords, setSpaceReclaimer, runTransaction } from "./database.js";

const RESERVE_KEY = "ballast";
const RESERVE_BYTES = 2_000_000; // given up so that a report without photos can always be saved
const LOW_SPACE_BYTES = 100_000_000;
const RECENTLY_FULL_MS = 600_000; // browsers round their estimates, so a full disk is remembered this long
let lastFullAt = 0;

/**
 * Total and used space: {quota, usage, low}, in bytes.
 * `low`: less than 100 MB are left. All null where the browser does not tell.
 */
export async function estimateSpace() {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    return { quota, usage, low: quota - usage < LOW_SPACE_BYTES || Date.now() - lastFullAt < RECENTLY_FULL_MS };
  } catch {
    return { quota: null, usage: null, low: null };
  }
}

/**
 * Evicts the bytes of stored files until about `bytes` are free.
 * Oldest first; thumbnails stay. Gives the number of bytes freed.
 */
export async function evictStoredFiles(bytes) {
  const stored = (await listRecords("files")).filter((one) => one.state === "stored" && !one.let_go);
  stored.sort((a, b) => a.added_at - b.added_at);
  let freed = 0;
  for (const file of stored) {
    if (freed >= bytes) break;
    freed += await evictFile(file.id);
  }
  return freed;
}

function evictFile(id) {
  return runTransaction(["reports", "files", "blobs"], async (tx) => {
    const file = await tx.objectStore("files").get(id);
    const report = file && (await tx.objectStore("reports").get(file.report));
    if (file?.state !== "stored" || report?.state !== "received") return 0;
    await tx.objectStore("files").put({ ...file, let_go: true });
    await tx.objectStore("blobs").delete(id);
    return file.size;
  }, { mayReclaim: false });
}

/**
 * Creates the reserve and enables the freeing of space.
 * Called once, at the start.
 */
export async function initStorageReserve() {
  setSpaceReclaimer(reclaimSpace);
  await ensureReserve();
}

/**
 * Creates the reserve again if it was given up; whether it exists.
 * Without it no file is accepted: reports go first.
 */
export async function ensureReserve() {
  try {
    await runTransaction(["blobs"], async (tx) => {
      if ((await tx.store.getKey(RESERVE_KEY)) === undefined) await tx.store.put(new Blob([new Uint8Array(RESERVE_BYTES)]), RESERVE_KEY);
    });
    return true;
  } catch {
    return false;
  }
}

/**
 * Frees space after a write that found none; whether to try again.
 * `isFile`: the reserve is not for files.
 */
async function reclaimSpace(isFile) {
  lastFullAt = Date.now();
  const freed = await evictStoredFiles(isFile ? 50_000_000 : 10_000_000);
  if (freed > 0) return true;
  if (isFile) return false;
  return runTransaction(["blobs"], async (tx) => {
    if ((await tx.store.getKey(RESERVE_KEY)) === undefined) return false;
    await tx.store.delete(RESERVE_KEY);
    return true;
  }, { mayReclaim: false });
}
