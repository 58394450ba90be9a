// Files of a report: buttons to add them, and the list.
import { html, live, nothing, repeat } from "../vendor/lit.js";
import { icons } from "./icons.js";
import { renderNotice } from "./notices.js";
import { renderState } from "./report_states.js";
import { renderConfirmButton } from "./confirm_button.js";
import { formatBytes } from "./formatting.js";
import { t } from "../core/base/translations.js";

const IMAGE_TYPES = "image/*";
const ALL_TYPES = "image/*,video/*,audio/*,application/pdf";

/**
 * Renders the files of one question, or of all.
 * `question`: a code, null for files of no question, undefined for all files. `attachments` comes from
 * `screens/attachment_form.js`: {files, isBusy, problem, confirming, page, add(blobs, source, question),
 * setPublishable(id, isPublishable), remove(id), isReportSaved, publishNewFiles}. `isReportSaved`: its report is saved
 * already.
 */
export function renderAttachments(attachments, question, photosOnly) {
  const shown = question === undefined ? attachments.files : attachments.files.filter((one) => (one.question ?? null) === question);
  const renderFileInput = (icon, label, source, accept, capture, isMultiple) => html`<label class="button">
    ${icons[icon]}<span>${label}</span>
    <input class="away" type="file" accept=${accept} capture=${capture ?? nothing} ?multiple=${isMultiple} @change=${(event) => addChosenFiles(event, attachments, source, question)} />
  </label>`;
  return html`
    <p class="warned">${icons.warning}<span>${t("Never a voter in the booth, a marked ballot with its voter, or the voter list.")}</span></p>
    <ul class="files" aria-label=${t("Files")}>${repeat(shown, (one) => one.id, (one) => renderAttachment(one, attachments))}</ul>
    ${attachments.isBusy && attachments.activeQuestion === (question ?? null) ? renderNotice("wait", t("Reading the file …"), t("Stay on this page until it says saved.")) : nothing}
    ${attachments.problem && attachments.activeQuestion === (question ?? null) ? renderNotice("bad", t("The file is not saved"), attachments.problem) : nothing}
    ${attachments.isReportSaved ? html`<label class="pick"><input type="checkbox" .checked=${live(attachments.publishNewFiles)} @change=${(event) => (attachments.publishNewFiles = event.target.checked)} /><span>${t("What I add now may be published")}</span></label>` : nothing}
    <div class="adding">
      ${renderFileInput("camera", t("Take a photo"), "camera", IMAGE_TYPES, "environment", false)}
      ${renderFileInput("file", t("From the gallery"), "gallery", photosOnly ? IMAGE_TYPES : ALL_TYPES, null, true)}
      ${photosOnly ? nothing : html`
        ${renderFileInput("film", t("Take a video"), "camera", "video/*", "environment", false)}
        ${renderFileInput("sound", t("Record sound"), "camera", "audio/*", "user", false)}`}
    </div>`;
}

function addChosenFiles(event, attachments, source, question) {
  const files = [...event.target.files];
  event.target.value = ""; // so that the same file can be chosen again
  if (files.length) attachments.add(files, source, question ?? null);
}

const getTypeIcon = (type) => (type.startsWith("video/") ? "film" : type.startsWith("audio/") ? "sound" : "file");
const getTypeLabel = (type) =>
  type.startsWith("image/") ? t("Photo") : type.startsWith("video/") ? t("Video") : type.startsWith("audio/") ? t("Sound") : t("File");

function renderAttachment(file, attachments) {
  const isDraft = file.state === "draft";
  const thumbnailUrl = attachments.getThumbnailUrl(file);
  return html`<li class="file">
    ${thumbnailUrl ? html`<img src=${thumbnailUrl} alt=${t("{kind}, {size}", { kind: getTypeLabel(file.type), size: formatBytes(file.size) })} width="72" height="72" />` : html`<span class="kind">${icons[getTypeIcon(file.type)]}</span>`}
    <div>
      <p class="small"><span>${getTypeLabel(file.type)}, ${formatBytes(file.size)}</span> ${isDraft ? nothing : renderState(file.state)}</p>
      ${file.problem ? html`<p class="small">${file.problem.detail ?? file.problem.code}</p>` : nothing}
      ${isDraft ? html`<label class="pick"><input type="checkbox" .checked=${live(Boolean(file.publishable))} @change=${(event) => attachments.setPublishable(file.id, event.target.checked)} /><span>${t("May be published")}</span></label>` : html`<p class="small">${file.publishable ? t("May be published") : t("Not for the public")}</p>`}
      ${isDraft ? renderConfirmButton({ key: file.id, confirming: attachments.confirming, page: attachments.page, label: t("Delete"), question: t("Delete this file?"), action: () => attachments.remove(file.id) }) : nothing}
    </div>
  </li>`;
}
