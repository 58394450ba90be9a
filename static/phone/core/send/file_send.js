/** Files on their way, piece by piece (tus 1.0): small copies first, each resumed where the server says it stands. */
import { announcement } from "../base/body.js";
import { sha256Of } from "../store/digest.js";
import { settleFiles, stored } from "./file_settle.js";
import { ask, askUpload, NoAnswer, retryAfter } from "./net.js";
import { delay, pause, pauseAsked } from "./pause.js";
import { reportForgotten } from "./report_send.js";
import { stopIfRefused } from "./stop.js";
import { allBy, get, transact } from "../store/store.js";

const sure = new Map(); // file id → offset that the server told this sender; lost with it, and asked for again

/** Announces files that were added to received reports later. False where there is none. */
export async function announceMore(who) {
  const open = (await allBy("files", "state", "waiting")).filter((one) => one.identity === who.key);
  const late = open.filter((one) => !one.announced && one.sha256 && one.next_at <= Date.now());
  for (const file of late) {
    const report = await get("reports", file.report);
    if (report?.state !== "received") continue;
    await announceTo(report, late.filter((one) => one.report === report.id), who);
    return true;
  }
  return false;
}

async function announceTo(report, files, who) {
  const body = JSON.stringify({ evidence: files.map(announcement) });
  const answer = await ask(`/reports/${report.id}/evidence`, { method: "POST", body, token: who.token });
  await stopIfRefused(answer, who);
  if (await later(answer)) return;
  await transact(["reports", "files"], async (tx) => {
    const store = tx.objectStore("files");
    if (answer.status === 200 && Array.isArray(answer.json?.evidence)) return settleFiles(store, report.id, answer.json.evidence);
    if (answer.status === 404) return reportForgotten(tx.objectStore("reports"), report.id);
    for (const one of files) {
      const file = await store.get(one.id);
      if (file && !file.announced) await store.put(answer.status >= 500 ? waited(file, answer) : refused(file, answer));
    }
  });
}

/** Sends the next piece of the next file that is due. False where none is. */
export async function fileSend(who) {
  if ((await pause()).files > Date.now()) return false;
  const open = [...(await allBy("files", "state", "partial")), ...(await allBy("files", "state", "waiting"))];
  const due = open.filter((one) => one.identity === who.key && one.announced && one.next_at <= Date.now());
  if (due.length === 0) return false;
  due.sort((a, b) => rank(a) - rank(b) || a.added_at - b.added_at || (a.id < b.id ? -1 : 1));
  await pieceSend(due[0], who);
  return true;
}

/** Small copies, then what is begun, then the rest. */
const rank = (file) => (file.preview_of ? 0 : file.state === "partial" ? 1 : 2);

async function pieceSend(file, who) {
  // A file that was not begun is begun; if it was after all, the server says where it stands.
  if (!sure.has(file.id) && file.state === "partial") return offsetAsk(file, who);
  const offset = sure.get(file.id) ?? 0;
  sure.delete(file.id); // until this answer is here, nobody knows
  const blob = await get("blobs", file.id);
  let piece;
  try {
    piece = await blob.slice(offset, offset + (await pause()).piece).arrayBuffer();
  } catch {
    return change(file.id, (now) => ({ ...now, state: "refused", problem: { code: "unreadable_here" } }));
  }
  const answer = await askUpload(pathOf(file), who.token, { piece, offset });
  await stopIfRefused(answer, who);
  return pieceNote(file, offset, answer);
}

const pathOf = (file) => file.path ?? `/evidence/${file.id}`;

async function offsetAsk(file, who) {
  const answer = await askUpload(pathOf(file), who.token);
  // HEAD has no body to say why: another question does.
  if (answer.status === 401) await stopIfRefused(await ask("/me", { token: who.token }), who);
  if (await later(answer, "files")) return;
  if (answer.status === 404) return forgotten(file);
  const offset = numberIn(answer, "Upload-Offset");
  if (answer.status >= 400 || offset === null) throw new NoAnswer("not_ours");
  await reached(file, offset);
}

async function pieceNote(file, offset, answer) {
  if (await later(answer, "files")) return;
  const at = numberIn(answer, "Upload-Offset");
  if (answer.status === 204 && at !== null && at > offset) return reached(file, at);
  if (answer.status === 409 && answer.code === "already_stored") return change(file.id, stored);
  if (answer.status === 409 && at !== null) return reached(file, at);
  if (answer.status === 404) return forgotten(file);
  if (answer.status === 460) return damaged(file, answer);
  if (answer.status >= 500 || answer.status < 400) return change(file.id, (now) => waited(now, answer));
  return change(file.id, (now) => refused(now, answer));
}

function reached(file, offset) {
  if (offset > file.size) return change(file.id, (now) => waited(now, { code: "offset_mismatch" }));
  if (offset < file.size) sure.set(file.id, offset);
  return change(file.id, (now) =>
    offset === now.size ? stored(now) : { ...now, offset, state: offset > 0 ? "partial" : "waiting", problem: null, attempts: 0, next_at: 0 });
}

/** The server counts other bytes than were announced: on the way it is tried again, on the phone it is told. */
async function damaged(file, answer) {
  let here = null;
  try {
    here = await sha256Of(await get("blobs", file.id));
  } catch {
    // lost
  }
  const same = here === file.sha256;
  await change(file.id, (now) =>
    same ? { ...waited(now, answer), offset: 0, state: "waiting" } : { ...now, state: "refused", problem: { code: "unreadable_here" } });
}

/** It was announced, and the server knows nothing of it: it is announced anew, which also finds out whether the report is there. */
function forgotten(file) {
  return change(file.id, (now) => ({ ...waited(now, { code: "not_found" }), announced: false, offset: 0, state: "waiting" }));
}

/** Whether the server asked to be left alone for a while; then that is noted. */
async function later(answer, name = "asked") {
  if (answer.status !== 429 && answer.status !== 503) return false;
  await pauseAsked(retryAfter(answer.headers) || Date.now() + delay(3), name);
  return true;
}

function waited(file, { code, json }) {
  const attempts = file.attempts + 1;
  return { ...file, attempts, next_at: Date.now() + delay(attempts), problem: json ?? { code } };
}

const refused = (file, { code, json }) => ({ ...file, state: "refused", problem: json ?? { code } });

function change(id, how) {
  return transact(["files"], async (tx) => {
    const now = await tx.store.get(id);
    if (now && now.state !== "stored") await tx.store.put(how(now));
  });
}

function numberIn(answer, name) {
  const given = answer.headers.get(name);
  return given !== null && /^\d{1,15}$/.test(given) ? Number(given) : null;
}
