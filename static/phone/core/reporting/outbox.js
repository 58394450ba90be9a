/**
 * What was said to be saved. A report is here before a screen says "saved", and leaves the outbox only by the
 * server's receipt; nothing is deleted by sending.
 *
 * waiting → received (the receipt is here) | refused (422; stays, can be corrected) | conflict (409; stays).
 */
import { bodyOf, fits } from "../base/body.js";
import { draftSettled } from "./drafts.js";
import { errandAdd } from "../send/errands.js";
import { FILES_MAX, filesMend } from "./files.js";
import { cleaned, problems } from "../base/form.js";
import { moment, uuid7 } from "../base/moments.js";
import { Problem } from "../base/problem.js";
import { checklistPath } from "../reference/reference.js";
import { all, get, transact, working } from "../store/store.js";
import { sync } from "../send/sync.js";
import { t } from "../base/words.js";

const UNHASHED = "unhashed";

/**
 * Moves the draft with its files into the outbox, in one transaction, and gives the report's id, which is the draft's.
 * Saving twice is saving once. Throws Problem `invalid_answers` (with `errors`), `too_large`, `draft_gone`, `storage_full`.
 */
export function save(id, { at = new Date() } = {}) {
  return working(moved(id, at));
}

async function moved(id, at) {
  await draftSettled(id);
  for (let tries = 0; ; tries += 1) {
    await filesMend(id);
    const stores = ["drafts", "reports", "files", "reference"];
    const outcome = await transact(stores, (tx) => saved(tx, id, at));
    if (outcome !== UNHASHED) break;
    if (tries === 5) throw new Problem("storage_broken", t("A photo of this form cannot be read. Drop it, then save again."));
  }
  void sync("save");
  return id;
}

async function saved(tx, id, at) {
  const [drafts, reports, files] = ["drafts", "reports", "files"].map((name) => tx.objectStore(name));
  const draft = await drafts.get(id);
  const before = await reports.get(id);
  if (!draft) {
    if (before) return id; // another window saved it
    throw new Problem("draft_gone", t("This form was saved or dropped in another window."));
  }
  const version = (await tx.objectStore("reference").get(checklistPath(draft.checklist.code, draft.checklist.version)))?.value ?? null;
  const me = (await tx.objectStore("reference").get("/me"))?.value ?? null;
  const own = (await files.index("report").getAll(id)).filter((one) => one.state !== "refused");
  if (own.some((one) => !one.sha256)) return UNHASHED;
  const wrong = version ? problems(version, draft.answers) : [];
  if (wrong.length) throw new Problem("invalid_answers", t("Some answers cannot be read. They are marked."), wrong);
  const rehearsal = draft.rehearsal ?? me?.election?.rehearsal ?? false;
  const body = bodyOf(draft, own.slice(0, FILES_MAX), version, { rehearsal, at });
  if (!fits(body)) throw new Problem("too_large", t("This is too long for one report. Shorten the texts, or write a second report."));
  await reports.put(reportOf(draft, version, body, before, { rehearsal, at }));
  for (const file of own) await files.put({ ...file, state: file.state === "draft" ? "waiting" : file.state, announced: false });
  await drafts.delete(id);
  return id;
}

/** The record of a report that was just saved. */
export function reportOf(draft, version, body, before, { rehearsal, at }) {
  const { id, checklist, commission, slot, contest, supersedes, identity } = draft;
  return {
    id, checklist, commission, slot, contest, supersedes, identity, body, draft, rehearsal,
    urgent: (version?.stage ?? checklist.code) === "incident",
    observed_at: draft.observed_at ?? moment(at),
    saved_at: before?.saved_at ?? at.getTime(),
    state: "waiting", problem: null, receipt: null, told: null, attempts: 0, next_at: 0,
    // Every body that was sent under this id, with what the server said of it.
    earlier: before ? [...before.earlier, { body: before.body, problem: before.problem }] : [],
  };
}

/** {reports, files, errands, counts}: what is not wholly with the server yet, urgent first, then oldest. */
export async function outbox() {
  const [reports, files, errands] = await Promise.all([all("reports"), all("files"), all("errands")]);
  const open = files.filter((one) => one.state !== "draft" && one.state !== "stored");
  const unfinished = new Set(open.map((one) => one.report));
  const left = reports.filter((one) => !one.elsewhere && (one.state !== "received" || unfinished.has(one.id)));
  left.sort((a, b) => Number(b.urgent) - Number(a.urgent) || a.saved_at - b.saved_at);
  const told = errands.filter((one) => one.state !== "received");
  return { reports: left, files: open, errands: told, counts: counts(left, open, told) };
}

function counts(reports, files, errands) {
  const of = (state) => reports.filter((one) => one.state === state).length;
  const way = files.filter((one) => one.state !== "refused");
  return {
    waiting: of("waiting"), refused: of("refused"), conflict: of("conflict"),
    files: way.length, files_refused: files.length - way.length, errands: errands.filter((one) => one.state === "waiting").length,
    bytes: way.reduce((sum, one) => sum + one.size - one.offset, 0),
  };
}

/** The report {state, problem, receipt, told, …}, or null. `told` is what the server said of it later. */
export async function report(id) {
  return (await get("reports", id)) ?? null;
}

/** All reports of this phone and, by the server's word, of this observer's other phones (`elsewhere`). */
export function reports() {
  return all("reports");
}

/** A draft with the same id, from which the refused report can be saved again. The refused one stays until then. */
export function correct(id) {
  return transact(["drafts", "reports"], async (tx) => {
    const found = await tx.objectStore("reports").get(id);
    const begun = await tx.objectStore("drafts").get(id);
    if (begun) return id;
    if (found?.state !== "refused") throw new Problem("not_refused", t("Only a refused report can be corrected; for others, send an update."));
    await tx.objectStore("drafts").put({ ...found.draft, correcting: true, updated_at: Date.now() });
    return id;
  });
}

/** Adds words to a saved report; they follow it. Gives the note's id. */
export async function note(reportId, text, { at = new Date() } = {}) {
  const found = await get("reports", reportId);
  if (!found) throw new Problem("unknown_report", t("There is no such report on this phone."));
  const id = uuid7(at.getTime());
  const body = JSON.stringify({ id, text: cleaned(text).slice(0, 20_000), at: moment(at) });
  await errandAdd({ id, kind: "note", path: `/reports/${reportId}/notes`, body, report: reportId, by: found.identity });
  void sync("save");
  return id;
}
