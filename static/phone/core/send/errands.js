/** Small things to tell the server once: notes, a consent, a message read. Each may be told twice without harm. */
import { identity } from "../store/identity.js";
import { Problem } from "../base/problem.js";
import { transact } from "../store/store.js";
import { t } from "../base/words.js";

/** Writes down what is to be told; `report` is the report that must have been received before, `by` whose word it is. Twice is once. */
export async function errandAdd({ id, kind, path, body, report = null, by = null }) {
  const key = by ?? (await identity())?.key;
  if (!key) throw new Problem("not_enrolled", t("This phone is not enrolled."));
  const errand = {
    id, kind, path, body, report, identity: key, state: "waiting", problem: null, attempts: 0, next_at: 0, added_at: Date.now(),
  };
  return transact(["errands"], async (tx) => {
    if ((await tx.store.get(id)) === undefined) await tx.store.put(errand);
    return id;
  });
}
