/** Forms being filled. Every keystroke is written down; a draft is left only by being saved or dropped. */
import { isEmpty, cleaned } from "../base/form.js";
import { identity } from "../store/identity.js";
import { uuid7 } from "../base/moments.js";
import { Problem } from "../base/problem.js";
import { checklists } from "../reference/reference.js";
import { all, get, transact } from "../store/store.js";
import { t } from "../base/words.js";

const FIELDS = ["commission", "slot", "contest", "comment", "location", "outside", "observed_at", "rehearsal"];
const waiting = new Map(); // draft id → {answers, fields, promise}: what is to be written next

/**
 * The id of a draft: of the one that was begun before for the same place and purpose, unless `fresh`, else of a
 * new one. One that `supersedes` a report of this phone begins with that report's answers.
 */
export async function draftOpen({
  checklist, version, commission, slot = null, contest = null, supersedes = null, rehearsal, fresh = false,
}) {
  const who = await identity();
  if (!who) throw new Problem("not_enrolled", t("This phone is not enrolled."));
  const known = (await checklists()).find((one) => one.code === checklist);
  const number = version ?? known?.version;
  if (number === undefined) throw new Problem("unknown_checklist", t("This checklist is not on the phone yet. It needs a network once."));
  // A rehearsal that was left unfinished must never be gone on with in earnest.
  const wanted = { commission, slot, contest, supersedes, rehearsal: rehearsal ?? null, identity: who.key };
  return transact(["drafts", "reports"], async (tx) => {
    const drafts = tx.objectStore("drafts");
    const same = (one) => one.checklist.code === checklist && Object.keys(wanted).every((name) => one[name] === wanted[name]);
    const begun = fresh ? undefined : (await drafts.getAll()).find((one) => same(one) && !one.correcting);
    if (begun) return begun.id;
    const before = supersedes ? await tx.objectStore("reports").get(supersedes) : undefined;
    const now = Date.now();
    const draft = {
      id: uuid7(now), ...wanted, checklist: { code: checklist, version: number },
      answers: { ...before?.draft?.answers }, comment: before?.draft?.comment ?? "", location: null, outside: false,
      observed_at: null, correcting: false, created_at: now, updated_at: now,
    };
    await drafts.put(draft);
    return draft.id;
  });
}

/** The draft, or null once it was saved or dropped. */
export async function draft(id) {
  return (await get("drafts", id)) ?? null;
}

/** Every draft of this observer, the one touched last first. */
export async function drafts() {
  const who = await identity();
  const own = (await all("drafts")).filter((one) => one.identity === who?.key);
  return own.sort((a, b) => b.updated_at - a.updated_at);
}

/** Writes one answer down; null or "" takes it away. Resolves when it is durable. Throws Problem `draft_gone`. */
export function answerSet(id, question, value) {
  return write(id, { answers: { [question]: isEmpty(value) ? null : cleaned(value) } });
}

/** Writes down what belongs to the draft and is no answer: comment, location, outside, observed_at, slot … */
export function draftSet(id, fields) {
  const known = Object.entries(fields).filter(([name]) => FIELDS.includes(name));
  return write(id, { fields: Object.fromEntries(known.map(([name, value]) => [name, cleaned(value)])) });
}

/** Joins what comes while a write is on its way, so that fast typing waits for the disk at most twice. */
function write(id, { answers = {}, fields = {} }) {
  const next = waiting.get(id);
  if (next && !next.begun) {
    Object.assign(next.answers, answers);
    Object.assign(next.fields, fields);
    return next.promise;
  }
  const one = { answers: { ...answers }, fields: { ...fields }, begun: false };
  const before = next ? next.promise.catch(() => {}) : Promise.resolve();
  one.promise = before.then(() => {
    one.begun = true;
    return written(id, one);
  });
  waiting.set(id, one);
  const forget = () => waiting.get(id) === one && waiting.delete(id);
  one.promise.then(forget, forget);
  return one.promise;
}

/** Resolves when nothing of the draft waits to be written. */
export async function draftSettled(id) {
  while (waiting.has(id)) await waiting.get(id).promise;
}

function written(id, { answers, fields }) {
  return transact(["drafts"], async (tx) => {
    const found = await tx.store.get(id);
    if (!found) throw new Problem("draft_gone", t("This form was saved or dropped in another window."));
    for (const [code, value] of Object.entries(answers)) {
      if (value === null) delete found.answers[code];
      else found.answers[code] = value;
    }
    await tx.store.put({ ...found, ...fields, updated_at: Date.now() });
  });
}

/** Drops the draft with the files added to it. A refused report that was being corrected stays as it was. */
export async function draftDrop(id) {
  await transact(["drafts", "files", "blobs"], async (tx) => {
    await tx.objectStore("drafts").delete(id);
    for (const file of await tx.objectStore("files").index("report").getAll(id)) {
      if (file.state !== "draft") continue;
      await tx.objectStore("files").delete(file.id);
      await tx.objectStore("blobs").delete(file.id);
      await tx.objectStore("blobs").delete(`${file.id}:thumb`);
    }
  });
}
