// The day at a glance: where, what is due when, what is written, waiting, received and read.
import { html, nothing, repeat } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { empty, notice } from "../parts/notice.js";
import { state, stateOf } from "../parts/states.js";
import { when } from "../parts/when.js";
import { day } from "../core/reporting/day.js";
import { draftOpen } from "../core/reporting/drafts.js";
import { me, messages, refresh } from "../core/reference/reference.js";
import { stationChosen } from "../core/reference/stations.js";
import { surroundings, updateTake } from "../core/store/surroundings.js";
import { t, tn } from "../core/base/words.js";
import { kept } from "../parts/saved.js";
import { titlesOf } from "./reporting.js";
import { rehearsed } from "./standing.js";

export async function open(_args, page) {
  let rows, mine, station, unread, around, tested, titles;
  const load = async () => {
    [rows, mine, station, around, tested] = await Promise.all([day(new Date()), me(), stationChosen(), surroundings(), rehearsed()]);
    unread = ((await messages()) ?? []).filter((one) => !one.read_at).length;
    titles = rows && (await titlesOf(rows.map((row) => row.checklist)));
    page.draw();
  };
  await load();
  refresh().catch(() => {}); // an hour without a network changes nothing here

  /** Opens the form, or goes on with the one that is being written. */
  const write = async (row, supersedes = null) => {
    let id = row.draft?.id;
    const opened = id ?? (await kept(draftOpen({ checklist: row.checklist.code, commission: row.station?.code, slot: row.slot, supersedes }).then((made) => (id = made))));
    if (opened) page.go(`#/fill/${id}`);
  };

  return {
    title: () => t("My day"),
    changed: load,
    body: () => html`
      ${warnings({ page, mine, around, tested })}
      ${unread ? html`<a class="row tinted" href="#/messages">${icons.letter}<span>${tn("{n} message not read", "{n} messages not read", unread)}</span>${icons.next}</a>` : nothing}
      <a class="row card" href="#/station">${icons.place}<span>${station ? html`<b>${station.name}</b><small>${station.address || station.code}</small>` : html`<b>${t("No station chosen")}</b><small>${t("Choose where you are")}</small>`}</span><small>${t("Change")}</small></a>
      ${rows === null ? notice("wait", t("The day is not on this phone yet"), t("It comes with the first connection.")) : rows.length ? html`<ul class="day">${repeat(rows, keyOf, (row) => line(row, titles.get(row.checklist.code), write))}</ul>` : empty(t("Nothing to fill here. Choose the station where you are."))}`,
  };
}

const keyOf = (row) => `${row.checklist.code} ${row.station?.code} ${row.slot}`;

function line(row, title, write) {
  const zone = row.station?.timezone;
  const reports = row.reports ?? (row.report ? [row.report] : []);
  const due = row.due ? t("due {when}", { when: when(row.due, zone) }) : "";
  return html`<li class="card">
    <h2>${title}</h2>
    ${row.slot ? html`<p class="soft">${row.slot}</p>` : nothing}
    <p class="beside">${row.report && !row.draft ? state(stateOf(row.report)) : state(row.state)} ${due ? html`<span class="soft">${due}</span>` : nothing}</p>
    ${reports.length ? html`<ul class="rows">${repeat(reports, (one) => one.id, (one) => html`<li><a class="row" href=${`#/report/${one.id}`}><span>${when(one.observed_at, zone)}</span>${state(stateOf(one))}${icons.next}</a></li>`)}</ul>` : nothing}
    ${actions(row, write)}
  </li>`;
}

function actions(row, write) {
  const button = (word, act, main) => html`<button type="button" class=${main ? "main" : ""} @click=${act}>${word}</button>`;
  if (row.draft) return button(t("Go on writing"), () => write(row), true);
  if (!row.report) return button(t("Start"), () => write(row), true);
  if (row.checklist.repeat === "once") return button(t("Update"), () => write(row, row.report.id));
  return button(row.checklist.repeat === "visit" ? t("New visit") : t("Another one"), () => write(row));
}

/** What the observer should know before anything else, worst first. */
function warnings({ page, mine, around, tested }) {
  const status = page.status() ?? {};
  const wrong = Math.round(Math.abs(status.clock_offset ?? 0) / 60_000);
  return html`
    ${status.revoked ? notice("bad", t("This phone was cut off from your account"), html`<p>${t("Nothing is lost: all is still on this phone. Call your coordinator, or save the outbox to files and hand them over.")}</p><a class="button" href="#/relay">${t("Save the outbox to files")}</a>`) : nothing}
    ${status.refused ? notice("bad", tn("{n} report was refused", "{n} reports were refused", status.refused), html`<a class="button" href="#/outbox">${t("See why, and correct")}</a>`) : nothing}
    ${around.low ? notice("care", t("This phone is almost full"), html`<p>${t("Reports can still be written. Make room before you take videos.")}</p><a class="button" href="#/settings">${t("Storage")}</a>`) : nothing}
    ${wrong >= 10 ? notice("care", t("The clock of this phone is wrong"), tn("It differs by {n} minute. Set it to automatic; your reports are taken all the same.", "It differs by {n} minutes. Set it to automatic; your reports are taken all the same.", wrong)) : nothing}
    ${around.online === false ? notice("off", t("No network"), t("Go on as usual. All is saved on this phone and sent when there is a network.")) : nothing}
    ${around.ios && !around.standalone ? notice("care", t("Not ready: install it first"), html`<p>${t("In this browser your reports may be deleted after some days. Install it to the home screen.")}</p><a class="button" href="#/settings">${t("How to install")}</a>`) : nothing}
    ${mine?.rehearsal ? notice("plain", t("Rehearsal"), t("The day is being rehearsed. Nothing that you send now counts.")) : nothing}
    ${tested ? nothing : notice("care", t("The test report is not done"), html`<a class="button" href="#/rehearsal">${t("Do it now, in two minutes")}</a>`)}
    ${around.update ? notice("plain", t("A new version is ready"), html`<p>${t("Nothing that waits is lost by it.")}</p><button type="button" @click=${updateTake}>${t("Use the new version")}</button>`) : nothing}`;
}
