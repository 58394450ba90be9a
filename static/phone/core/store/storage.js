/** Room on the phone. What the server has for certain may go, oldest first; what waits never does. */
import { all, full, transact } from "./store.js";

const BALLAST = "ballast";
const BALLAST_BYTES = 2_000_000; // given up so that a report without photos can always be written down
const LOW = 100_000_000;
const LATELY = 600_000; // milliseconds for which a write that found no room is remembered: browsers round what they tell
let foundFull = 0;

/** {quota, usage, low} in bytes; `low` where less than 100 MB are left, null where the browser does not tell. */
export async function room() {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    return { quota, usage, low: quota - usage < LOW || Date.now() - foundFull < LATELY };
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

/** From now on room is made where a write finds none, and a little is kept in reserve. Called once, at the start. */
export async function reserve() {
  full(relieve);
  await reserveKeep();
}

/** Puts the reserve back where it was given up; whether it is there. Without it no file is taken: reports go first. */
export async function reserveKeep() {
  try {
    await transact(["blobs"], async (tx) => {
      if ((await tx.store.getKey(BALLAST)) === undefined) await tx.store.put(new Blob([new Uint8Array(BALLAST_BYTES)]), BALLAST);
    });
    return true;
  } catch {
    return false;
  }
}

/** Makes room after a write that found none; true where it may be tried again. `large`: a file, which the reserve is not for. */
async function relieve(large) {
  foundFull = Date.now();
  const freed = await letGo(large ? 50_000_000 : 10_000_000);
  if (freed > 0) return true;
  if (large) return false;
  return transact(["blobs"], async (tx) => {
    if ((await tx.store.getKey(BALLAST)) === undefined) return false;
    await tx.store.delete(BALLAST);
    return true;
  }, { relief: false });
}
