/**
 * Sends files piece by piece (tus 1.0), previews first.
 * Each upload resumes at the offset that the server gives.
 */
import { buildFileAnnouncement } from "../base/report_body.js";
import { computeSha256 } from "../store/file_digest.js";
import { applyServerFileStates, markStored } from "./file_states.js";
import { callApi, callUploadApi, NoResponseError, parseRetryAfter } from "./http.js";
import { retryDelayMs, getBackoff, applyRetryAfter } from "./backoff.js";
import { requeueReport } from "./report_sender.js";
import { throwIfTokenRejected } from "./send_errors.js";
import { listRecordsByIndex, getRecord, runTransaction } from "../store/database.js";

const confirmedOffsets = new Map(); // file id → offset confirmed by the server; fetched again after a restart

/** Announces files that were added to received reports. False if none. */
export async function announceLateFiles(identity) {
  const waiting = (await listRecordsByIndex("files", "state", "waiting")).filter((one) => one.identity === identity.key);
  const late = waiting.filter((one) => !one.announced && one.sha256 && one.next_at <= Date.now());
  for (const file of late) {
    const report = await getRecord("reports", file.report);
    if (report?.state !== "received") continue;
    await announceFiles(report, late.filter((one) => one.report === report.id), identity);
    return true;
  }
  return false;
}

async function announceFiles(report, files, identity) {
  const body = JSON.stringify({ evidence: files.map(buildFileAnnouncement) });
  const response = await callApi(`/reports/${report.id}/evidence`, { method: "POST", body, token: identity.token });
  await throwIfTokenRejected(response, identity);
  if (await postponeIfBusy(response)) return;
  await runTransaction(["reports", "files"], async (tx) => {
    const store = tx.objectStore("files");
    if (response.status === 200 && Array.isArray(response.json?.evidence)) return applyServerFileStates(store, report.id, response.json.evidence);
    if (response.status === 404) return requeueReport(tx.objectStore("reports"), report.id);
    for (const one of files) {
      const file = await store.get(one.id);
      if (file && !file.announced) await store.put(response.status >= 500 ? scheduleRetry(file, response) : markRefused(file, response));
    }
  });
}

/** Sends the next piece of the next due file. False if none. */
export async function sendNextPiece(identity) {
  if ((await getBackoff()).files > Date.now()) return false;
  const unfinished = [...(await listRecordsByIndex("files", "state", "partial")), ...(await listRecordsByIndex("files", "state", "waiting"))];
  const due = unfinished.filter((one) => one.identity === identity.key && one.announced && one.next_at <= Date.now());
  if (due.length === 0) return false;
  due.sort((a, b) => sendPriority(a) - sendPriority(b) || a.added_at - b.added_at || (a.id < b.id ? -1 : 1));
  await sendPiece(due[0], identity);
  return true;
}

/** Previews first, then uploads that have begun, then the rest. */
const sendPriority = (file) => (file.preview_of ? 0 : file.state === "partial" ? 1 : 2);

async function sendPiece(file, identity) {
  // A new upload starts at 0. If the server has bytes of it after all, it answers with the offset.
  if (!confirmedOffsets.has(file.id) && file.state === "partial") return fetchOffset(file, identity);
  const offset = confirmedOffsets.get(file.id) ?? 0;
  confirmedOffsets.delete(file.id); // unknown until the response is here
  const blob = await getRecord("blobs", file.id);
  let piece;
  try {
    piece = await blob.slice(offset, offset + (await getBackoff()).piece).arrayBuffer();
  } catch {
    return updateFile(file.id, (current) => ({ ...current, state: "refused", problem: { code: "unreadable_here" } }));
  }
  const response = await callUploadApi(uploadPath(file), identity.token, { piece, offset });
  await throwIfTokenRejected(response, identity);
  return recordPieceResult(file, offset, response);
}

const uploadPath = (file) => file.path ?? `/evidence/${file.id}`;

async function fetchOffset(file, identity) {
  const response = await callUploadApi(uploadPath(file), identity.token);
  // HEAD has no body with the reason, so another request fetches it.
  if (response.status === 401) await throwIfTokenRejected(await callApi("/me", { token: identity.token }), identity);
  if (await postponeIfBusy(response, "files")) return;
  if (response.status === 404) return requeueAnnouncement(file);
  const offset = parseNumberHeader(response, "Upload-Offset");
  if (response.status >= 400 || offset === null) throw new NoResponseError("not_ours");
  await recordOffset(file, offset);
}

async function recordPieceResult(file, offset, response) {
  if (await postponeIfBusy(response, "files")) return;
  const serverOffset = parseNumberHeader(response, "Upload-Offset");
  if (response.status === 204 && serverOffset !== null && serverOffset > offset) return recordOffset(file, serverOffset);
  if (response.status === 409 && response.code === "already_stored") return updateFile(file.id, markStored);
  if (response.status === 409 && serverOffset !== null) return recordOffset(file, serverOffset);
  if (response.status === 404) return requeueAnnouncement(file);
  if (response.status === 460) return handleChecksumMismatch(file, response);
  if (response.status >= 500 || response.status < 400) return updateFile(file.id, (current) => scheduleRetry(current, response));
  return updateFile(file.id, (current) => markRefused(current, response));
}

function recordOffset(file, offset) {
  if (offset > file.size) return updateFile(file.id, (current) => scheduleRetry(current, { code: "offset_mismatch" }));
  if (offset < file.size) confirmedOffsets.set(file.id, offset);
  return updateFile(file.id, (current) =>
    offset === current.size
      ? markStored(current)
      : { ...current, offset, state: offset > 0 ? "partial" : "waiting", problem: null, attempts: 0, next_at: 0 });
}

/**
 * The server's hash of the file differs from the announced one.
 * If the stored file is unchanged, it is sent again; else it is refused on the phone.
 */
async function handleChecksumMismatch(file, response) {
  let localSha256 = null;
  try {
    localSha256 = await computeSha256(await getRecord("blobs", file.id));
  } catch {
    // the browser lost the bytes
  }
  const isUnchanged = localSha256 === file.sha256;
  await updateFile(file.id, (current) =>
    isUnchanged
      ? { ...scheduleRetry(current, response), offset: 0, state: "waiting" }
      : { ...current, state: "refused", problem: { code: "unreadable_here" } });
}

/**
 * Announces a file again that the server does not know.
 * This also finds out whether the server knows the report.
 */
function requeueAnnouncement(file) {
  return updateFile(file.id, (current) => ({ ...scheduleRetry(current, { code: "not_found" }), announced: false, offset: 0, state: "waiting" }));
}

/** Whether the server asked to wait (429, 503); stores its Retry-After. */
async function postponeIfBusy(response, scope = "asked") {
  if (response.status !== 429 && response.status !== 503) return false;
  await applyRetryAfter(parseRetryAfter(response.headers) || Date.now() + retryDelayMs(3), scope);
  return true;
}

function scheduleRetry(file, { code, json }) {
  const attempts = file.attempts + 1;
  return { ...file, attempts, next_at: Date.now() + retryDelayMs(attempts), problem: json ?? { code } };
}

const markRefused = (file, { code, json }) => ({ ...file, state: "refused", problem: json ?? { code } });

function updateFile(id, compute) {
  return runTransaction(["files"], async (tx) => {
    const current = await tx.store.get(id);
    if (current && current.state !== "stored") await tx.store.put(compute(current));
  });
}

function parseNumberHeader(response, name) {
  const given = response.headers.get(name);
  return given !== null && /^\d{1,15}$/.test(given) ? Number(given) : null;
}
