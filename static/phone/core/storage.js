/** Room on the phone. What the server has for certain may go, oldest first; what waits never does. */
import { all, full, get, put, transact } from "./store.js";

const BALLAST = "ballast";
const BALLAST_BYTES = 2_000_000; // given up so that a report without photos can always be written down
const LOW = 100_000_000;

/** {quota, usage, low} in bytes; `low` where less than 100 MB are left, null where the browser does not tell. */
export async function room() {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    return { quota, usage, low: quota - usage < LOW };
  } catch {
    return { quota: null, usage: null, low: null };
  }
}

/** Lets go of the bytes of stored files, oldest first, until about `bytes` are free again. Thumbnails stay. How many went. */
export async function letGo(bytes) {
  const stored = (await all("files")).filter((one) => one.state === "stored" && !one.let_go);
  stored.sort((a, b) => a.added_at - b.added_at);
  let freed = 0;
  for (const file of stored) {
    if (freed >= bytes) break;
    freed += await letGoOne(file.id);
  }
  return freed;
}

function letGoOne(id) {
  return transact(["reports", "files", "blobs"], async (tx) => {
    const file = await tx.objectStore("files").get(id);
    const report = file && (await tx.objectStore("reports").get(file.report));
    if (file?.state !== "stored" || report?.state !== "received") return 0;
    await tx.objectStore("files").put({ ...file, let_go: true });
    await tx.objectStore("blobs").delete(id);
    return file.size;
  }, { relief: false });
}

/** Keeps a little in reserve, and gives it up when the phone is full. Called once, at the start. */
export async function reserve() {
  full(relieve);
  try {
    const { quota, usage } = await room();
    if (quota !== null && quota - usage < 10 * BALLAST_BYTES) return;
    if ((await get("blobs", BALLAST)) === undefined) await put("blobs", new Blob([new Uint8Array(BALLAST_BYTES)]), BALLAST);
  } catch {
    // no room for a reserve: what is there is used for reports
  }
}

/** Makes room after a write that found none; true where it may be tried again. `large`: a file, which the reserve is not for. */
async function relieve(large) {
  const freed = await letGo(large ? 50_000_000 : 10_000_000);
  if (freed > 0) return true;
  if (large) return false;
  return transact(["blobs"], async (tx) => {
    if ((await tx.store.getKey(BALLAST)) === undefined) return false;
    await tx.store.delete(BALLAST);
    return true;
  }, { relief: false });
}
