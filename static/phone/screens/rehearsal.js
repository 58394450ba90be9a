// Test report with a photo: checks the phone before election day.
import { html, nothing } from "../vendor/lit.js";
import { renderAttachments } from "../parts/attachment_list.js";
import { icons } from "../parts/icons.js";
import { renderNotice } from "../parts/notices.js";
import { getPosition } from "../parts/location_field.js";
import { trackSave } from "../parts/save_status.js";
import { renderState, getDisplayState } from "../parts/report_states.js";
import { openDraft, setDraftFields } from "../core/reporting/drafts.js";
import { saveReport } from "../core/reporting/outbox.js";
import { describeProblem } from "../core/base/problems.js";
import { listChecklists } from "../core/reference/reference.js";
import { getChosenStation } from "../core/reference/stations.js";
import { requestPersistence, getEnvironment } from "../core/store/environment.js";
import { t } from "../core/base/translations.js";
import { openAttachmentForm } from "./attachment_form.js";
import { loadReport } from "./report_details.js";
import { postponeRehearsal } from "./phone_readiness.js";

export async function open([id], page) {
  const report = id && (await loadReport(id));
  return report ? openResultScreen(report, page) : openFormScreen(page);
}

async function openFormScreen(page) {
  let draft, attachments, station;
  /**
   * Opens the draft once the checklists are here.
   * They come with the first connection.
   */
  const prepare = async () => {
    const checklists = await listChecklists();
    station = await getChosenStation();
    // Any checklist may be tried. One that repeats at will leaves no report that would be superseded later.
    const checklist = checklists.find((one) => one.repeat === "any") ?? checklists[0];
    if (!checklist || !station || draft) return;
    draft = await openDraft({ checklist: checklist.code, commission: station.code, rehearsal: true });
    attachments = await openAttachmentForm({ draft }, page);
  };
  await prepare();
  let position;
  let isAsked = false;
  const locate = async () => {
    isAsked = true;
    page.draw();
    position = await getPosition();
    if (position) await trackSave(setDraftFields(draft, { location: position }));
    page.draw();
  };
  const send = async () => {
    let report;
    requestPersistence().catch(() => {}); // browsers agree more often right after a user's action
    if (await trackSave(saveReport(draft).then((made) => (report = made)))) page.replace(`#/rehearsal/${report}`);
  };
  return {
    back: "#/day",
    title: () => t("Test report"),
    onClose: () => attachments?.close(),
    onDataChange: () => (attachments ? attachments.load() : prepare()),
    // The button is always the same element, so it keeps the focus when the checklists arrive.
    body: () => html`${renderSteps()}${renderLaterButton(page)}`,
  };
  function renderSteps() {
    if (station === null) return renderNotice("care", t("No station chosen"), html`<a class="button" href="#/station">${t("Choose the station")}</a>`); // prettier-ignore
    if (!attachments) return renderNotice("wait", t("The checklists are not on this phone yet"), t("They come with the first connection."));
    return html`
      <p>${t("Send one photo of anything, now, and you will know on the day that this phone works. It is marked as a rehearsal and counts nowhere.")}</p>
      <h2>${t("1. Take a photo")}</h2>
      ${renderAttachments(attachments, null, true)}
      <h2>${t("2. Let the phone tell where it is")}</h2>
      <p class="soft">${t("Asked only when you report. You may refuse.")}</p>
      <button type="button" @click=${locate}>${icons.place}<span>${t("Take the place where I am")}</span></button>
      <p role="status">${position ? html`${icons.check} ${t("It works.")}` : isAsked && position === null ? t("The phone does not tell where it is. Allow it in the browser's settings, or go on without.") : nothing}</p>
      <h2>${t("3. Send it")}</h2>
      <button type="button" class="main" ?disabled=${!attachments.files.length || attachments.isBusy} @click=${send}>${icons.up}<span>${t("Send the test report")}</span></button>`;
  }
}

const renderLaterButton = (page) => html`<p><button type="button" class="quiet" @click=${() => postponeRehearsal().then(() => page.go("#/day"))}>${t("Later: to the day")}</button></p>`;

async function openResultScreen(first, page) {
  let report = first;
  let environment = await getEnvironment();
  return {
    back: "#/day",
    title: () => t("Test report"),
    onDataChange: async () => {
      report = (await loadReport(first.id)) ?? report;
      environment = await getEnvironment();
    },
    body() {
      const displayState = getDisplayState(report);
      const isReceived = ["received", "read"].includes(displayState);
      const isNotInstalled = environment.ios && !environment.standalone;
      return html`
        <p class="big">${renderState(displayState)}</p>
        ${isReceived && !isNotInstalled ? renderNotice("good", t("This phone is ready"), t("Report and photo arrived.")) : nothing}
        ${isReceived && isNotInstalled ? renderNotice("care", t("Not ready: install it first"), t("Report and photo arrived. But in this browser your reports may be deleted after some days.")) : nothing}
        ${displayState === "waiting" || displayState === "coming" ? renderNotice("wait", t("On its way"), t("Without a network it goes later, by itself. You need not wait here.")) : nothing}
        ${displayState === "refused" ? renderNotice("bad", t("The server could not read this report"), describeProblem(report.problem)) : nothing}
        ${environment.persisted === false ? renderNotice("care", t("The browser may delete what waits"), html`<a class="button" href="#/settings">${t("Storage")}</a>`) : nothing}
        <a class="button main" href="#/day">${t("To the day")}</a>`;
    },
  };
}
