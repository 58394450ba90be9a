/** Notes, consents and "read" on their way. */
import { ask, retryAfter } from "./net.js";
import { delay, pauseAsked } from "./pause.js";
import { reportForgotten } from "./report_send.js";
import { stopIfRefused } from "./stop.js";
import { allBy, get, transact } from "../store/store.js";

/** Tells the next errand of `who` that is due, once its report is received. False where there is none. */
export async function errandSend(who) {
  const due = (await allBy("errands", "state", "waiting")).filter((one) => one.identity === who.key && one.next_at <= Date.now());
  due.sort((a, b) => a.added_at - b.added_at);
  for (const errand of due) {
    if (errand.report && (await get("reports", errand.report))?.state !== "received") continue;
    await tellOne(errand, who);
    return true;
  }
  return false;
}

async function tellOne(errand, who) {
  const answer = await ask(errand.path, { method: "POST", body: errand.body, token: who.token });
  await stopIfRefused(answer, who);
  if (answer.status === 429 || answer.status === 503) return pauseAsked(retryAfter(answer.headers) || Date.now() + delay(3));
  return transact(["errands", "reports"], async (tx) => {
    const now = await tx.objectStore("errands").get(errand.id);
    if (now?.state !== "waiting") return;
    await tx.objectStore("errands").put(judged(now, answer));
    if (answer.status === 404 && now.report) await reportForgotten(tx.objectStore("reports"), now.report);
  });
}

function judged(errand, answer) {
  if (answer.status < 300) return { ...errand, state: "received", problem: null };
  if (answer.status < 500 && answer.status !== 404) return { ...errand, state: "refused", problem: answer.json ?? { code: answer.code } };
  const attempts = errand.attempts + 1;
  return { ...errand, attempts, next_at: Date.now() + delay(attempts), problem: answer.json };
}
