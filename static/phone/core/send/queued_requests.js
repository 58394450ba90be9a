/**
 * Queue of small requests: notes, consents, "message read".
 * They are kept in the store `errands`. Each may be sent twice without harm.
 */
import { getIdentity } from "../store/identities.js";
import { Problem } from "../base/problems.js";
import { runTransaction } from "../store/database.js";
import { t } from "../base/translations.js";

/**
 * Queues a request; one with the same `id` is queued once.
 * `report` must be received first; `writer` is the identity in whose name it is sent, by default the current one.
 */
export async function queueRequest({ id, kind, path, body, report = null, writer = null }) {
  const key = writer ?? (await getIdentity())?.key;
  if (!key) throw new Problem("not_enrolled", t("This phone is not enrolled."));
  const request = {
    id, kind, path, body, report, identity: key, state: "waiting", problem: null, attempts: 0, next_at: 0, added_at: Date.now(),
  };
  return runTransaction(["errands"], async (tx) => {
    if ((await tx.store.get(id)) === undefined) await tx.store.put(request);
    return id;
  });
}
