// A test report with a photo, all the way to the server: is this phone ready for the day?
import { html, nothing } from "../vendor/lit.js";
import { files } from "../parts/files.js";
import { icons } from "../parts/icons.js";
import { notice } from "../parts/notice.js";
import { position } from "../parts/place.js";
import { kept } from "../parts/saved.js";
import { state, stateOf } from "../parts/states.js";
import { draftOpen, draftSet } from "../core/reporting/drafts.js";
import { save } from "../core/reporting/outbox.js";
import { detailOf } from "../core/base/problem.js";
import { checklists } from "../core/reference/reference.js";
import { stationChosen } from "../core/reference/stations.js";
import { persist, surroundings } from "../core/store/surroundings.js";
import { t } from "../core/base/words.js";
import { filingOf } from "./filing.js";
import { reportShown } from "./reporting.js";
import { rehearsalLater } from "./standing.js";

export async function open([id], page) {
  const report = id && (await reportShown(id));
  return report ? following(report, page) : preparing(page);
}

async function preparing(page) {
  let draft, filing, station;
  /** Waits for the checklists, which come with the first connection. */
  const prepare = async () => {
    const lists = await checklists();
    station = await stationChosen();
    // Any list may be tried. One that is filled again and again leaves nothing behind that would be replaced.
    const list = lists.find((one) => one.repeat === "any") ?? lists[0];
    if (!list || !station || draft) return;
    draft = await draftOpen({ checklist: list.code, commission: station.code, rehearsal: true });
    filing = await filingOf({ draft }, page);
  };
  await prepare();
  let here;
  let asked = false;
  const look = async () => {
    asked = true;
    page.draw();
    here = await position();
    if (here) await kept(draftSet(draft, { location: here }));
    page.draw();
  };
  const send = async () => {
    let report;
    persist().catch(() => {}); // the best moment to ask: the observer has just done something
    if (await kept(save(draft).then((made) => (report = made)))) page.replace(`#/rehearsal/${report}`);
  };
  return {
    back: "#/day",
    title: () => t("Test report"),
    close: () => filing?.close(),
    changed: () => (filing ? filing.load() : prepare()),
    // The way on is one button whatever stands above it: it keeps the focus when the checklists come.
    body: () => html`${steps()}${later(page)}`,
  };
  function steps() {
    if (station === null) return notice("care", t("No station chosen"), html`<a class="button" href="#/station">${t("Choose the station")}</a>`); // prettier-ignore
    if (!filing) return notice("wait", t("The checklists are not on this phone yet"), t("They come with the first connection."));
    return html`
      <p>${t("Send one photo of anything, now, and you will know on the day that this phone works. It is marked as a rehearsal and counts nowhere.")}</p>
      <h2>${t("1. Take a photo")}</h2>
      ${files(filing, null, true)}
      <h2>${t("2. Let the phone tell where it is")}</h2>
      <p class="soft">${t("Asked only when you report. You may refuse.")}</p>
      <button type="button" @click=${look}>${icons.place}<span>${t("Take the place where I am")}</span></button>
      <p role="status">${here ? html`${icons.check} ${t("It works.")}` : asked && here === null ? t("The phone does not tell where it is. Allow it in the browser's settings, or go on without.") : nothing}</p>
      <h2>${t("3. Send it")}</h2>
      <button type="button" class="main" ?disabled=${!filing.files.length || filing.busy} @click=${send}>${icons.up}<span>${t("Send the test report")}</span></button>`;
  }
}

const later = (page) => html`<p><button type="button" class="quiet" @click=${() => rehearsalLater().then(() => page.go("#/day"))}>${t("Later: to the day")}</button></p>`;

async function following(first, page) {
  let report = first;
  let around = await surroundings();
  return {
    back: "#/day",
    title: () => t("Test report"),
    changed: async () => {
      report = (await reportShown(first.id)) ?? report;
      around = await surroundings();
    },
    body() {
      const now = stateOf(report);
      const ready = ["received", "read"].includes(now);
      const notYet = around.ios && !around.standalone;
      return html`
        <p class="big">${state(now)}</p>
        ${ready && !notYet ? notice("good", t("This phone is ready"), t("Report and photo arrived.")) : nothing}
        ${ready && notYet ? notice("care", t("Not ready: install it first"), t("Report and photo arrived. But in this browser your reports may be deleted after some days.")) : nothing}
        ${now === "waiting" || now === "coming" ? notice("wait", t("On its way"), t("Without a network it goes later, by itself. You need not wait here.")) : nothing}
        ${now === "refused" ? notice("bad", t("The server could not read this report"), detailOf(report.problem)) : nothing}
        ${around.persisted === false ? notice("care", t("The browser may delete what waits"), html`<a class="button" href="#/settings">${t("Storage")}</a>`) : nothing}
        <a class="button main" href="#/day">${t("To the day")}</a>`;
    },
  };
}
