/**
 * Photos, videos and sound recordings of reports.
 * The bytes are in the database before anything else happens to them, and the hash is computed from what is stored, not from
 * what the picker holds. A preview (small copy) is a file of its own with the id of its original in `preview_of`.
 */
import { computeSha256 } from "../store/file_digest.js";
import { hashFile } from "../store/pending_hashes.js";
import { formatTimestamp, createUuid7 } from "../base/time_and_ids.js";
import { resizeImage } from "../store/image_resize.js";
import { Problem } from "../base/problems.js";
import { ensureReserve } from "../store/storage_space.js";
import { listRecords, listRecordsByIndex, getRecord, runTransaction, trackPending } from "../store/database.js";
import { sync } from "../send/sync.js";
import { t } from "../base/translations.js";

export const MAX_FILES_PER_REPORT = 20; // previews included
const MAX_IMAGE_BYTES = 25_000_000;
const MAX_FILE_BYTES = 500_000_000;
const MIN_PREVIEW_SOURCE_BYTES = 300_000; // below this size a preview is not worth sending first
const PREVIEW_SIDE_PX = 1280;
const THUMBNAIL_SIDE_PX = 240;
const MEDIA_TYPE_PATTERN = /^[A-Za-z0-9!#$&^_.+-]{1,50}\/[A-Za-z0-9!#$&^_.+-]{1,49}$/;

/**
 * Stores `blob` and gives the file's record.
 * The file belongs to a draft or a saved report. `source`: camera, gallery or file. Throws Problem `too_large`, `empty_file`,
 * `too_many_files`, `storage_full`; then nothing is stored.
 */
export function addAttachment(given) {
  return trackPending(storeAttachment(given));
}

async function storeAttachment({
  draft = null, report = null, question = null, blob, name = "", source = "", violation = null, location = null,
  captured_at = null, publishable = false,
}) {
  const owner = draft ?? report;
  const file = {
    id: createUuid7(), report: owner, question, violation, name: (name || blob.name || "").slice(0, 200), type: getMediaType(blob), size: blob.size,
    sha256: null, source, captured_at: captured_at ?? getCapturedAt(blob, source), location, publishable, preview_of: null,
    ...INITIAL_UPLOAD_STATE, added_at: Date.now(),
  };
  checkSize(file);
  if (!(await ensureReserve())) throw new Problem("storage_full", t("There is no room for files any more. Reports can still be written."));
  await runTransaction(["drafts", "reports", "files", "blobs"], (tx) => insertFile(tx, file, blob, draft));
  await processFile(file.id);
  if (report) void sync("save");
  return getRecord("files", file.id);
}

const INITIAL_UPLOAD_STATE = { problem: null, announced: false, offset: 0, attempts: 0, next_at: 0 };

async function insertFile(tx, file, blob, draft) {
  const ownerRecord = await tx.objectStore(draft ? "drafts" : "reports").get(file.report);
  if (!ownerRecord) throw new Problem("draft_gone", t("This form was saved or dropped in another window."));
  const others = await tx.objectStore("files").index("report").getAll(file.report);
  if (others.length >= MAX_FILES_PER_REPORT) await dropUnsentPreview(tx, others);
  Object.assign(file, { identity: ownerRecord.identity, state: draft ? "draft" : "waiting" });
  await tx.objectStore("files").put(file);
  await tx.objectStore("blobs").put(blob, file.id);
}

/** Deletes an unannounced preview to make room for an original. */
async function dropUnsentPreview(tx, others) {
  const spare = others.find((one) => one.preview_of && one.state === "draft");
  if (!spare) throw new Problem("too_many_files", t("At most {n} files a report.", { n: MAX_FILES_PER_REPORT }));
  await tx.objectStore("files").delete(spare.id);
  await tx.objectStore("blobs").delete(spare.id);
}

/**
 * Makes hash, thumbnail and preview of a stored file.
 * May be repeated at any time.
 */
async function processFile(id) {
  const blob = await getRecord("blobs", id);
  const file = await getRecord("files", id);
  if (!file || !blob) return;
  await hashFile(file);
  if (!file.type.startsWith("image/") || file.preview_of || (await getRecord("blobs", `${id}:thumb`))) return;
  const thumb = await resizeImage(blob, THUMBNAIL_SIDE_PX, 0.7);
  if (!thumb) return; // this browser cannot decode the picture; it is evidence all the same
  const previewBlob = file.size >= MIN_PREVIEW_SOURCE_BYTES ? await resizeImage(blob, PREVIEW_SIDE_PX, 0.7) : null;
  const isWorthSending = previewBlob && previewBlob.size < file.size / 2;
  const previewRecord = isWorthSending ? await buildPreview(file, previewBlob) : null;
  await runTransaction(["files", "blobs"], (tx) => storeThumbnailAndPreview(tx, file, thumb, previewRecord, previewBlob));
}

async function buildPreview(file, blob) {
  return {
    ...file, id: createUuid7(), type: blob.type, size: blob.size, sha256: await computeSha256(blob), preview_of: file.id, name: "",
    ...INITIAL_UPLOAD_STATE, added_at: Date.now(),
  };
}

async function storeThumbnailAndPreview(tx, file, thumb, previewRecord, previewBlob) {
  const [files, blobs] = [tx.objectStore("files"), tx.objectStore("blobs")];
  const current = await files.get(file.id);
  if (!current) return; // deleted meanwhile
  await blobs.put(thumb, `${file.id}:thumb`);
  const others = await files.index("report").getAll(file.report);
  if (!previewRecord || others.length >= MAX_FILES_PER_REPORT || others.some((one) => one.preview_of === file.id)) return;
  // The original was announced without its preview and is sent without it.
  if (current.announced) return;
  await files.put({ ...previewRecord, state: current.state, publishable: current.publishable, question: current.question });
  await blobs.put(previewBlob, previewRecord.id);
}

/**
 * Processes files that have no hash because the browser was killed.
 * Those of one report, or all.
 */
export async function finishPendingFiles(report = null) {
  const files = report ? await listRecordsByIndex("files", "report", report) : await listRecords("files");
  for (const file of files) {
    if (!file.sha256 && file.state !== "refused") await processFile(file.id);
  }
}

/**
 * Changes `publishable`, `question`, `violation` of a draft's file.
 * A file of a saved report cannot be changed.
 */
export function setAttachmentFields(id, fields) {
  return runTransaction(["files"], async (tx) => {
    const file = await tx.store.get(id);
    if (file?.state !== "draft") throw new Problem("file_saved", t("This file belongs to a saved report and stays as it is."));
    const { publishable = file.publishable, question = file.question, violation = file.violation } = fields;
    const copies = (await tx.store.index("report").getAll(file.report)).filter((one) => one.preview_of === id);
    for (const one of [file, ...copies]) await tx.store.put({ ...one, publishable, question, violation });
  });
}

/** Deletes a file of a draft, with its preview. */
export function deleteAttachment(id) {
  return runTransaction(["files", "blobs"], async (tx) => {
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

/**
 * The files of a draft or report, in the order of adding.
 * Previews are left out. `draft`: whether the file may still be changed.
 */
export async function listAttachments(report) {
  const files = (await listRecordsByIndex("files", "report", report)).filter((one) => !one.preview_of);
  return files.map((one) => ({ ...one, draft: one.state === "draft" })).sort((a, b) => a.added_at - b.added_at || (a.id < b.id ? -1 : 1));
}

/** The thumbnail as a Blob, or null where there is none. */
export async function getThumbnail(id) {
  return (await getRecord("blobs", `${id}:thumb`)) ?? null;
}

/** The file as a Blob, or null once it was evicted. */
export async function getAttachmentBlob(id) {
  return (await getRecord("blobs", id)) ?? null;
}

function getMediaType(blob) {
  const type = (blob.type ?? "").split(";")[0].trim().toLowerCase();
  return MEDIA_TYPE_PATTERN.test(type) ? type : "application/octet-stream";
}

/**
 * A camera's file is captured now.
 * A picker gives the time when the file was last changed, as far as the browser tells.
 */
function getCapturedAt(blob, source) {
  if (source === "camera") return formatTimestamp();
  const changed = blob.lastModified;
  return Number.isFinite(changed) && changed > 0 ? formatTimestamp(new Date(changed)) : null;
}

function checkSize(file) {
  if (file.size === 0) throw new Problem("empty_file", t("This file is empty."));
  const maxBytes = file.type.startsWith("image/") ? MAX_IMAGE_BYTES : MAX_FILE_BYTES;
  if (file.size > maxBytes) {
    throw new Problem("too_large", t("This file is too large: at most {most} MB.", { most: maxBytes / 1_000_000 }));
  }
}
