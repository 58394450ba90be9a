// The guide: rights, duties, limits and document templates, offline.
import { html, live, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { renderEmpty } from "../parts/notices.js";
import { localize } from "../parts/localized.js";
import { t, tn } from "../core/base/translations.js";
import { loadGuide } from "./guide_texts.js";

const foldText = (text) => text.toLowerCase();

export async function open([section], page) {
  let guide;
  let text = "";
  const load = async () => {
    guide = await loadGuide();
    page.draw();
  };
  await load();
  const searchGuide = () => {
    const words = foldText(text).split(/\s+/).filter(Boolean);
    const matches = (...parts) => words.every((word) => foldText(parts.join(" ")).includes(word));
    return {
      sections: guide.sections.map((one) => ({ ...one, items: one.items.filter((item) => matches(localize(item.title), localize(item.text), item.article, localize(one.title))) })).filter((one) => one.items.length),
      terms: guide.deadlines.filter((one) => matches(localize(one.name), localize(one.forum), one.article)),
      templates: (guide.templates ?? []).filter((one) => matches(localize(one.title), localize(one.text))),
    };
  };
  return {
    title: () => t("Guide"),
    onDataChange: load,
    onShow: () => section && document.getElementById(`g-${section}`)?.querySelector("summary").focus(),
    body() {
      if (!guide?.sections) return renderEmpty(t("The guide is not on this phone yet. It comes with the first connection."));
      const { sections, templates, terms } = searchGuide();
      const count = templates.length + terms.length + sections.reduce((sum, one) => sum + one.items.length, 0);
      return html`
        <label class="label" for="search">${t("Search the guide")}</label>
        <input id="search" type="search" autocomplete="off" .value=${live(text)} @input=${(event) => ((text = event.target.value), page.draw())} />
        <p class="soft" role="status">${text ? tn("{n} found", "{n} found", count) : nothing}</p>
        ${templates.length ? html`<h2>${t("Papers to copy by hand")}</h2>
          <ul class="rows">${templates.map((one) => html`<li><a class="row" href=${`#/template/${one.code}`}>${icons.pen}<span>${localize(one.title)}</span>${icons.next}</a></li>`)}</ul>` : nothing}
        ${sections.map((one) => html`<details id=${`g-${one.code}`} ?open=${Boolean(text) || one.code === section}><summary><h2>${localize(one.title)}</h2>${icons.down}</summary>
          <ul class="articles">${one.items.map((item) => html`<li>${localize(item.title) ? html`<b>${localize(item.title)}</b> ` : nothing}${localize(item.text)}${item.article ? html` <small>${t("art. {article}", { article: item.article })}</small>` : nothing}</li>`)}</ul></details>`)}
        ${terms.length ? html`<details id="g-terms" ?open=${Boolean(text)}><summary><h2>${t("Terms")}</h2>${icons.down}</summary><ul class="articles">${terms.map(renderDeadline)}</ul></details>` : nothing}
        ${count ? nothing : renderEmpty(t("Nothing found. Try another word."))}`;
    },
  };
}

const formatDays = (one) => one.kind_of_days === "working" ? tn("{n} working day", "{n} working days", one.days) : tn("{n} day", "{n} days", one.days);

/** One deadline: purpose, length, start, forum, who may file. */
const renderDeadline = (one) => html`<li>
  <b>${localize(one.name)}</b>
  ${one.days ? formatDays(one) : nothing}${localize(one.starts) ? html`, ${t("counted from: {start}", { start: localize(one.starts) })}` : nothing}${one.closing_time ? html`, ${t("until {time}", { time: one.closing_time })}` : nothing}
  ${localize(one.if_near) ? html`<small>${t("On election day and the day before: {term}", { term: localize(one.if_near) })}</small>` : nothing}
  ${localize(one.forum) ? html`<small>${t("Where: {forum}", { forum: localize(one.forum) })}</small>` : nothing}
  ${localize(one.who_may_file) ? html`<small>${t("Who: {who}", { who: localize(one.who_may_file) })}</small>` : nothing}
  ${one.article ? html`<small>${t("art. {article}", { article: one.article })}</small>` : nothing}
</li>`;
