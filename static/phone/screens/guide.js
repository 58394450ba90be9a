// The guide: rights, duties, limits, what to do; and papers to copy by hand. All on the phone.
import { html, live, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { empty } from "../parts/notice.js";
import { said } from "../parts/said.js";
import { t, tn } from "../core/base/words.js";
import { guideOf } from "./book.js";

const folded = (text) => text.toLowerCase();

export async function open([section], page) {
  let book;
  let text = "";
  const load = async () => {
    book = await guideOf();
    page.draw();
  };
  await load();
  const found = () => {
    const words = folded(text).split(/\s+/).filter(Boolean);
    const fits = (...parts) => words.every((word) => folded(parts.join(" ")).includes(word));
    return {
      sections: book.sections.map((one) => ({ ...one, items: one.items.filter((item) => fits(said(item.title), said(item.text), item.article, said(one.title))) })).filter((one) => one.items.length),
      terms: book.deadlines.filter((one) => fits(said(one.name), said(one.forum), one.article)),
      templates: (book.templates ?? []).filter((one) => fits(said(one.title), said(one.text))),
    };
  };
  return {
    title: () => t("Guide"),
    changed: load,
    shown: () => section && document.getElementById(`g-${section}`)?.querySelector("summary").focus(),
    body() {
      if (!book?.sections) return empty(t("The guide is not on this phone yet. It comes with the first connection."));
      const { sections, templates, terms } = found();
      const n = templates.length + terms.length + sections.reduce((sum, one) => sum + one.items.length, 0);
      return html`
        <label class="label" for="search">${t("Search the guide")}</label>
        <input id="search" type="search" autocomplete="off" .value=${live(text)} @input=${(event) => ((text = event.target.value), page.draw())} />
        <p class="soft" role="status">${text ? tn("{n} found", "{n} found", n) : nothing}</p>
        ${templates.length ? html`<h2>${t("Papers to copy by hand")}</h2>
          <ul class="rows">${templates.map((one) => html`<li><a class="row" href=${`#/template/${one.code}`}>${icons.pen}<span>${said(one.title)}</span>${icons.next}</a></li>`)}</ul>` : nothing}
        ${sections.map((one) => html`<details id=${`g-${one.code}`} ?open=${Boolean(text) || one.code === section}><summary><h2>${said(one.title)}</h2>${icons.down}</summary>
          <ul class="articles">${one.items.map((item) => html`<li>${said(item.title) ? html`<b>${said(item.title)}</b> ` : nothing}${said(item.text)}${item.article ? html` <small>${t("art. {article}", { article: item.article })}</small>` : nothing}</li>`)}</ul></details>`)}
        ${terms.length ? html`<details id="g-terms" ?open=${Boolean(text)}><summary><h2>${t("Terms")}</h2>${icons.down}</summary><ul class="articles">${terms.map(term)}</ul></details>` : nothing}
        ${n ? nothing : empty(t("Nothing found. Try another word."))}`;
    },
  };
}

const days = (one) => one.kind_of_days === "working" ? tn("{n} working day", "{n} working days", one.days) : tn("{n} day", "{n} days", one.days);

/** One deadline: what for, how long, from when, where, who. */
const term = (one) => html`<li>
  <b>${said(one.name)}</b>
  ${one.days ? days(one) : nothing}${said(one.starts) ? html`, ${t("counted from: {start}", { start: said(one.starts) })}` : nothing}${one.closing_time ? html`, ${t("until {time}", { time: one.closing_time })}` : nothing}
  ${said(one.if_near) ? html`<small>${t("On election day and the day before: {term}", { term: said(one.if_near) })}</small>` : nothing}
  ${said(one.forum) ? html`<small>${t("Where: {forum}", { forum: said(one.forum) })}</small>` : nothing}
  ${said(one.who_may_file) ? html`<small>${t("Who: {who}", { who: said(one.who_may_file) })}</small>` : nothing}
  ${one.article ? html`<small>${t("art. {article}", { article: one.article })}</small>` : nothing}
</li>`;
