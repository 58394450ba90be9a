// One report: where it stands, what it says, and what may follow it: words, photos, an update, a correction.
import { html, nothing } from "../vendor/lit.js";
import { files } from "../parts/files.js";
import { icons } from "../parts/icons.js";
import { notice } from "../parts/notice.js";
import { kept } from "../parts/saved.js";
import { placeWord } from "../parts/place.js";
import { flagWord, state, stateOf } from "../parts/states.js";
import { when } from "../parts/when.js";
import { draftOpen } from "../core/reporting/drafts.js";
import { correct } from "../core/reporting/outbox.js";
import { detailOf } from "../core/base/problem.js";
import { checklist, violationTypes } from "../core/reference/reference.js";
import { stationNamed as stationOf } from "../core/reference/stations.js";
import { said } from "../parts/said.js";
import { t } from "../core/base/words.js";
import { answerWord } from "./answers.js";
import { filingOf } from "./filing.js";
import { noting } from "./noting.js";
import { fieldErrors } from "./drafting.js";
import { reportShown } from "./reporting.js";

export async function open([id, just], page) {
  let report, version, station, types;
  const words = await noting(id, page);
  const filing = await filingOf({ report: id }, page);
  const load = async () => {
    report = await reportShown(id);
    if (!report) return;
    [version, station, types] = await Promise.all([checklist(report.checklist.code, report.checklist.version), stationOf(report.commission), violationTypes()]);
    await filing.load();
  };
  await load();
  if (!report) return { back: "#/day", title: () => t("No such report on this phone"), body: () => html`<a class="button main" href="#/day">${t("To the day")}</a>` };

  const back = !just && page.behind() === "#/outbox" ? "#/outbox" : "#/day";
  const go = async (making) => {
    let draft;
    if (await kept(making().then((made) => (draft = made)))) page.replace(`#/fill/${draft}`);
  };

  return {
    back,
    title: () => said(version?.title) || report.checklist.code,
    changed: load,
    close: filing.close,
    body: () => html`
      ${standing(report, version, just, () => go(() => correct(id)))}
      <p class="where">${icons.place}<span>${station?.name ?? report.commission}</span></p>
      <p class="soft">${t("Observed {when}", { when: when(report.observed_at, station?.timezone) })} · ${report.id.slice(-6)}</p>
      ${report.flags?.length ? html`<ul class="plain">${report.flags.map((one) => html`<li>${icons.warning} ${flagWord(one)}</li>`)}</ul>` : nothing}
      ${report.elsewhere ? notice("plain", t("Written on another phone"), t("What it says is on that phone and on the server.")) : html`<h2>${t("What it says")}</h2>${says(report, version, types)}`}
      <h2>${t("Photos and files")}</h2>
      ${files(filing, undefined, false)}
      <h2>${t("Add words")}</h2>
      ${words(t("What happened since?"))}
      ${report.state === "received" ? html`<p><button type="button" @click=${() => go(() => update(report))}>${t("Write it anew")}</button></p>` : nothing}`,
    foot: just ? () => html`<a class="step main" href="#/day">${icons.check}<span>${t("Done")}</span></a>` : undefined,
  };
}

/** An update supersedes; the first one is kept and says so. */
const update = (report) => draftOpen({ checklist: report.checklist.code, commission: report.commission, slot: report.slot, contest: report.contest, supersedes: report.id });

function standing(report, version, just, again) {
  if (report.state === "refused")
    return notice("bad", t("The server could not read this report"), html`
      <p>${detailOf(report.problem)}</p>
      <ul>${fieldErrors(report.problem, version).map((one) => html`<li>${one}</li>`)}</ul>
      <p>${t("It is safe on this phone. Correct it and save it again.")}</p>
      <button type="button" class="main" @click=${again}>${t("Correct it")}</button>`);
  if (report.state === "conflict")
    return notice("care", t("The server has this report with different content"), html`
      <p>${t("Both are kept: that one on the server, this one here. Tell your coordinator, or save this one to a file.")}</p>
      <a class="button" href="#/relay">${t("Save to a file")}</a>`);
  if (report.state === "waiting")
    return notice(just ? "good" : "wait", just ? t("Saved on this phone") : t("Waiting to be sent"), t("It is sent by itself when there is a network. You may close the application."));
  return html`<p class="big">${state(stateOf(report))}</p>`;
}

const says = (report, version, types) => html`<dl class="says">
  ${(version?.questions ?? []).filter((one) => report.answers?.[one.code] !== undefined).map((one) => html`
    <div><dt>${said(one.label)}</dt><dd>${answerWord(one, report.answers[one.code], types)}</dd></div>`)}
  ${report.comment ? html`<div><dt>${t("Comment")}</dt><dd>${report.comment}</dd></div>` : nothing}
  ${report.location ? html`<div><dt>${t("Place")}</dt><dd>${placeWord(report.location)}</dd></div>` : nothing}
</dl>`; // prettier-ignore
