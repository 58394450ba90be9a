/**
 * The outbox as files that people carry when there is no network (docs/relay.md), sealed for the election's key; and
 * other people's files brought in. Nothing here changes what waits: only a receipt does.
 */
import { announcement, fits } from "../base/body.js";
import { identity } from "../store/identity.js";
import { moment } from "../base/moments.js";
import { ask, NoAnswer } from "../send/net.js";
import { Problem } from "../base/problem.js";
import { me } from "../reference/reference.js";
import { all, get, metaGet } from "../store/store.js";
import { t } from "../base/words.js";

const PART = 49_000_000; // bytes of files in one part: sealed, it stays below 50 MB
const PIECE = 2 ** 20;
const MIME = "application/octet-stream";
let plan = null; // what the parts are made of, fixed when the first one is

/** All reports that wait, were refused or conflict, in one small file {name, blob}; null where there is none. */
export async function relayReports() {
  const { who, key } = await sealer();
  const files = (await all("files")).filter((one) => one.identity === who.key && one.sha256 && one.state !== "draft");
  const notes = (await all("errands")).filter((one) => one.kind === "note" && one.state === "waiting");
  const waiting = (await all("reports")).filter((one) => one.identity === who.key && !one.elsewhere);
  const late = new Set([...files.filter((one) => !one.announced), ...notes].map((one) => one.report));
  const told = waiting.filter((one) => one.state !== "received" || late.has(one.id));
  if (told.length === 0) return null;
  told.sort((a, b) => Number(b.urgent) - Number(a.urgent) || a.saved_at - b.saved_at);
  const lines = told.map((one) => line(one, files, notes));
  const blob = await sealed(key, await header(who, "reports", 1, 1), from(lines));
  return { name: `${named(who)}-reports.age`, blob };
}

/**
 * The body with every file that belongs to the report by now, also those added after it was saved: files are no
 * content. Notes ride along as far as there is room; the phone tells them itself, too, when there is a network.
 */
function line(report, files, notes) {
  const said = JSON.parse(report.body);
  said.evidence = files.filter((one) => one.report === report.id).map(announcement);
  const words = notes.filter((one) => one.report === report.id).sort((a, b) => a.added_at - b.added_at);
  let whole = JSON.stringify(said);
  for (let count = 1; count <= words.length; count += 1) {
    const more = JSON.stringify({ ...said, notes: words.slice(0, count).map((one) => JSON.parse(one.body)) });
    if (!fits(more)) break;
    whole = more;
  }
  return `${whole}\n`;
}

/** Part `part`, from 0 on, of all files that wait: {name, blob, next}, `next` null after the last; null where none waits. */
export async function relayFiles(part = 0) {
  const { who, key } = await sealer();
  if (part === 0 || plan === null) plan = await planned(who);
  const parts = Math.ceil(plan.bytes / PART);
  if (part >= parts) return null;
  const blob = await sealed(key, await header(who, "files", part + 1, parts), pieces(plan.files, part * PART, (part + 1) * PART));
  return { name: `${plan.name}-files-${two(part + 1)}-of-${two(parts)}.age`, blob, next: part + 1 < parts ? part + 1 : null };
}

async function planned(who) {
  const open = (await all("files")).filter((one) => one.identity === who.key && (one.state === "waiting" || one.state === "partial"));
  const files = open.filter((one) => one.sha256);
  files.sort((a, b) => Number(b.preview_of !== null) - Number(a.preview_of !== null) || a.added_at - b.added_at);
  return { files, bytes: files.reduce((sum, one) => sum + one.size, 0), name: named(who) };
}

async function sealer() {
  const who = await identity();
  if (!who) throw new Problem("not_enrolled", t("This phone is not enrolled."));
  const key = (await me())?.relay?.key;
  if (!key) throw new Problem("no_relay_key", t("This election has no key for files yet. It needs a network once."));
  return { who, key };
}

const two = (number) => String(number).padStart(2, "0");
const named = (who, at = moment()) => `${who.observer}-${at.slice(0, 16).replace(/[-:]/g, "")}`;

async function header(who, kind, part, parts) {
  const device_id = (await metaGet("device_id")) ?? null;
  const told = { format: "baqylau-relay", version: 1, kind, observer: who.observer, device_id, token: who.token, made_at: moment(), part, parts };
  return `${JSON.stringify(told)}\n`;
}

async function* from(lines) {
  const encoder = new TextEncoder();
  for (const one of lines) yield encoder.encode(one);
}

/** The bytes `begin` to `end` of all files one after the other, each piece under its file's id and offset. */
async function* pieces(files, begin, end) {
  let before = 0;
  for (const file of files) {
    const [first, last] = [Math.max(begin - before, 0), Math.min(end - before, file.size)];
    before += file.size;
    if (first >= last) continue;
    const blob = await get("blobs", file.id);
    for (let at = first; at < last; at += PIECE) {
      const bytes = new Uint8Array(await blob.slice(at, Math.min(at + PIECE, last)).arrayBuffer());
      yield pieceHead(file.id, at, bytes.length);
      yield bytes;
    }
  }
}

function pieceHead(id, offset, length) {
  const head = new Uint8Array(28);
  head.set(id.replace(/-/g, "").match(/../g).map((byte) => parseInt(byte, 16)));
  const view = new DataView(head.buffer);
  view.setUint32(16, Math.floor(offset / 2 ** 32));
  view.setUint32(20, offset % 2 ** 32);
  view.setUint32(24, length);
  return head;
}

/** What `chunks` yields after `first`, sealed for `key`, as a Blob; in memory lies no more than a few pieces. */
async function sealed(key, first, chunks) {
  const { Encrypter } = await import("../../vendor/age.js");
  const encrypter = new Encrypter();
  encrypter.addRecipient(key);
  const plain = new ReadableStream({
    async pull(control) {
      if (first !== null) {
        control.enqueue(new TextEncoder().encode(first));
        first = null;
        return;
      }
      const { value, done } = await chunks.next();
      if (done) control.close();
      else control.enqueue(value);
    },
  }, { highWaterMark: 0 });
  return gathered(await encrypter.encrypt(plain));
}

/** The stream's bytes as a Blob, handed to the browser a mebibyte at a time: it may keep them on its disk. */
async function gathered(stream) {
  const [blobs, reader] = [[], stream.getReader()];
  let some = [];
  let size = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (value) {
      some.push(value);
      size += value.length;
    }
    if (size >= PIECE || (done && size > 0)) {
      blobs.push(new Blob(some));
      [some, size] = [[], 0];
    }
    if (done) return new Blob(blobs, { type: MIME });
  }
}

/** Brings somebody's file to the server: [{id, outcome, problem}]. Twice does no harm. Throws Problem. */
export async function relayBring(file) {
  const who = await identity();
  const token = who && !who.revoked ? who.token : undefined;
  let answer;
  try {
    answer = await ask("/relay", { method: "POST", body: file, headers: { "Content-Type": MIME }, token, seconds: 3_600 });
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    throw new Problem("no_answer", t("No answer from the server. Keep the file and bring it again when there is a network."));
  }
  if (answer.status >= 300 || !Array.isArray(answer.json?.results)) {
    throw new Problem(answer.code ?? "refused", answer.json?.detail ?? "", answer.json?.errors ?? []);
  }
  if (answer.json.state === "quarantined") return [{ id: null, outcome: "quarantined", problem: problemOf("quarantined") }];
  return answer.json.results.map((one) => ({ ...one, problem: problemOf(one.outcome) }));
}

function problemOf(outcome) {
  const details = {
    quarantined: t("The desk looks at this file before it is taken."),
    gap: t("An earlier part is missing. This one is kept until it comes."),
    unknown: t("Its report has not come yet. It is kept until it comes."),
    damaged: t("A file was damaged on the way. Bring it again from the phone that made it."),
  };
  return outcome in details ? { code: outcome, detail: details[outcome] } : null;
}
