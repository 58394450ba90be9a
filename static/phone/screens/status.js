// What the corner says, put together from what core knows: asked again after every change.
import { identity } from "../core/store/identity.js";
import { outbox } from "../core/reporting/outbox.js";
import { metaGet } from "../core/store/store.js";

/** `told`: what syncing said last. */
export async function statusNow(told) {
  const [{ counts }, who, offset] = await Promise.all([outbox(), identity(), metaGet("clock_offset")]);
  return {
    sending: Boolean(told?.running), online: navigator.onLine, next_at: told?.until || 0, problem: told?.problem ?? null,
    waiting: { reports: counts.waiting + counts.errands, files: counts.files },
    refused: counts.refused + counts.conflict + counts.files_refused,
    revoked: Boolean(who?.revoked), clock_offset: offset ?? 0,
  };
}
