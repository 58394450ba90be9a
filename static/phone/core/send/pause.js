/** When to try again: pauses that double from 2 s to 5 minutes with a random part, and what the server asked for. */
import { metaGet, transact } from "../store/store.js";

const FIRST = 2_000; // milliseconds
const LAST = 300_000;
const BATCH = 400_000; // bytes of a batch
const PIECE = 256 * 1024; // bytes of a file
export const NONE = { failures: 0, until: 0, asked: 0, files: 0, batch: BATCH, piece: PIECE };

/** {failures, until, asked, files, batch, piece}: `asked` is what the server asked for, `files` the same for files only. */
export async function pause() {
  return { ...NONE, ...(await metaGet("pause")) };
}

export function delay(failures) {
  return Math.min(LAST, FIRST * 2 ** Math.min(failures, 12)) * (0.5 + Math.random() / 2);
}

/** After no answer: wait longer, send less at once. */
export function pauseLonger() {
  return change((now) => ({
    ...now, failures: now.failures + 1, until: Date.now() + delay(now.failures),
    batch: Math.max(4_000, now.batch / 2), piece: Math.max(16 * 1024, now.piece / 2),
  }));
}

/** After an answer of the server's: it is there. */
export async function pauseShorten() {
  const now = await pause();
  if (now.failures === 0 && now.until === 0 && now.batch === BATCH && now.piece === PIECE) return;
  await change((one) => ({
    ...one, failures: 0, until: 0, batch: Math.min(BATCH, one.batch * 2), piece: Math.min(PIECE, one.piece * 2),
  }));
}

/** The network is another, or somebody asks: begin anew. What the server asked for stays. */
export function pauseForget() {
  return change((now) => ({ ...now, failures: 0, until: 0 }));
}

/** The server asked to be left alone until then; `name` is `asked`, or `files` where reports are still taken. */
export function pauseAsked(until, name = "asked") {
  return change((now) => ({ ...now, [name]: Math.max(now[name], until) }));
}

function change(how) {
  return transact(["meta"], async (tx) => {
    const now = { ...NONE, ...(await tx.store.get("pause")) };
    const next = how(now);
    if (JSON.stringify(next) !== JSON.stringify(now)) await tx.store.put(next, "pause");
    return next;
  }, { durability: "default" });
}
