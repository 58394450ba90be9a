/**
 * The outbox: saved reports and their states.
 * A report is stored here before a screen says "saved", and leaves the outbox only by the server's receipt. Sending deletes
 * nothing.
 *
 * waiting → received (the receipt is here) | refused (422; stays, can be corrected) | conflict (409; stays).
 */
import { buildReportBody, isWithinBodyLimit } from "../base/report_body.js";
import { waitForDraftWrites } from "./drafts.js";
import { queueRequest } from "../send/queued_requests.js";
import { MAX_FILES_PER_REPORT, finishPendingFiles } from "./attachments.js";
import { removeInvalidCharacters, findInvalidAnswers } from "../base/checklist_rules.js";
import { formatTimestamp, createUuid7 } from "../base/time_and_ids.js";
import { Problem } from "../base/problems.js";
import { buildChecklistPath } from "../reference/reference.js";
import { listRecords, getRecord, runTransaction, trackPending } from "../store/database.js";
import { sync } from "../send/sync.js";
import { t } from "../base/translations.js";

const UNHASHED_FILES = "unhashed";

/**
 * Moves a draft with its files to the outbox, in one transaction.
 * Gives the report's id, which is the draft's. Saving again changes nothing. Throws Problem `invalid_answers` (with `errors`),
 * `too_large`, `draft_gone`, `storage_full`.
 */
export function saveReport(id, { now = new Date() } = {}) {
  return trackPending(moveToOutbox(id, now));
}

async function moveToOutbox(id, now) {
  await waitForDraftWrites(id);
  for (let tries = 0; ; tries += 1) {
    await finishPendingFiles(id);
    const stores = ["drafts", "reports", "files", "reference"];
    const outcome = await runTransaction(stores, (tx) => saveInTransaction(tx, id, now));
    if (outcome !== UNHASHED_FILES) break;
    if (tries === 5) throw new Problem("storage_broken", t("A photo of this form cannot be read. Drop it, then save again."));
  }
  void sync("save");
  return id;
}

async function saveInTransaction(tx, id, now) {
  const [drafts, reports, files] = ["drafts", "reports", "files"].map((name) => tx.objectStore(name));
  const draft = await drafts.get(id);
  const previous = await reports.get(id);
  if (!draft) {
    if (previous) return id; // another window saved it
    throw new Problem("draft_gone", t("This form was saved or dropped in another window."));
  }
  const version = (await tx.objectStore("reference").get(buildChecklistPath(draft.checklist.code, draft.checklist.version)))?.value ?? null;
  const me = (await tx.objectStore("reference").get("/me"))?.value ?? null;
  const ownFiles = (await files.index("report").getAll(id)).filter((one) => one.state !== "refused");
  if (ownFiles.some((one) => !one.sha256)) return UNHASHED_FILES;
  const invalid = version ? findInvalidAnswers(version, draft.answers) : [];
  if (invalid.length) throw new Problem("invalid_answers", t("Some answers cannot be read. They are marked."), invalid);
  const rehearsal = draft.rehearsal ?? me?.election?.rehearsal ?? false;
  const body = buildReportBody(draft, ownFiles.slice(0, MAX_FILES_PER_REPORT), version, { rehearsal, now });
  if (!isWithinBodyLimit(body)) throw new Problem("too_large", t("This is too long for one report. Shorten the texts, or write a second report."));
  await reports.put(buildReport(draft, version, body, previous, { rehearsal, now }));
  for (const file of ownFiles) await files.put({ ...file, state: file.state === "draft" ? "waiting" : file.state, announced: false });
  await drafts.delete(id);
  return id;
}

/** The record of a report that was just saved. */
export function buildReport(draft, version, body, previous, { rehearsal, now }) {
  const { id, checklist, commission, slot, contest, supersedes, identity } = draft;
  return {
    id, checklist, commission, slot, contest, supersedes, identity, body, draft, rehearsal,
    urgent: (version?.stage ?? checklist.code) === "incident",
    observed_at: draft.observed_at ?? formatTimestamp(now),
    saved_at: previous?.saved_at ?? now.getTime(),
    state: "waiting", problem: null, receipt: null, told: null, attempts: 0, next_at: 0,
    // Every body that was sent under this id, with the server's problem.
    earlier: previous ? [...previous.earlier, { body: previous.body, problem: previous.problem }] : [],
  };
}

/**
 * What is not completely on the server: {reports, files, requests, counts}.
 * Urgent reports first, then the oldest.
 */
export async function getOutbox() {
  const [reports, files, requests] = await Promise.all([listRecords("reports"), listRecords("files"), listRecords("errands")]);
  const unfinishedFiles = files.filter((one) => one.state !== "draft" && one.state !== "stored");
  const reportsWithFiles = new Set(unfinishedFiles.map((one) => one.report));
  const unfinishedReports = reports.filter((one) => !one.elsewhere && (one.state !== "received" || reportsWithFiles.has(one.id)));
  unfinishedReports.sort((a, b) => Number(b.urgent) - Number(a.urgent) || a.saved_at - b.saved_at);
  const unfinishedRequests = requests.filter((one) => one.state !== "received");
  return {
    reports: unfinishedReports, files: unfinishedFiles, requests: unfinishedRequests,
    counts: countStates(unfinishedReports, unfinishedFiles, unfinishedRequests),
  };
}

function countStates(reports, files, requests) {
  const countState = (state) => reports.filter((one) => one.state === state).length;
  const sendable = files.filter((one) => one.state !== "refused");
  return {
    waiting: countState("waiting"), refused: countState("refused"), conflict: countState("conflict"),
    files: sendable.length, files_refused: files.length - sendable.length, requests: requests.filter((one) => one.state === "waiting").length,
    bytes: sendable.reduce((sum, one) => sum + one.size - one.offset, 0),
  };
}

/**
 * The report {state, problem, receipt, told, …}, or null.
 * `told` is what the server reported about it later.
 */
export async function getReport(id) {
  return (await getRecord("reports", id)) ?? null;
}

/**
 * All reports of this phone and of the observer's other phones (`elsewhere`).
 * The latter are known from the server.
 */
export function listReports() {
  return listRecords("reports");
}

/**
 * Makes a draft from a refused report, with the same id.
 * The refused report stays until the draft is saved.
 */
export function correctReport(id) {
  return runTransaction(["drafts", "reports"], async (tx) => {
    const found = await tx.objectStore("reports").get(id);
    const existing = await tx.objectStore("drafts").get(id);
    if (existing) return id;
    if (found?.state !== "refused") throw new Problem("not_refused", t("Only a refused report can be corrected; for others, send an update."));
    await tx.objectStore("drafts").put({ ...found.draft, correcting: true, updated_at: Date.now() });
    return id;
  });
}

/**
 * Adds a note to a saved report; gives the note's id.
 * It is sent after the report.
 */
export async function addNote(reportId, text, { now = new Date() } = {}) {
  const found = await getRecord("reports", reportId);
  if (!found) throw new Problem("unknown_report", t("There is no such report on this phone."));
  const id = createUuid7(now.getTime());
  const body = JSON.stringify({ id, text: removeInvalidCharacters(text).slice(0, 20_000), at: formatTimestamp(now) });
  await queueRequest({ id, kind: "note", path: `/reports/${reportId}/notes`, body, report: reportId, writer: found.identity });
  void sync("save");
  return id;
}
