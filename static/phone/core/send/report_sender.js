/**
 * Sends reports in batches.
 * The outcomes of a batch are stored in one transaction.
 */
import { addSentAt } from "../base/report_body.js";
import { applyServerFileStates } from "./file_states.js";
import { callApi, NoResponseError, parseRetryAfter } from "./http.js";
import { retryDelayMs, getBackoff, applyRetryAfter } from "./backoff.js";
import { throwIfTokenRejected } from "./send_errors.js";
import { listRecordsByIndex, runTransaction } from "../store/database.js";

const MAX_BATCH_REPORTS = 100;
// Refusals of one report that may pass later.
const RETRYABLE_CODES = new Set(["unavailable", "low_disk", "server_error", "throttled", "too_many_refused"]);

/** Sends the next batch of due reports, incidents first. False if none. */
export async function sendReports(identity, { incidentsOnly = false } = {}) {
  const due = (await listRecordsByIndex("reports", "state", "waiting")).filter((one) => one.identity === identity.key && one.next_at <= Date.now());
  const urgent = due.filter((one) => one.urgent);
  const next = urgent.length ? urgent : incidentsOnly ? [] : due;
  if (next.length === 0) return false;
  next.sort((a, b) => a.saved_at - b.saved_at || (a.id < b.id ? -1 : 1));
  await sendBatch(takeBatch(next, (await getBackoff()).batch), identity);
  return true;
}

function takeBatch(reports, maxBytes) {
  let bytes = 0;
  const batch = [];
  for (const report of reports.slice(0, MAX_BATCH_REPORTS)) {
    bytes += report.body.length * 2; // an estimate: Cyrillic takes two bytes a letter
    if (batch.length && bytes > maxBytes) break;
    batch.push(report);
  }
  return batch;
}

async function sendBatch(reports, identity) {
  const body = `{"reports":[${reports.map((one) => addSentAt(one.body)).join(",")}]}`;
  const response = await callApi("/reports/batch", { method: "POST", body, token: identity.token });
  await throwIfTokenRejected(response, identity);
  if (response.status === 200 && Array.isArray(response.json?.results)) return recordOutcomes(reports, response.json.results, identity);
  if (response.status === 429 || response.status === 503) {
    return applyRetryAfter(parseRetryAfter(response.headers) || Date.now() + retryDelayMs(3));
  }
  if (response.status < 400 || response.status === 404 || response.status === 405) throw new NoResponseError("not_ours");
  if (reports.length === 1) return recordSingleFailure(reports[0], response);
  // One report makes the whole batch fail: each half is sent alone, down to that report.
  const middle = Math.ceil(reports.length / 2);
  await sendBatch(reports.slice(0, middle), identity);
  return sendBatch(reports.slice(middle), identity);
}

function recordSingleFailure(report, response) {
  const outcome = response.status >= 500 ? { problem: { code: "server_error" } } : { outcome: "invalid", problem: response.json };
  return recordOutcomes([report], [{ id: report.id, ...outcome }]);
}

/** Stores every outcome in one transaction, with the states of the files. */
function recordOutcomes(reports, results) {
  const resultsById = new Map(results.filter((one) => typeof one?.id === "string").map((one) => [one.id.toLowerCase(), one]));
  return runTransaction(["reports", "files"], async (tx) => {
    for (const sent of reports) {
      const current = await tx.objectStore("reports").get(sent.id);
      // Corrected or settled meanwhile: this response is about another body.
      if (!current || current.body !== sent.body || current.state !== "waiting") continue;
      const next = applyOutcome(current, resultsById.get(sent.id));
      await tx.objectStore("reports").put(next);
      const evidence = next.receipt?.evidence ?? next.problem?.evidence;
      if (next.state !== "waiting" && Array.isArray(evidence)) await applyServerFileStates(tx.objectStore("files"), sent.id, evidence);
    }
  });
}

/**
 * The report after the server's result.
 * Without a valid receipt it is not received.
 */
function applyOutcome(report, result) {
  if (isReceiptFor(result?.receipt, report.id) && (result.outcome === "stored" || result.outcome === "duplicate")) {
    return { ...report, state: "received", receipt: result.receipt, problem: null, attempts: 0, next_at: 0, received_at: Date.now() };
  }
  const problem = result?.problem ?? { code: "no_receipt" };
  if (result?.outcome === "conflict") return { ...report, state: "conflict", problem };
  if (["invalid", "unknown", "forbidden", "too_large"].includes(result?.outcome) && !RETRYABLE_CODES.has(problem.code)) {
    return { ...report, state: "refused", problem };
  }
  const attempts = report.attempts + 1;
  return { ...report, attempts, next_at: Date.now() + retryDelayMs(attempts), problem };
}

function isReceiptFor(receipt, id) {
  return (
    typeof receipt?.id === "string" && receipt.id.toLowerCase() === id && Number.isSafeInteger(receipt.sequence) &&
    /^[0-9a-f]{64}$/.test(receipt.content_sha256 ?? "") && !Number.isNaN(Date.parse(receipt.received_at)) &&
    Array.isArray(receipt.evidence)
  );
}

/**
 * Queues a received report again that the server does not know.
 * This happens when the server was restored from a backup.
 */
export async function requeueReport(reports, id) {
  const report = await reports.get(id);
  if (!report?.body || report.state !== "received") return;
  const attempts = report.attempts + 1;
  await reports.put({ ...report, state: "waiting", attempts, next_at: Date.now() + retryDelayMs(attempts) });
}
