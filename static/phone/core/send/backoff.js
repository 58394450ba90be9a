/**
 * When to try again after a failed request.
 * Delays double from 2 s to 5 minutes with a random part. A Retry-After of the server is stored here, too.
 */
import { getMeta, runTransaction } from "../store/database.js";

const FIRST_DELAY_MS = 2_000;
const MAX_DELAY_MS = 300_000;
const MAX_BATCH_BYTES = 400_000;
const MAX_PIECE_BYTES = 256 * 1024;
export const NO_BACKOFF = { failures: 0, until: 0, asked: 0, files: 0, batch: MAX_BATCH_BYTES, piece: MAX_PIECE_BYTES };

/**
 * The stored state {failures, until, asked, files, batch, piece}.
 * Times are in milliseconds since the epoch, sizes in bytes. `asked` is the server's Retry-After, `files` the same for files
 * only.
 */
export async function getBackoff() {
  return { ...NO_BACKOFF, ...(await getMeta("pause")) };
}

export function retryDelayMs(failures) {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 12)) * (0.5 + Math.random() / 2);
}

/** After no response: waits longer and sends less at once. */
export function increaseBackoff() {
  return updateBackoff((current) => ({
    ...current, failures: current.failures + 1, until: Date.now() + retryDelayMs(current.failures),
    batch: Math.max(4_000, current.batch / 2), piece: Math.max(16 * 1024, current.piece / 2),
  }));
}

/** After a response: ends the waiting and sends more at once. */
export async function decreaseBackoff() {
  const current = await getBackoff();
  if (current.failures === 0 && current.until === 0 && current.batch === MAX_BATCH_BYTES && current.piece === MAX_PIECE_BYTES) return;
  await updateBackoff((state) => ({
    ...state, failures: 0, until: 0, batch: Math.min(MAX_BATCH_BYTES, state.batch * 2), piece: Math.min(MAX_PIECE_BYTES, state.piece * 2),
  }));
}

/**
 * Forgets the failures, for a new network or a user's request.
 * The server's Retry-After stays.
 */
export function resetBackoff() {
  return updateBackoff((current) => ({ ...current, failures: 0, until: 0 }));
}

/**
 * Stores the server's Retry-After.
 * `name` is `asked`, or `files` where reports are still accepted.
 */
export function applyRetryAfter(until, name = "asked") {
  return updateBackoff((current) => ({ ...current, [name]: Math.max(current[name], until) }));
}

function updateBackoff(compute) {
  return runTransaction(["meta"], async (tx) => {
    const current = { ...NO_BACKOFF, ...(await tx.store.get("pause")) };
    const next = compute(current);
    if (JSON.stringify(next) !== JSON.stringify(current)) await tx.store.put(next, "pause");
    return next;
  }, { durability: "default" });
}
