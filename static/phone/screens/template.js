// A paper to copy by hand: filled with what the phone knows, gaps where the observer writes.
import { html, live, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { notice } from "../parts/notice.js";
import { said } from "../parts/said.js";
import { clock, dateOf } from "../parts/when.js";
import { me, violationTypes } from "../core/reference/reference.js";
import { stationChosen } from "../core/reference/stations.js";
import { t } from "../core/base/words.js";
import { guideOf } from "./book.js";

const GAP = "____________";

/** `{station}`, `{article}` and the like become what is known; what is not stays a gap. */
export const fill = (text, known) => text.replace(/\{(\w+)\}/g, (_all, name) => known[name] || GAP);

export async function open([code], page) {
  let book, mine, station, types;
  let [article, violation, copied] = ["", "", ""];
  const load = async () => {
    [book, mine, station, types] = await Promise.all([guideOf(), me(), stationChosen(), violationTypes()]);
    page.draw();
  };
  await load();
  const paper = () => book?.templates.find((one) => one.code === code);
  const text = () => {
    const now = Date.now();
    return fill(said(paper().text), {
      station: station?.code, commission: station?.name, address: station?.address, article, organisation: said(mine?.organisation.names),
      violation: said(types.find((one) => one.code === violation)?.names), date: dateOf(now, station?.timezone), time: clock(now, station?.timezone),
    }); // prettier-ignore
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      copied = t("Copied.");
    } catch {
      copied = t("This browser does not copy. Write it by hand.");
    }
    page.draw();
  };
  const choice = (id, word, none, value, options, chosen) => html`<label class="label" for=${id}>${word}</label>
    <select id=${id} .value=${live(value)} @change=${(event) => (chosen(event.target.value), page.draw())}>
      <option value="">${none}</option>
      ${options.map(([key, name]) => html`<option value=${key} ?selected=${key === value}>${name}</option>`)}
    </select>`;
  return {
    back: "#/guide",
    title: () => said(paper()?.title) || t("Guide"),
    changed: load,
    body() {
      if (!paper()) return notice("plain", t("This paper is not on this phone yet"), t("It comes with the first connection."));
      const asks = (name) => said(paper().text).includes(`{${name}}`);
      const articles = book.sections.flatMap((one) => one.items).filter((one) => one.article);
      return html`
        <p>${t("Copy it by hand, twice. Hand in one; have the other marked as received.")}</p>
        ${asks("violation") ? choice("violation", t("What happened?"), t("I write it myself"), violation, types.map((one) => [one.code, said(one.names)]), (value) => (violation = value)) : nothing}
        ${asks("article") ? choice("article", t("Which right or rule?"), t("I write the article myself"), article, articles.map((one) => [one.article, `${one.article}: ${said(one.title)}`]), (value) => (article = value)) : nothing}
        <div class="paper">${text()}</div>
        <button type="button" @click=${copy}>${icons.file}<span>${t("Copy the text")}</span></button>
        <p class="soft" role="status">${copied || nothing}</p>`; // prettier-ignore
    },
  };
}
