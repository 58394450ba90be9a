// State of the files of one draft or report, for `renderAttachments`.
import { trackSave } from "../parts/save_status.js";
import { addAttachment, deleteAttachment, setAttachmentFields, listAttachments, getThumbnail } from "../core/reporting/attachments.js";
import { t } from "../core/base/translations.js";

const describeAddProblem = (problem) =>
  problem.code === "storage_full" ? t("This phone has no room for it. Save the outbox to files or free some room, then add it again.") : problem.detail || t("Try once more.");

/**
 * `owner` is {draft: id} or {report: id}.
 * `getThumbnailUrl(file)` is an object URL of its thumbnail; `close()` releases them.
 */
export async function openAttachmentForm(owner, page) {
  const thumbnailUrls = new Map();
  const attachments = { files: [], isReportSaved: Boolean(owner.report), publishNewFiles: false, isBusy: false, problem: null, activeQuestion: null, confirming: { key: null }, page };
  attachments.load = async () => {
    const files = await listAttachments(owner.draft ?? owner.report);
    for (const one of files) {
      if (thumbnailUrls.has(one.id)) continue;
      const thumbnailBlob = await getThumbnail(one.id);
      if (thumbnailBlob) thumbnailUrls.set(one.id, URL.createObjectURL(thumbnailBlob));
    }
    attachments.files = files;
    page.draw();
  };
  attachments.add = async (blobs, source, question) => {
    Object.assign(attachments, { isBusy: true, problem: null, activeQuestion: question });
    page.draw();
    for (const blob of blobs) {
      // One after another: two large files in memory are too many for a cheap phone.
      const adding = addAttachment({ ...owner, question, blob, name: blob.name, source, publishable: attachments.publishNewFiles });
      const isSaved = await trackSave(adding.catch((problem) => {
        attachments.problem = describeAddProblem(problem);
        throw problem;
      })); // prettier-ignore
      if (!isSaved) break;
      await attachments.load();
    }
    attachments.isBusy = false;
    if (!attachments.problem) page.announce(t("Saved on this phone."));
    page.draw();
  };
  attachments.setPublishable = async (id, isPublishable) => {
    attachments.files = attachments.files.map((one) => (one.id === id ? { ...one, publishable: isPublishable } : one));
    await trackSave(setAttachmentFields(id, { publishable: isPublishable }));
    await attachments.load();
  };
  attachments.remove = async (id) => {
    await trackSave(deleteAttachment(id));
    await attachments.load();
  };
  attachments.getThumbnailUrl = (file) => thumbnailUrls.get(file.id) ?? null;
  attachments.close = () => thumbnailUrls.forEach((one) => URL.revokeObjectURL(one));
  await attachments.load();
  return attachments;
}
