/**
 * Photos, videos and sounds. The bytes are in the database before anything else is done with them; the hash is
 * of what lies there, not of what the picker holds. A small copy is a file of its own that names its original.
 */
import { sha256Of } from "../store/digest.js";
import { fileHash } from "../store/hashing.js";
import { moment, uuid7 } from "../base/moments.js";
import { smaller } from "../store/pictures.js";
import { Problem } from "../base/problem.js";
import { reserveKeep } from "../store/storage.js";
import { all, allBy, get, transact, working } from "../store/store.js";
import { sync } from "../send/sync.js";
import { t } from "../base/words.js";

export const FILES_MAX = 20; // a report, small copies included
const IMAGE_MAX = 25_000_000;
const FILE_MAX = 500_000_000;
const PREVIEW_FROM = 300_000; // bytes from which a small copy is worth sending first
const PREVIEW_SIDE = 1280;
const THUMB_SIDE = 240;
const MEDIA_TYPE = /^[A-Za-z0-9!#$&^_.+-]{1,50}\/[A-Za-z0-9!#$&^_.+-]{1,49}$/;

/**
 * Keeps `blob` for a draft or for a saved report, and gives the file's record. `source`: camera, gallery or file.
 * Throws Problem `too_large`, `empty_file`, `too_many_files`, `storage_full`; then nothing is kept.
 */
export function fileAdd(given) {
  return working(added(given));
}

async function added({
  draft = null, report = null, question = null, blob, name = "", source = "", violation = null, location = null,
  captured_at = null, publishable = false,
}) {
  const owner = draft ?? report;
  const file = {
    id: uuid7(), report: owner, question, violation, name: (name || blob.name || "").slice(0, 200), type: typeOf(blob), size: blob.size,
    sha256: null, source, captured_at: captured_at ?? capturedAt(blob, source), location, publishable, preview_of: null,
    ...FRESH, added_at: Date.now(),
  };
  sizeCheck(file);
  if (!(await reserveKeep())) throw new Problem("storage_full", t("There is no room for files any more. Reports can still be written."));
  await transact(["drafts", "reports", "files", "blobs"], (tx) => fileKeep(tx, file, blob, draft));
  await fileFinish(file.id);
  if (report) void sync("save");
  return get("files", file.id);
}

const FRESH = { problem: null, announced: false, offset: 0, attempts: 0, next_at: 0 };

async function fileKeep(tx, file, blob, draft) {
  const home = await tx.objectStore(draft ? "drafts" : "reports").get(file.report);
  if (!home) throw new Problem("draft_gone", t("This form was saved or dropped in another window."));
  const others = await tx.objectStore("files").index("report").getAll(file.report);
  if (others.length >= FILES_MAX) await roomMake(tx, others);
  Object.assign(file, { identity: home.identity, state: draft ? "draft" : "waiting" });
  await tx.objectStore("files").put(file);
  await tx.objectStore("blobs").put(blob, file.id);
}

/** A small copy that was not announced yet gives way to an original. */
async function roomMake(tx, others) {
  const spare = others.find((one) => one.preview_of && one.state === "draft");
  if (!spare) throw new Problem("too_many_files", t("At most {n} files a report.", { n: FILES_MAX }));
  await tx.objectStore("files").delete(spare.id);
  await tx.objectStore("blobs").delete(spare.id);
}

/** Hash, thumbnail and small copy of what lies in the database. May be done again at any time. */
async function fileFinish(id) {
  const blob = await get("blobs", id);
  const file = await get("files", id);
  if (!file || !blob) return;
  await fileHash(file);
  if (!file.type.startsWith("image/") || file.preview_of || (await get("blobs", `${id}:thumb`))) return;
  const thumb = await smaller(blob, THUMB_SIDE, 0.7);
  if (!thumb) return; // nobody here can decode it; it is evidence all the same
  const preview = file.size >= PREVIEW_FROM ? await smaller(blob, PREVIEW_SIDE, 0.7) : null;
  const worth = preview && preview.size < file.size / 2;
  const copy = worth ? await previewOf(file, preview) : null;
  await transact(["files", "blobs"], (tx) => smallKeep(tx, file, thumb, copy, preview));
}

async function previewOf(file, blob) {
  return {
    ...file, id: uuid7(), type: blob.type, size: blob.size, sha256: await sha256Of(blob), preview_of: file.id, name: "",
    ...FRESH, added_at: Date.now(),
  };
}

async function smallKeep(tx, file, thumb, copy, preview) {
  const [files, blobs] = [tx.objectStore("files"), tx.objectStore("blobs")];
  const now = await files.get(file.id);
  if (!now) return; // dropped meanwhile
  await blobs.put(thumb, `${file.id}:thumb`);
  const others = await files.index("report").getAll(file.report);
  if (!copy || others.length >= FILES_MAX || others.some((one) => one.preview_of === file.id)) return;
  // An original that was announced without its copy is on its way by itself.
  if (now.announced) return;
  await files.put({ ...copy, state: now.state, publishable: now.publishable, question: now.question });
  await blobs.put(preview, copy.id);
}

/** Finishes what a killed browser left: files without a hash, of one report or of all. */
export async function filesMend(report = null) {
  const files = report ? await allBy("files", "report", report) : await all("files");
  for (const file of files) {
    if (!file.sha256 && file.state !== "refused") await fileFinish(file.id);
  }
}

/** Changes what may still be changed: `publishable`, `question`, `violation` of a file that was not saved yet. */
export function fileSet(id, fields) {
  return transact(["files"], async (tx) => {
    const file = await tx.store.get(id);
    if (file?.state !== "draft") throw new Problem("file_saved", t("This file belongs to a saved report and stays as it is."));
    const { publishable = file.publishable, question = file.question, violation = file.violation } = fields;
    const copies = (await tx.store.index("report").getAll(file.report)).filter((one) => one.preview_of === id);
    for (const one of [file, ...copies]) await tx.store.put({ ...one, publishable, question, violation });
  });
}

/** Drops a file of a draft, with its small copy. */
export function fileDrop(id) {
  return transact(["files", "blobs"], async (tx) => {
    const [files, blobs] = [tx.objectStore("files"), tx.objectStore("blobs")];
    const file = await files.get(id);
    if (!file) return;
    if (file.state !== "draft") throw new Problem("file_saved", t("This file belongs to a saved report and stays as it is."));
    const copies = (await files.index("report").getAll(file.report)).filter((one) => one.preview_of === id);
    for (const one of [file, ...copies]) {
      await files.delete(one.id);
      await blobs.delete(one.id);
    }
    await blobs.delete(`${id}:thumb`);
  });
}

/** The files of a draft or report, in the order they were added, small copies left out; `draft`: may still be changed. */
export async function filesOf(report) {
  const files = (await allBy("files", "report", report)).filter((one) => !one.preview_of);
  return files.map((one) => ({ ...one, draft: one.state === "draft" })).sort((a, b) => a.added_at - b.added_at || (a.id < b.id ? -1 : 1));
}

/** A small picture of it as a Blob, or null where there is none. */
export async function thumbnail(id) {
  return (await get("blobs", `${id}:thumb`)) ?? null;
}

/** The file itself as a Blob, or null once the phone let it go. */
export async function fileBlob(id) {
  return (await get("blobs", id)) ?? null;
}

function typeOf(blob) {
  const type = (blob.type ?? "").split(";")[0].trim().toLowerCase();
  return MEDIA_TYPE.test(type) ? type : "application/octet-stream";
}

/** The camera's is now; a picker tells when the file was last changed, as the browser gave it. */
function capturedAt(blob, source) {
  if (source === "camera") return moment();
  const changed = blob.lastModified;
  return Number.isFinite(changed) && changed > 0 ? moment(new Date(changed)) : null;
}

function sizeCheck(file) {
  if (file.size === 0) throw new Problem("empty_file", t("This file is empty."));
  const most = file.type.startsWith("image/") ? IMAGE_MAX : FILE_MAX;
  if (file.size > most) {
    throw new Problem("too_large", t("This file is too large: at most {most} MB.", { most: most / 1_000_000 }));
  }
}
