/**
 * Loads states and flags of the observer's reports from the server.
 * Also lists the reports of their other phones.
 */
import { callApi } from "./http.js";
import { throwIfTokenRejected } from "./send_errors.js";
import { runTransaction } from "../store/database.js";

const MAX_PAGES = 50;

/**
 * Loads what changed since the last call and stores it.
 * It never makes a report received: only receipts do.
 */
export async function fetchReportStatuses(identity) {
  let cursor = identity.cursor ?? "";
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const response = await callApi(`/reports${cursor ? `?since=${encodeURIComponent(cursor)}` : ""}`, { token: identity.token });
    await throwIfTokenRejected(response, identity);
    if (response.status !== 200 || !Array.isArray(response.json)) return;
    const next = /[?&]since=([^>&]+)>/.exec(response.headers.get("Link") ?? "")?.[1];
    const nextCursor = next ? decodeURIComponent(next) : cursor;
    await recordStatuses(response.json, nextCursor, identity);
    if (response.json.length < 200 || nextCursor === cursor) return;
    cursor = nextCursor;
  }
}

function recordStatuses(items, cursor, identity) {
  return runTransaction(["identities", "reports"], async (tx) => {
    const reports = tx.objectStore("reports");
    for (const item of items) {
      const known = await reports.get(item.id);
      if (!known) await reports.put(buildRemoteReport(item, identity));
      else if (known.told?.changed_at !== item.changed_at) await reports.put({ ...known, told: item });
    }
    const current = await tx.objectStore("identities").get(identity.key);
    if (current && current.cursor !== cursor) await tx.objectStore("identities").put({ ...current, cursor });
  }, { durability: "default" });
}

/**
 * The record of a report sent by the observer's other phone.
 * Its content is not known here.
 */
function buildRemoteReport(item, identity) {
  return {
    id: item.id, checklist: item.checklist, commission: item.commission, slot: item.slot ?? null, contest: item.contest ?? null,
    supersedes: item.supersedes ?? null, identity: identity.key, body: null, draft: null, elsewhere: true, urgent: false,
    rehearsal: item.flags.includes("rehearsal"), observed_at: item.observed_at ?? item.received_at,
    saved_at: Date.parse(item.received_at), state: "received", problem: null, receipt: item, told: item, attempts: 0, next_at: 0,
    earlier: [],
  };
}
