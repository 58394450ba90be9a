// The day: station, and what is due, written, sent, received and read.
import { html, nothing, repeat } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { renderEmpty, renderNotice } from "../parts/notices.js";
import { renderState, getDisplayState } from "../parts/report_states.js";
import { formatDateTime } from "../parts/formatting.js";
import { getDayOverview } from "../core/reporting/day_overview.js";
import { openDraft } from "../core/reporting/drafts.js";
import { getMe, listMessages, refreshReference } from "../core/reference/reference.js";
import { getChosenStation } from "../core/reference/stations.js";
import { getEnvironment, activateUpdate } from "../core/store/environment.js";
import { t, tn } from "../core/base/translations.js";
import { trackSave } from "../parts/save_status.js";
import { loadTitles } from "./report_details.js";
import { isRehearsed } from "./phone_readiness.js";

export async function open(_args, page) {
  let rows, me, station, unread, environment, isTested, titles;
  const load = async () => {
    [rows, me, station, environment, isTested] = await Promise.all([getDayOverview(new Date()), getMe(), getChosenStation(), getEnvironment(), isRehearsed()]);
    unread = ((await listMessages()) ?? []).filter((one) => !one.read_at).length;
    titles = rows && (await loadTitles(rows.map((row) => row.checklist)));
    page.draw();
  };
  await load();
  refreshReference().catch(() => {}); // without a network the stored day stays

  /** Opens a new form, or the draft that exists. */
  const openForm = async (row, supersedes = null) => {
    let id = row.draft?.id;
    const isOpened = id ?? (await trackSave(openDraft({ checklist: row.checklist.code, commission: row.station?.code, slot: row.slot, supersedes }).then((made) => (id = made))));
    if (isOpened) page.go(`#/fill/${id}`);
  };

  return {
    title: () => t("My day"),
    onDataChange: load,
    body: () => html`
      ${renderWarnings({ page, me, environment, isTested })}
      ${unread ? html`<a class="row tinted" href="#/messages">${icons.letter}<span>${tn("{n} message not read", "{n} messages not read", unread)}</span>${icons.next}</a>` : nothing}
      <a class="row card" href="#/station">${icons.place}<span>${station ? html`<b>${station.name}</b><small>${station.address || station.code}</small>` : html`<b>${t("No station chosen")}</b><small>${t("Choose where you are")}</small>`}</span><small>${t("Change")}</small></a>
      ${rows === null ? renderNotice("wait", t("The day is not on this phone yet"), t("It comes with the first connection.")) : rows.length ? html`<ul class="day">${repeat(rows, getRowKey, (row) => renderRow(row, titles.get(row.checklist.code), openForm))}</ul>` : renderEmpty(t("Nothing to fill here. Choose the station where you are."))}`,
  };
}

const getRowKey = (row) => `${row.checklist.code} ${row.station?.code} ${row.slot}`;

function renderRow(row, title, openForm) {
  const zone = row.station?.timezone;
  const reports = row.reports ?? (row.report ? [row.report] : []);
  const due = row.due ? t("due {when}", { when: formatDateTime(row.due, zone) }) : "";
  return html`<li class="card">
    <h2>${title}</h2>
    ${row.slot ? html`<p class="soft">${row.slot}</p>` : nothing}
    <p class="beside">${row.report && !row.draft ? renderState(getDisplayState(row.report)) : renderState(row.state)} ${due ? html`<span class="soft">${due}</span>` : nothing}</p>
    ${reports.length ? html`<ul class="rows">${repeat(reports, (one) => one.id, (one) => html`<li><a class="row" href=${`#/report/${one.id}`}><span>${formatDateTime(one.observed_at, zone)}</span>${renderState(getDisplayState(one))}${icons.next}</a></li>`)}</ul>` : nothing}
    ${renderActions(row, openForm)}
  </li>`;
}

function renderActions(row, openForm) {
  const renderButton = (label, onClick, isMain) => html`<button type="button" class=${isMain ? "main" : ""} @click=${onClick}>${label}</button>`;
  if (row.draft) return renderButton(t("Go on writing"), () => openForm(row), true);
  if (!row.report) return renderButton(t("Start"), () => openForm(row), true);
  if (row.checklist.repeat === "once") return renderButton(t("Update"), () => openForm(row, row.report.id));
  return renderButton(row.checklist.repeat === "visit" ? t("New visit") : t("Another one"), () => openForm(row));
}

/** Warnings for the observer, the most serious first. */
function renderWarnings({ page, me, environment, isTested }) {
  const status = page.status() ?? {};
  const clockOffMinutes = Math.round(Math.abs(status.clock_offset ?? 0) / 60_000);
  return html`
    ${status.revoked ? renderNotice("bad", t("This phone was cut off from your account"), html`<p>${t("Nothing is lost: all is still on this phone. Call your coordinator, or save the outbox to files and hand them over.")}</p><a class="button" href="#/relay">${t("Save the outbox to files")}</a>`) : nothing}
    ${status.refused ? renderNotice("bad", tn("{n} report was refused", "{n} reports were refused", status.refused), html`<a class="button" href="#/outbox">${t("See why, and correct")}</a>`) : nothing}
    ${environment.low ? renderNotice("care", t("This phone is almost full"), html`<p>${t("Reports can still be written. Make room before you take videos.")}</p><a class="button" href="#/settings">${t("Storage")}</a>`) : nothing}
    ${clockOffMinutes >= 10 ? renderNotice("care", t("The clock of this phone is wrong"), tn("It differs by {n} minute. Set it to automatic; your reports are taken all the same.", "It differs by {n} minutes. Set it to automatic; your reports are taken all the same.", clockOffMinutes)) : nothing}
    ${environment.online === false ? renderNotice("off", t("No network"), t("Go on as usual. All is saved on this phone and sent when there is a network.")) : nothing}
    ${environment.ios && !environment.standalone ? renderNotice("care", t("Not ready: install it first"), html`<p>${t("In this browser your reports may be deleted after some days. Install it to the home screen.")}</p><a class="button" href="#/settings">${t("How to install")}</a>`) : nothing}
    ${me?.rehearsal ? renderNotice("plain", t("Rehearsal"), t("The day is being rehearsed. Nothing that you send now counts.")) : nothing}
    ${isTested ? nothing : renderNotice("care", t("The test report is not done"), html`<a class="button" href="#/rehearsal">${t("Do it now, in two minutes")}</a>`)}
    ${environment.update ? renderNotice("plain", t("A new version is ready"), html`<p>${t("Nothing that waits is lost by it.")}</p><button type="button" @click=${activateUpdate}>${t("Use the new version")}</button>`) : nothing}`;
}
