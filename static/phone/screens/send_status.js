// Status of sending for the header, computed after every change.
import { getIdentity } from "../core/store/identities.js";
import { getOutbox } from "../core/reporting/outbox.js";
import { getMeta } from "../core/store/database.js";

/** `syncState`: the last state given to `onSyncState`. */
export async function loadSendStatus(syncState) {
  const [{ counts }, identity, offset] = await Promise.all([getOutbox(), getIdentity(), getMeta("clock_offset")]);
  return {
    sending: Boolean(syncState?.running), online: navigator.onLine, next_at: syncState?.until || 0, problem: syncState?.problem ?? null,
    waiting: { reports: counts.waiting + counts.requests, files: counts.files },
    refused: counts.refused + counts.conflict + counts.files_refused,
    revoked: Boolean(identity?.revoked), clock_offset: offset ?? 0,
  };
}
