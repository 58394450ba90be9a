// Report of being kept out or thrown out.
// The first tap leads here, the second sends. The two buttons are far apart, so that no double tap sends it. Place and time are
// included; photos and notes can follow.
import { html, nothing } from "../vendor/lit.js";
import { renderEmergencyCall } from "../parts/emergency_call.js";
import { renderAttachments } from "../parts/attachment_list.js";
import { icons } from "../parts/icons.js";
import { renderNotice } from "../parts/notices.js";
import { getPosition } from "../parts/location_field.js";
import { trackSave } from "../parts/save_status.js";
import { renderState, getDisplayState } from "../parts/report_states.js";
import { formatTime } from "../parts/formatting.js";
import { getMe } from "../core/reference/reference.js";
import { reportRemoval } from "../core/reporting/removal.js";
import { getChosenStation } from "../core/reference/stations.js";
import { t } from "../core/base/translations.js";
import { openAttachmentForm } from "./attachment_form.js";
import { openNoteForm } from "./note_form.js";
import { loadReport } from "./report_details.js";

export const open = ([report], page) => (report ? openReportedScreen(report, page) : openConfirmScreen(page));

async function openConfirmScreen(page) {
  const [me, station] = await Promise.all([getMe(), getChosenStation()]);
  let position = null;
  let isBusy = false;
  let problem = null;
  getPosition(60_000).then((found) => (position = found)); // starts while the observer reads; sending does not wait for it

  const send = async () => {
    if (isBusy) return;
    isBusy = true;
    page.draw();
    let report = null;
    const isSaved = await trackSave(reportRemoval({ position }).then((made) => (report = made), (thrown) => {
      problem = thrown;
      throw thrown;
    }));
    isBusy = false;
    if (isSaved) page.replace(`#/removal/${report}`);
    else page.draw();
  };

  return {
    back: "#/day",
    title: () => t("Are you being thrown out or kept out?"),
    body: () => html`
      ${station ? nothing : renderNotice("care", t("No station chosen"), html`<a class="button" href="#/station">${t("Choose the station")}</a>`)}
      ${problem ? renderNotice("bad", t("The report is not saved"), problem.detail ?? t("Try once more, and call.")) : nothing}
      <p>${station ? t("One tap reports it from {station}, with time and place. You can add photos and words afterwards.", { station: station.name }) : t("One tap reports it, with time and place. You can add photos and words afterwards.")}</p>
      <button type="button" class="alarm" ?disabled=${isBusy || !station} @click=${send}>${icons.door}<span>${t("Yes, report it now")}</span></button>
      ${renderEmergencyCall(me)}
      <p><a class="button" href="#/day">${t("No, go back")}</a></p>`,
  };
}

async function openReportedScreen(id, page) {
  const me = await getMe();
  const attachments = await openAttachmentForm({ report: id }, page);
  const renderNoteForm = await openNoteForm(id, page);
  let report = await loadReport(id);
  if (!report) return openConfirmScreen(page);
  return {
    back: "#/day",
    title: () => t("It is reported"),
    onClose: attachments.close,
    onDataChange: async () => {
      report = (await loadReport(id)) ?? report;
      await attachments.load();
    },
    body: () => html`
      ${report.state === "waiting" ? renderNotice("good", t("Saved at {time}", { time: formatTime(report.saved_at) }), t("It goes before everything else, as soon as there is a network.")) : html`<p class="big">${renderState(getDisplayState(report))}</p>`}
      ${renderEmergencyCall(me)}
      <h2>${t("Now, if it is safe")}</h2>
      <ol class="plain">
        <li>${t("Stay calm. If there is danger, leave.")}</li>
        <li>${t("Ask for the written decision of the commission; photograph it.")}</li>
        <li>${t("Remember who said what, and who saw it.")}</li>
      </ol>
      <h2>${t("Photos and files")}</h2>
      ${renderAttachments(attachments, undefined, false)}
      <h2>${t("Add words")}</h2>
      ${renderNoteForm(t("Who, what was said, who saw it"))}
      <p><a class="row" href="#/guide/refused">${icons.book}<span>${t("What the law says")}</span>${icons.next}</a></p>`,
  };
}
