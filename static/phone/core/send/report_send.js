/** Reports on their way: batches, each settled in one transaction by what the server said of each. */
import { sentNow } from "../base/body.js";
import { settleFiles } from "./file_settle.js";
import { ask, NoAnswer, retryAfter } from "./net.js";
import { delay, pause, pauseAsked } from "./pause.js";
import { stopIfRefused } from "./stop.js";
import { allBy, transact } from "../store/store.js";

const BATCH = 100;
// What the server may say of one report today and not tomorrow.
const LATER = new Set(["unavailable", "low_disk", "server_error", "throttled", "too_many_refused"]);

/** Sends the next batch of `who`'s reports that are due, incidents before all others. False where none is. */
export async function reportsSend(who, { incidentsOnly = false } = {}) {
  const due = (await allBy("reports", "state", "waiting")).filter((one) => one.identity === who.key && one.next_at <= Date.now());
  const urgent = due.filter((one) => one.urgent);
  const next = urgent.length ? urgent : incidentsOnly ? [] : due;
  if (next.length === 0) return false;
  next.sort((a, b) => a.saved_at - b.saved_at || (a.id < b.id ? -1 : 1));
  await batchSend(fitting(next, (await pause()).batch), who);
  return true;
}

function fitting(reports, most) {
  let bytes = 0;
  const found = [];
  for (const report of reports.slice(0, BATCH)) {
    bytes += report.body.length * 2; // about: Cyrillic takes two bytes a letter
    if (found.length && bytes > most) break;
    found.push(report);
  }
  return found;
}

async function batchSend(reports, who) {
  const body = `{"reports":[${reports.map((one) => sentNow(one.body)).join(",")}]}`;
  const answer = await ask("/reports/batch", { method: "POST", body, token: who.token });
  await stopIfRefused(answer, who);
  if (answer.status === 200 && Array.isArray(answer.json?.results)) return settle(reports, answer.json.results, who);
  if (answer.status === 429 || answer.status === 503) {
    return pauseAsked(retryAfter(answer.headers) || Date.now() + delay(3));
  }
  if (answer.status < 400 || answer.status === 404 || answer.status === 405) throw new NoAnswer("not_ours");
  if (reports.length === 1) return oneFailed(reports[0], answer);
  // Something in it spoils the whole: each half is tried alone, down to the one that does.
  const middle = Math.ceil(reports.length / 2);
  await batchSend(reports.slice(0, middle), who);
  return batchSend(reports.slice(middle), who);
}

function oneFailed(report, answer) {
  const outcome = answer.status >= 500 ? { problem: { code: "server_error" } } : { outcome: "invalid", problem: answer.json };
  return settle([report], [{ id: report.id, ...outcome }]);
}

/** Notes every outcome, in one transaction with the files it speaks of. */
function settle(reports, results) {
  const told = new Map(results.filter((one) => typeof one?.id === "string").map((one) => [one.id.toLowerCase(), one]));
  return transact(["reports", "files"], async (tx) => {
    for (const sent of reports) {
      const now = await tx.objectStore("reports").get(sent.id);
      // Corrected or settled meanwhile: this answer speaks of something else.
      if (!now || now.body !== sent.body || now.state !== "waiting") continue;
      const next = judged(now, told.get(sent.id));
      await tx.objectStore("reports").put(next);
      const listed = next.receipt?.evidence ?? next.problem?.evidence;
      if (next.state !== "waiting" && Array.isArray(listed)) await settleFiles(tx.objectStore("files"), sent.id, listed);
    }
  });
}

/** The report after what the server said of it. What cannot be understood is no receipt. */
function judged(report, said) {
  if (isReceipt(said?.receipt, report.id) && (said.outcome === "stored" || said.outcome === "duplicate")) {
    return { ...report, state: "received", receipt: said.receipt, problem: null, attempts: 0, next_at: 0, received_at: Date.now() };
  }
  const problem = said?.problem ?? { code: "no_receipt" };
  if (said?.outcome === "conflict") return { ...report, state: "conflict", problem };
  if (["invalid", "unknown", "forbidden", "too_large"].includes(said?.outcome) && !LATER.has(problem.code)) {
    return { ...report, state: "refused", problem };
  }
  const attempts = report.attempts + 1;
  return { ...report, attempts, next_at: Date.now() + delay(attempts), problem };
}

function isReceipt(receipt, id) {
  return (
    typeof receipt?.id === "string" && receipt.id.toLowerCase() === id && Number.isSafeInteger(receipt.sequence) &&
    /^[0-9a-f]{64}$/.test(receipt.content_sha256 ?? "") && !Number.isNaN(Date.parse(receipt.received_at)) &&
    Array.isArray(receipt.evidence)
  );
}

/** The server knows nothing of a report it gave a receipt for (it was restored from a backup): it is sent again. */
export async function reportForgotten(reports, id) {
  const report = await reports.get(id);
  if (!report?.body || report.state !== "received") return;
  const attempts = report.attempts + 1;
  await reports.put({ ...report, state: "waiting", attempts, next_at: Date.now() + delay(attempts) });
}
