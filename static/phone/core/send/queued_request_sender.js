/** Sends queued requests: notes, consents, "message read". */
import { callApi, parseRetryAfter } from "./http.js";
import { retryDelayMs, applyRetryAfter } from "./backoff.js";
import { requeueReport } from "./report_sender.js";
import { throwIfTokenRejected } from "./send_errors.js";
import { listRecordsByIndex, getRecord, runTransaction } from "../store/database.js";

/**
 * Sends the identity's next due request. False if none.
 * A request about a report waits until the report is received.
 */
export async function sendQueuedRequest(identity) {
  const due = (await listRecordsByIndex("errands", "state", "waiting")).filter((one) => one.identity === identity.key && one.next_at <= Date.now());
  due.sort((a, b) => a.added_at - b.added_at);
  for (const request of due) {
    if (request.report && (await getRecord("reports", request.report))?.state !== "received") continue;
    await postRequest(request, identity);
    return true;
  }
  return false;
}

async function postRequest(request, identity) {
  const response = await callApi(request.path, { method: "POST", body: request.body, token: identity.token });
  await throwIfTokenRejected(response, identity);
  if (response.status === 429 || response.status === 503) return applyRetryAfter(parseRetryAfter(response.headers) || Date.now() + retryDelayMs(3));
  return runTransaction(["errands", "reports"], async (tx) => {
    const current = await tx.objectStore("errands").get(request.id);
    if (current?.state !== "waiting") return;
    await tx.objectStore("errands").put(applyResponse(current, response));
    if (response.status === 404 && current.report) await requeueReport(tx.objectStore("reports"), current.report);
  });
}

function applyResponse(request, response) {
  if (response.status < 300) return { ...request, state: "received", problem: null };
  if (response.status < 500 && response.status !== 404) return { ...request, state: "refused", problem: response.json ?? { code: response.code } };
  const attempts = request.attempts + 1;
  return { ...request, attempts, next_at: Date.now() + retryDelayMs(attempts), problem: response.json };
}
