// One report: state, content, and actions: note, files, update, correction.
import { html, nothing } from "../vendor/lit.js";
import { renderAttachments } from "../parts/attachment_list.js";
import { icons } from "../parts/icons.js";
import { renderNotice } from "../parts/notices.js";
import { trackSave } from "../parts/save_status.js";
import { formatLocation } from "../parts/location_field.js";
import { getFlagLabel, renderState, getDisplayState } from "../parts/report_states.js";
import { formatDateTime } from "../parts/formatting.js";
import { openDraft } from "../core/reporting/drafts.js";
import { correctReport } from "../core/reporting/outbox.js";
import { describeProblem } from "../core/base/problems.js";
import { getChecklist, listViolationTypes } from "../core/reference/reference.js";
import { getStation } from "../core/reference/stations.js";
import { localize } from "../parts/localized.js";
import { t } from "../core/base/translations.js";
import { formatAnswer } from "./answer_text.js";
import { openAttachmentForm } from "./attachment_form.js";
import { openNoteForm } from "./note_form.js";
import { listFieldErrors } from "./draft_form.js";
import { loadReport } from "./report_details.js";

export async function open([id, isJustSaved], page) {
  let report, version, station, violationTypes;
  const renderNoteForm = await openNoteForm(id, page);
  const attachments = await openAttachmentForm({ report: id }, page);
  const load = async () => {
    report = await loadReport(id);
    if (!report) return;
    [version, station, violationTypes] = await Promise.all([getChecklist(report.checklist.code, report.checklist.version), getStation(report.commission), listViolationTypes()]);
    await attachments.load();
  };
  await load();
  if (!report) return { back: "#/day", title: () => t("No such report on this phone"), body: () => html`<a class="button main" href="#/day">${t("To the day")}</a>` };

  const back = !isJustSaved && page.previousAddress() === "#/outbox" ? "#/outbox" : "#/day";
  const openForm = async (makeDraft) => {
    let draft;
    if (await trackSave(makeDraft().then((made) => (draft = made)))) page.replace(`#/fill/${draft}`);
  };

  return {
    back,
    title: () => localize(version?.title) || report.checklist.code,
    onDataChange: load,
    onClose: attachments.close,
    body: () => html`
      ${renderStateNotice(report, version, isJustSaved, () => openForm(() => correctReport(id)))}
      <p class="where">${icons.place}<span>${station?.name ?? report.commission}</span></p>
      <p class="soft">${t("Observed {when}", { when: formatDateTime(report.observed_at, station?.timezone) })} · ${report.id.slice(-6)}</p>
      ${report.flags?.length ? html`<ul class="plain">${report.flags.map((one) => html`<li>${icons.warning} ${getFlagLabel(one)}</li>`)}</ul>` : nothing}
      ${report.elsewhere ? renderNotice("plain", t("Written on another phone"), t("What it says is on that phone and on the server.")) : html`<h2>${t("What it says")}</h2>${renderContent(report, version, violationTypes)}`}
      <h2>${t("Photos and files")}</h2>
      ${renderAttachments(attachments, undefined, false)}
      <h2>${t("Add words")}</h2>
      ${renderNoteForm(t("What happened since?"))}
      ${report.state === "received" ? html`<p><button type="button" @click=${() => openForm(() => openUpdate(report))}>${t("Write it anew")}</button></p>` : nothing}`,
    footer: isJustSaved ? () => html`<a class="step main" href="#/day">${icons.check}<span>${t("Done")}</span></a>` : undefined,
  };
}

/**
 * Opens a draft that supersedes the report.
 * The first report is kept and marked.
 */
const openUpdate = (report) => openDraft({ checklist: report.checklist.code, commission: report.commission, slot: report.slot, contest: report.contest, supersedes: report.id });

function renderStateNotice(report, version, isJustSaved, correct) {
  if (report.state === "refused")
    return renderNotice("bad", t("The server could not read this report"), html`
      <p>${describeProblem(report.problem)}</p>
      <ul>${listFieldErrors(report.problem, version).map((one) => html`<li>${one}</li>`)}</ul>
      <p>${t("It is safe on this phone. Correct it and save it again.")}</p>
      <button type="button" class="main" @click=${correct}>${t("Correct it")}</button>`);
  if (report.state === "conflict")
    return renderNotice("care", t("The server has this report with different content"), html`
      <p>${t("Both are kept: that one on the server, this one here. Tell your coordinator, or save this one to a file.")}</p>
      <a class="button" href="#/relay">${t("Save to a file")}</a>`);
  if (report.state === "waiting")
    return renderNotice(isJustSaved ? "good" : "wait", isJustSaved ? t("Saved on this phone") : t("Waiting to be sent"), t("It is sent by itself when there is a network. You may close the application."));
  return html`<p class="big">${renderState(getDisplayState(report))}</p>`;
}

const renderContent = (report, version, violationTypes) => html`<dl class="says">
  ${(version?.questions ?? []).filter((one) => report.answers?.[one.code] !== undefined).map((one) => html`
    <div><dt>${localize(one.label)}</dt><dd>${formatAnswer(one, report.answers[one.code], violationTypes)}</dd></div>`)}
  ${report.comment ? html`<div><dt>${t("Comment")}</dt><dd>${report.comment}</dd></div>` : nothing}
  ${report.location ? html`<div><dt>${t("Place")}</dt><dd>${formatLocation(report.location)}</dd></div>` : nothing}
</dl>`; // prettier-ignore
