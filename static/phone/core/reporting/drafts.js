/**
 * Drafts: forms that are being filled.
 * Every keystroke is stored. A draft ends only by being saved or deleted.
 */
import { isEmptyAnswer, removeInvalidCharacters } from "../base/checklist_rules.js";
import { getIdentity } from "../store/identities.js";
import { createUuid7 } from "../base/time_and_ids.js";
import { Problem } from "../base/problems.js";
import { listChecklists } from "../reference/reference.js";
import { listRecords, getRecord, runTransaction } from "../store/database.js";
import { t } from "../base/translations.js";

const DRAFT_FIELDS = ["commission", "slot", "contest", "comment", "location", "outside", "observed_at", "rehearsal"];
const pendingWrites = new Map(); // draft id → {answers, fields, promise} of the next write

/**
 * The id of a draft; creates one if needed.
 * A draft begun before for the same place and purpose is used again, unless `fresh`. A new one that `supersedes` a report of
 * this phone begins with that report's answers.
 */
export async function openDraft({
  checklist, version, commission, slot = null, contest = null, supersedes = null, rehearsal, fresh = false,
}) {
  const identity = await getIdentity();
  if (!identity) throw new Problem("not_enrolled", t("This phone is not enrolled."));
  const known = (await listChecklists()).find((one) => one.code === checklist);
  const versionNumber = version ?? known?.version;
  if (versionNumber === undefined) throw new Problem("unknown_checklist", t("This checklist is not on the phone yet. It needs a network once."));
  // An unfinished rehearsal must never be continued as a real report.
  const draftKey = { commission, slot, contest, supersedes, rehearsal: rehearsal ?? null, identity: identity.key };
  return runTransaction(["drafts", "reports"], async (tx) => {
    const drafts = tx.objectStore("drafts");
    const isSameDraft = (one) => one.checklist.code === checklist && Object.keys(draftKey).every((name) => one[name] === draftKey[name]);
    const existing = fresh ? undefined : (await drafts.getAll()).find((one) => isSameDraft(one) && !one.correcting);
    if (existing) return existing.id;
    const supersededReport = supersedes ? await tx.objectStore("reports").get(supersedes) : undefined;
    const now = Date.now();
    const draft = {
      id: createUuid7(now), ...draftKey, checklist: { code: checklist, version: versionNumber },
      answers: { ...supersededReport?.draft?.answers }, comment: supersededReport?.draft?.comment ?? "", location: null, outside: false,
      observed_at: null, correcting: false, created_at: now, updated_at: now,
    };
    await drafts.put(draft);
    return draft.id;
  });
}

/** The draft, or null once it was saved or deleted. */
export async function getDraft(id) {
  return (await getRecord("drafts", id)) ?? null;
}

/** This observer's drafts, the one changed last first. */
export async function listDrafts() {
  const identity = await getIdentity();
  const own = (await listRecords("drafts")).filter((one) => one.identity === identity?.key);
  return own.sort((a, b) => b.updated_at - a.updated_at);
}

/**
 * Stores one answer; null or "" removes it.
 * Resolves when it is durable. Throws Problem `draft_gone`.
 */
export function setAnswer(id, question, value) {
  return queueWrite(id, { answers: { [question]: isEmptyAnswer(value) ? null : removeInvalidCharacters(value) } });
}

/** Stores fields other than answers: comment, location, outside, observed_at, slot … */
export function setDraftFields(id, fields) {
  const allowed = Object.entries(fields).filter(([name]) => DRAFT_FIELDS.includes(name));
  return queueWrite(id, { fields: Object.fromEntries(allowed.map(([name, value]) => [name, removeInvalidCharacters(value)])) });
}

/**
 * Queues a write and merges it with one that has not begun.
 * So fast typing waits for at most two writes.
 */
function queueWrite(id, { answers = {}, fields = {} }) {
  const queued = pendingWrites.get(id);
  if (queued && !queued.begun) {
    Object.assign(queued.answers, answers);
    Object.assign(queued.fields, fields);
    return queued.promise;
  }
  const entry = { answers: { ...answers }, fields: { ...fields }, begun: false };
  const previous = queued ? queued.promise.catch(() => {}) : Promise.resolve();
  entry.promise = previous.then(() => {
    entry.begun = true;
    return writeDraft(id, entry);
  });
  pendingWrites.set(id, entry);
  const removeEntry = () => pendingWrites.get(id) === entry && pendingWrites.delete(id);
  entry.promise.then(removeEntry, removeEntry);
  return entry.promise;
}

/** Resolves when the draft has no pending writes. */
export async function waitForDraftWrites(id) {
  while (pendingWrites.has(id)) await pendingWrites.get(id).promise;
}

function writeDraft(id, { answers, fields }) {
  return runTransaction(["drafts"], async (tx) => {
    const found = await tx.store.get(id);
    if (!found) throw new Problem("draft_gone", t("This form was saved or dropped in another window."));
    for (const [code, value] of Object.entries(answers)) {
      if (value === null) delete found.answers[code];
      else found.answers[code] = value;
    }
    await tx.store.put({ ...found, ...fields, updated_at: Date.now() });
  });
}

/**
 * Deletes the draft with its files.
 * A refused report that was being corrected stays unchanged.
 */
export async function deleteDraft(id) {
  await runTransaction(["drafts", "files", "blobs"], async (tx) => {
    await tx.objectStore("drafts").delete(id);
    for (const file of await tx.objectStore("files").index("report").getAll(id)) {
      if (file.state !== "draft") continue;
      await tx.objectStore("files").delete(file.id);
      await tx.objectStore("blobs").delete(file.id);
      await tx.objectStore("blobs").delete(`${file.id}:thumb`);
    }
  });
}
