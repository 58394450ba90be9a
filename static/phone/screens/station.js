// Choosing a station by number, name or distance; also for a draft.
// Works offline.
import { html, live, nothing, repeat } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { renderEmpty, renderNotice } from "../parts/notices.js";
import { getPosition } from "../parts/location_field.js";
import { trackSave } from "../parts/save_status.js";
import { formatDistance } from "../parts/formatting.js";
import { setDraftFields } from "../core/reporting/drafts.js";
import { listAssignments } from "../core/reference/reference.js";
import { chooseStation, getChosenStation, searchStations, findNearestStations } from "../core/reference/stations.js";
import { t, tn } from "../core/base/translations.js";

export async function open([draftId], page) {
  let assigned = [];
  let chosen = null;
  let text = "";
  let found = null; // null: no search yet
  let nearest = null;
  let locationStatus = "";
  const load = async () => {
    [assigned, chosen] = await Promise.all([listAssignments(), getChosenStation()]);
    assigned = (assigned ?? []).map((one) => one.commission);
    page.draw();
  };
  await load();

  const search = async (words) => {
    text = words;
    const rows = words.trim() ? await searchStations(words) : null;
    if (words === text) found = rows; // ignores a slower result of an earlier search
    page.draw();
  };
  const searchNearest = async () => {
    locationStatus = t("Looking for the place …");
    page.draw();
    const position = await getPosition();
    nearest = position && (await findNearestStations(position));
    locationStatus = position ? "" : t("The phone does not tell where it is. Search by number or name.");
    page.draw();
  };
  const choose = async (code) => {
    if (!(await trackSave(draftId ? setDraftFields(draftId, { commission: code }) : chooseStation(code)))) return;
    page.replace(draftId ? `#/check/${draftId}` : "#/day");
  };
  const renderList = (rows) => html`<ul class="rows">${repeat(rows, (one) => one.code, (one) => renderStation(one, chosen, choose))}</ul>`;

  return {
    back: draftId ? `#/check/${draftId}` : "#/day",
    title: () => t("Which station?"),
    onDataChange: load,
    body: () => html`
      <label class="label" for="search">${t("Number or name")}</label>
      <input id="search" type="search" autocomplete="off" .value=${live(text)} @input=${(event) => search(event.target.value)} />
      <p class="soft" role="status">${found ? tn("{n} found", "{n} found", found.length) : nothing}</p>
      ${found ? (found.length ? renderList(found) : renderEmpty(t("No such station on this phone. Try the number alone, or fewer letters."))) : nothing}
      <button type="button" @click=${searchNearest}>${icons.place}<span>${t("Nearest to me")}</span></button>
      <p class="soft" role="status">${locationStatus || nothing}</p>
      ${nearest ? (nearest.length ? renderList(nearest) : renderEmpty(t("None of the stations on this phone has a known place."))) : nothing}
      <h2>${t("Assigned to me")}</h2>
      ${assigned.length ? renderList(assigned) : renderEmpty(t("No station is assigned to you. Search for the one where you are."))}
      ${renderNotice("plain", t("Another station is no mistake"), t("A report about a station that is not yours is accepted; the desk sees that."))}`,
  };
}

const renderStation = (station, chosen, choose) => html`<li><button type="button" class="row" aria-pressed=${station.code === chosen?.code ? "true" : "false"} @click=${() => choose(station.code)}>
  ${icons[station.code === chosen?.code ? "check" : "place"]}
  <span><b>${station.name}</b><small>${[station.address, station.code].filter(Boolean).join(" · ")}</small></span>
  ${station.distance === undefined ? nothing : html`<small>${formatDistance(station.distance)}</small>`}
</button></li>`;
