// Choosing a station by number, by name or by nearness; of a draft too. Needs no network.
import { html, live, nothing, repeat } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { empty, notice } from "../parts/notice.js";
import { position } from "../parts/place.js";
import { kept } from "../parts/saved.js";
import { distance } from "../parts/when.js";
import { draftSet } from "../core/reporting/drafts.js";
import { assignments } from "../core/reference/reference.js";
import { stationChoose, stationChosen, stationSearch, stationsNear } from "../core/reference/stations.js";
import { t, tn } from "../core/base/words.js";

export async function open([draft], page) {
  let mine = [];
  let chosen = null;
  let text = "";
  let found = null; // null: nothing was asked
  let near = null;
  let looking = "";
  const load = async () => {
    [mine, chosen] = await Promise.all([assignments(), stationChosen()]);
    mine = (mine ?? []).map((one) => one.commission);
    page.draw();
  };
  await load();

  const search = async (words) => {
    text = words;
    const rows = words.trim() ? await stationSearch(words) : null;
    if (words === text) found = rows; // a slower answer to fewer letters comes too late
    page.draw();
  };
  const nearest = async () => {
    looking = t("Looking for the place …");
    page.draw();
    const here = await position();
    near = here && (await stationsNear(here));
    looking = here ? "" : t("The phone does not tell where it is. Search by number or name.");
    page.draw();
  };
  const choose = async (code) => {
    if (!(await kept(draft ? draftSet(draft, { commission: code }) : stationChoose(code)))) return;
    page.replace(draft ? `#/check/${draft}` : "#/day");
  };
  const list = (rows) => html`<ul class="rows">${repeat(rows, (one) => one.code, (one) => row(one, chosen, choose))}</ul>`;

  return {
    back: draft ? `#/check/${draft}` : "#/day",
    title: () => t("Which station?"),
    changed: load,
    body: () => html`
      <label class="label" for="search">${t("Number or name")}</label>
      <input id="search" type="search" autocomplete="off" .value=${live(text)} @input=${(event) => search(event.target.value)} />
      <p class="soft" role="status">${found ? tn("{n} found", "{n} found", found.length) : nothing}</p>
      ${found ? (found.length ? list(found) : empty(t("No such station on this phone. Try the number alone, or fewer letters."))) : nothing}
      <button type="button" @click=${nearest}>${icons.place}<span>${t("Nearest to me")}</span></button>
      <p class="soft" role="status">${looking || nothing}</p>
      ${near ? (near.length ? list(near) : empty(t("None of the stations on this phone has a known place."))) : nothing}
      <h2>${t("Assigned to me")}</h2>
      ${mine.length ? list(mine) : empty(t("No station is assigned to you. Search for the one where you are."))}
      ${notice("plain", t("Another station is no mistake"), t("A report about a station that is not yours is accepted; the desk sees that."))}`,
  };
}

const row = (station, chosen, choose) => html`<li><button type="button" class="row" aria-pressed=${station.code === chosen?.code ? "true" : "false"} @click=${() => choose(station.code)}>
  ${icons[station.code === chosen?.code ? "check" : "place"]}
  <span><b>${station.name}</b><small>${[station.address, station.code].filter(Boolean).join(" · ")}</small></span>
  ${station.distance === undefined ? nothing : html`<small>${distance(station.distance)}</small>`}
</button></li>`;
