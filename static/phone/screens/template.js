// Document template filled with known values, to copy by hand.
// Gaps mark what the observer writes.
import { html, live, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { renderNotice } from "../parts/notices.js";
import { localize } from "../parts/localized.js";
import { formatTime, formatDate } from "../parts/formatting.js";
import { getMe, listViolationTypes } from "../core/reference/reference.js";
import { getChosenStation } from "../core/reference/stations.js";
import { t } from "../core/base/translations.js";
import { loadGuide } from "./guide_texts.js";

const GAP = "____________";

/** Replaces `{station}`, `{article}` and the like; unknown values become gaps. */
export const fillTemplate = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name] || GAP);

export async function open([code], page) {
  let guide, me, station, violationTypes;
  let [article, violation, copied] = ["", "", ""];
  const load = async () => {
    [guide, me, station, violationTypes] = await Promise.all([loadGuide(), getMe(), getChosenStation(), listViolationTypes()]);
    page.draw();
  };
  await load();
  const getTemplate = () => guide?.templates.find((one) => one.code === code);
  const fillText = () => {
    const now = Date.now();
    return fillTemplate(localize(getTemplate().text), {
      station: station?.code, commission: station?.name, address: station?.address, article, organisation: localize(me?.organisation.names),
      violation: localize(violationTypes.find((one) => one.code === violation)?.names), date: formatDate(now, station?.timezone), time: formatTime(now, station?.timezone),
    }); // prettier-ignore
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(fillText());
      copied = t("Copied.");
    } catch {
      copied = t("This browser does not copy. Write it by hand.");
    }
    page.draw();
  };
  const renderSelect = (id, label, emptyLabel, value, options, onChoose) => html`<label class="label" for=${id}>${label}</label>
    <select id=${id} .value=${live(value)} @change=${(event) => (onChoose(event.target.value), page.draw())}>
      <option value="">${emptyLabel}</option>
      ${options.map(([key, name]) => html`<option value=${key} ?selected=${key === value}>${name}</option>`)}
    </select>`;
  return {
    back: "#/guide",
    title: () => localize(getTemplate()?.title) || t("Guide"),
    onDataChange: load,
    body() {
      if (!getTemplate()) return renderNotice("plain", t("This paper is not on this phone yet"), t("It comes with the first connection."));
      const hasPlaceholder = (name) => localize(getTemplate().text).includes(`{${name}}`);
      const articles = guide.sections.flatMap((one) => one.items).filter((one) => one.article);
      return html`
        <p>${t("Copy it by hand, twice. Hand in one; have the other marked as received.")}</p>
        ${hasPlaceholder("violation") ? renderSelect("violation", t("What happened?"), t("I write it myself"), violation, violationTypes.map((one) => [one.code, localize(one.names)]), (value) => (violation = value)) : nothing}
        ${hasPlaceholder("article") ? renderSelect("article", t("Which right or rule?"), t("I write the article myself"), article, articles.map((one) => [one.article, `${one.article}: ${localize(one.title)}`]), (value) => (article = value)) : nothing}
        <div class="paper">${fillText()}</div>
        <button type="button" @click=${copy}>${icons.file}<span>${t("Copy the text")}</span></button>
        <p class="soft" role="status">${copied || nothing}</p>`; // prettier-ignore
    },
  };
}
