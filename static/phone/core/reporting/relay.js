/**
 * The outbox as encrypted files to carry while there is no network.
 * Also uploads such files of others. The format is in docs/relay.md; files are encrypted for the election's key. Nothing here
 * changes what waits: only a receipt does.
 */
import { buildFileAnnouncement, isWithinBodyLimit } from "../base/report_body.js";
import { getIdentity } from "../store/identities.js";
import { formatTimestamp } from "../base/time_and_ids.js";
import { callApi, NoResponseError } from "../send/http.js";
import { Problem } from "../base/problems.js";
import { getMe } from "../reference/reference.js";
import { listRecords, getRecord, getMeta } from "../store/database.js";
import { t } from "../base/translations.js";

const MAX_PART_BYTES = 49_000_000; // encrypted, a part stays below 50 MB
const MAX_PIECE_BYTES = 2 ** 20;
const RELAY_MEDIA_TYPE = "application/octet-stream";
let partsPlan = null; // the files of all parts, fixed when the first part is made

/**
 * Packs unreceived reports (waiting, refused, conflict) into one file.
 * Gives {name, blob}; null where there is none.
 */
export async function packReports() {
  const { identity, key } = await getSealingKey();
  const files = (await listRecords("files")).filter((one) => one.identity === identity.key && one.sha256 && one.state !== "draft");
  const notes = (await listRecords("errands")).filter((one) => one.kind === "note" && one.state === "waiting");
  const ownReports = (await listRecords("reports")).filter((one) => one.identity === identity.key && !one.elsewhere);
  const reportsWithLateParts = new Set([...files.filter((one) => !one.announced), ...notes].map((one) => one.report));
  const unreceived = ownReports.filter((one) => one.state !== "received" || reportsWithLateParts.has(one.id));
  if (unreceived.length === 0) return null;
  unreceived.sort((a, b) => Number(b.urgent) - Number(a.urgent) || a.saved_at - b.saved_at);
  const lines = unreceived.map((one) => buildReportLine(one, files, notes));
  const blob = await encryptStream(key, await buildHeaderLine(identity, "reports", 1, 1), encodeLines(lines));
  return { name: `${buildNamePrefix(identity)}-reports.age`, blob };
}

/**
 * The report's body with all its files and notes, as one line.
 * Files added after saving are included: they are no content. Notes are included as far as there is room; with a network the
 * phone also sends them itself.
 */
function buildReportLine(report, files, notes) {
  const body = JSON.parse(report.body);
  body.evidence = files.filter((one) => one.report === report.id).map(buildFileAnnouncement);
  const reportNotes = notes.filter((one) => one.report === report.id).sort((a, b) => a.added_at - b.added_at);
  let line = JSON.stringify(body);
  for (let count = 1; count <= reportNotes.length; count += 1) {
    const extended = JSON.stringify({ ...body, notes: reportNotes.slice(0, count).map((one) => JSON.parse(one.body)) });
    if (!isWithinBodyLimit(extended)) break;
    line = extended;
  }
  return `${line}\n`;
}

/**
 * Packs part `part` (from 0) of all files that wait.
 * Gives {name, blob, next}, `next` null after the last part; null where no file waits.
 */
export async function packFiles(part = 0) {
  const { identity, key } = await getSealingKey();
  if (part === 0 || partsPlan === null) partsPlan = await planParts(identity);
  const parts = Math.ceil(partsPlan.bytes / MAX_PART_BYTES);
  if (part >= parts) return null;
  const header = await buildHeaderLine(identity, "files", part + 1, parts);
  const blob = await encryptStream(key, header, readPieces(partsPlan.files, part * MAX_PART_BYTES, (part + 1) * MAX_PART_BYTES));
  return { name: `${partsPlan.name}-files-${padTwoDigits(part + 1)}-of-${padTwoDigits(parts)}.age`, blob, next: part + 1 < parts ? part + 1 : null };
}

async function planParts(identity) {
  const unfinished = (await listRecords("files"))
    .filter((one) => one.identity === identity.key && (one.state === "waiting" || one.state === "partial"));
  const files = unfinished.filter((one) => one.sha256);
  files.sort((a, b) => Number(b.preview_of !== null) - Number(a.preview_of !== null) || a.added_at - b.added_at);
  return { files, bytes: files.reduce((sum, one) => sum + one.size, 0), name: buildNamePrefix(identity) };
}

async function getSealingKey() {
  const identity = await getIdentity();
  if (!identity) throw new Problem("not_enrolled", t("This phone is not enrolled."));
  const key = (await getMe())?.relay?.key;
  if (!key) throw new Problem("no_relay_key", t("This election has no key for files yet. It needs a network once."));
  return { identity, key };
}

const padTwoDigits = (number) => String(number).padStart(2, "0");
const buildNamePrefix = (identity, timestamp = formatTimestamp()) => `${identity.observer}-${timestamp.slice(0, 16).replace(/[-:]/g, "")}`;

async function buildHeaderLine(identity, kind, part, parts) {
  const device_id = (await getMeta("device_id")) ?? null;
  const header = {
    format: "baqylau-relay", version: 1, kind, observer: identity.observer, device_id, token: identity.token,
    made_at: formatTimestamp(), part, parts,
  };
  return `${JSON.stringify(header)}\n`;
}

async function* encodeLines(lines) {
  const encoder = new TextEncoder();
  for (const one of lines) yield encoder.encode(one);
}

/**
 * The bytes `begin` to `end` of all files in a row.
 * Each piece follows a header with its file's id and offset.
 */
async function* readPieces(files, begin, end) {
  let precedingBytes = 0;
  for (const file of files) {
    const [first, last] = [Math.max(begin - precedingBytes, 0), Math.min(end - precedingBytes, file.size)];
    precedingBytes += file.size;
    if (first >= last) continue;
    const blob = await getRecord("blobs", file.id);
    for (let offset = first; offset < last; offset += MAX_PIECE_BYTES) {
      const bytes = new Uint8Array(await blob.slice(offset, Math.min(offset + MAX_PIECE_BYTES, last)).arrayBuffer());
      yield buildPieceHeader(file.id, offset, bytes.length);
      yield bytes;
    }
  }
}

function buildPieceHeader(id, offset, length) {
  const head = new Uint8Array(28);
  head.set(id.replace(/-/g, "").match(/../g).map((byte) => parseInt(byte, 16)));
  const view = new DataView(head.buffer);
  view.setUint32(16, Math.floor(offset / 2 ** 32));
  view.setUint32(20, offset % 2 ** 32);
  view.setUint32(24, length);
  return head;
}

/**
 * Encrypts `first`, then what `chunks` yields, for `key`; gives a Blob.
 * Only a few pieces are in memory at a time.
 */
async function encryptStream(key, first, chunks) {
  const { Encrypter } = await import("../../vendor/age.js");
  const encrypter = new Encrypter();
  encrypter.addRecipient(key);
  const plain = new ReadableStream({
    async pull(controller) {
      if (first !== null) {
        controller.enqueue(new TextEncoder().encode(first));
        first = null;
        return;
      }
      const { value, done } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
  return collectBlob(await encrypter.encrypt(plain));
}

/**
 * Collects the stream's bytes in a Blob.
 * The browser gets a mebibyte at a time and may keep it on its disk.
 */
async function collectBlob(stream) {
  const [blobs, reader] = [[], stream.getReader()];
  let chunks = [];
  let size = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (value) {
      chunks.push(value);
      size += value.length;
    }
    if (size >= MAX_PIECE_BYTES || (done && size > 0)) {
      blobs.push(new Blob(chunks));
      [chunks, size] = [[], 0];
    }
    if (done) return new Blob(blobs, { type: RELAY_MEDIA_TYPE });
  }
}

/**
 * Uploads somebody's relay file: [{id, outcome, problem}].
 * Uploading it again does no harm. Throws Problem.
 */
export async function uploadRelayFile(file) {
  const identity = await getIdentity();
  const token = identity && !identity.revoked ? identity.token : undefined;
  let response;
  try {
    response = await callApi("/relay", { method: "POST", body: file, headers: { "Content-Type": RELAY_MEDIA_TYPE }, token, timeoutSeconds: 3_600 });
  } catch (error) {
    if (!(error instanceof NoResponseError)) throw error;
    throw new Problem("no_answer", t("No answer from the server. Keep the file and bring it again when there is a network."));
  }
  if (response.status >= 300 || !Array.isArray(response.json?.results)) {
    throw new Problem(response.code ?? "refused", response.json?.detail ?? "", response.json?.errors ?? []);
  }
  if (response.json.state === "quarantined") return [{ id: null, outcome: "quarantined", problem: describeOutcome("quarantined") }];
  return response.json.results.map((one) => ({ ...one, problem: describeOutcome(one.outcome) }));
}

function describeOutcome(outcome) {
  const details = {
    quarantined: t("The desk looks at this file before it is taken."),
    gap: t("An earlier part is missing. This one is kept until it comes."),
    unknown: t("Its report has not come yet. It is kept until it comes."),
    damaged: t("A file was damaged on the way. Bring it again from the phone that made it."),
  };
  return outcome in details ? { code: outcome, detail: details[outcome] } : null;
}
