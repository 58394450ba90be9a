/** What became of the observer's reports: states and flags, and the reports of their other phones. */
import { ask } from "./net.js";
import { stopIfRefused } from "./stop.js";
import { transact } from "../store/store.js";

const PAGES = 50;

/** Asks what changed since the last time and notes it. A report is never called received by this: receipts do that. */
export async function follow(who) {
  let cursor = who.cursor ?? "";
  for (let page = 0; page < PAGES; page += 1) {
    const answer = await ask(`/reports${cursor ? `?since=${encodeURIComponent(cursor)}` : ""}`, { token: who.token });
    await stopIfRefused(answer, who);
    if (answer.status !== 200 || !Array.isArray(answer.json)) return;
    const next = /[?&]since=([^>&]+)>/.exec(answer.headers.get("Link") ?? "")?.[1];
    const following = next ? decodeURIComponent(next) : cursor;
    await noted(answer.json, following, who);
    if (answer.json.length < 200 || following === cursor) return;
    cursor = following;
  }
}

function noted(items, cursor, who) {
  return transact(["identities", "reports"], async (tx) => {
    const reports = tx.objectStore("reports");
    for (const item of items) {
      const known = await reports.get(item.id);
      if (!known) await reports.put(elsewhere(item, who));
      else if (known.told?.changed_at !== item.changed_at) await reports.put({ ...known, told: item });
    }
    const now = await tx.objectStore("identities").get(who.key);
    if (now && now.cursor !== cursor) await tx.objectStore("identities").put({ ...now, cursor });
  }, { durability: "default" });
}

/** A report that another phone of this observer sent: known here, but without what it says. */
function elsewhere(item, who) {
  return {
    id: item.id, checklist: item.checklist, commission: item.commission, slot: item.slot ?? null, contest: item.contest ?? null,
    supersedes: item.supersedes ?? null, identity: who.key, body: null, draft: null, elsewhere: true, urgent: false,
    rehearsal: item.flags.includes("rehearsal"), observed_at: item.observed_at ?? item.received_at,
    saved_at: Date.parse(item.received_at), state: "received", problem: null, receipt: item, told: item, attempts: 0, next_at: 0,
    earlier: [],
  };
}
