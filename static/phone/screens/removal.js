// Kept out or thrown out: the first tap leads here, the second sends. The two lie far apart, so that no
// double tap does it. Place and time go along; photos and words follow.
import { html, nothing } from "../vendor/lit.js";
import { call } from "../parts/call.js";
import { files } from "../parts/files.js";
import { icons } from "../parts/icons.js";
import { notice } from "../parts/notice.js";
import { position } from "../parts/place.js";
import { kept } from "../parts/saved.js";
import { state, stateOf } from "../parts/states.js";
import { clock } from "../parts/when.js";
import { me } from "../core/reference/reference.js";
import { removed } from "../core/reporting/removal.js";
import { stationChosen } from "../core/reference/stations.js";
import { t } from "../core/base/words.js";
import { filingOf } from "./filing.js";
import { noting } from "./noting.js";
import { reportShown } from "./reporting.js";

export const open = ([report], page) => (report ? after(report, page) : before(page));

async function before(page) {
  const [mine, station] = await Promise.all([me(), stationChosen()]);
  let here = null;
  let busy = false;
  let problem = null;
  position(60_000).then((found) => (here = found)); // looked for while the observer reads; never waited for

  const send = async () => {
    if (busy) return;
    busy = true;
    page.draw();
    let report = null;
    const ok = await kept(removed({ position: here }).then((made) => (report = made), (thrown) => {
      problem = thrown;
      throw thrown;
    }));
    busy = false;
    if (ok) page.replace(`#/removal/${report}`);
    else page.draw();
  };

  return {
    back: "#/day",
    title: () => t("Are you being thrown out or kept out?"),
    body: () => html`
      ${station ? nothing : notice("care", t("No station chosen"), html`<a class="button" href="#/station">${t("Choose the station")}</a>`)}
      ${problem ? notice("bad", t("The report is not saved"), problem.detail ?? t("Try once more, and call.")) : nothing}
      <p>${station ? t("One tap reports it from {station}, with time and place. You can add photos and words afterwards.", { station: station.name }) : t("One tap reports it, with time and place. You can add photos and words afterwards.")}</p>
      <button type="button" class="alarm" ?disabled=${busy || !station} @click=${send}>${icons.door}<span>${t("Yes, report it now")}</span></button>
      ${call(mine)}
      <p><a class="button" href="#/day">${t("No, go back")}</a></p>`,
  };
}

async function after(id, page) {
  const mine = await me();
  const filing = await filingOf({ report: id }, page);
  const words = await noting(id, page);
  let report = await reportShown(id);
  if (!report) return before(page);
  return {
    back: "#/day",
    title: () => t("It is reported"),
    close: filing.close,
    changed: async () => {
      report = (await reportShown(id)) ?? report;
      await filing.load();
    },
    body: () => html`
      ${report.state === "waiting" ? notice("good", t("Saved at {time}", { time: clock(report.saved_at) }), t("It goes before everything else, as soon as there is a network.")) : html`<p class="big">${state(stateOf(report))}</p>`}
      ${call(mine)}
      <h2>${t("Now, if it is safe")}</h2>
      <ol class="plain">
        <li>${t("Stay calm. If there is danger, leave.")}</li>
        <li>${t("Ask for the written decision of the commission; photograph it.")}</li>
        <li>${t("Remember who said what, and who saw it.")}</li>
      </ol>
      <h2>${t("Photos and files")}</h2>
      ${files(filing, undefined, false)}
      <h2>${t("Add words")}</h2>
      ${words(t("Who, what was said, who saw it"))}
      <p><a class="row" href="#/guide/refused">${icons.book}<span>${t("What the law says")}</span>${icons.next}</a></p>`,
  };
}
