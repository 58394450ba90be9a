// Filling a checklist: one long page for one thumb. "Next" in the bar leads to the next open question; each
// keystroke is saved; nothing is refused and nothing is called wrong.
import { html, nothing, repeat } from "../vendor/lit.js";
import { field, idOf } from "../parts/fields.js";
import { icons } from "../parts/icons.js";
import { languageChoice } from "../parts/languages.js";
import { notice } from "../parts/notice.js";
import { draftForm, refusals } from "./drafting.js";
import { said } from "../parts/said.js";
import { t } from "../core/base/words.js";

export async function open([id, code], page) {
  const form = await draftForm(id, page);
  if (form.instead) return form.instead;

  /** The next open question below the one answered last, else the first. */
  const next = () => {
    const asked = form.asked();
    const open = asked.filter((one) => form.isOpen(one));
    if (!open.length) return page.go(`#/check/${id}`);
    const after = asked.findIndex((one) => one.code === form.last);
    show(open.find((one) => asked.indexOf(one) > after) ?? open[0]);
  };
  const show = (question) => {
    form.last = question.code;
    const place = document.getElementById(`q-${question.code}`);
    place.scrollIntoView({ block: "start" });
    (document.getElementById(idOf(question)) ?? place.querySelector("input, button") ?? place).focus({ preventScroll: true });
  };

  return {
    back: "#/day",
    title: () => said(form.version.title),
    changed: form.load,
    close: form.close,
    shown: () => code && form.asked().some((one) => one.code === code) && show({ code }),
    body() {
      const asked = form.asked();
      const numbers = new Map(asked.map((one, place) => [one.code, place + 1]));
      const left = asked.filter((one) => form.isOpen(one)).length;
      const sections = sectionsOf(form);
      return html`
        <p class="where">${icons.place}<span>${form.station?.name ?? form.draft.commission}</span></p>
        ${languageChoice()}
        ${form.refused ? refusals(form) : nothing}
        <p class="soft" role="status">${t("{done} of {all} answered", { done: asked.length - left, all: asked.length })}</p>
        ${sections.length > 1 ? html`<nav class="anchors" aria-label=${t("Sections")}><ul>${sections.map((one) => html`<li><button type="button" class="quiet" @click=${() => jump(one)}>${said(one.title)}</button></li>`)}</ul></nav>` : nothing}
        <div>
          ${sections.map((section) => html`
            ${section.title ? html`<h2 id=${`s-${section.code}`} tabindex="-1">${said(section.title)}</h2>` : nothing}
            ${repeat(section.questions, (one) => one.code, (one) => field(one, form, numbers.get(one.code) ?? ""))}`)}
        </div>
        ${left ? nothing : notice("good", t("All questions are answered."))}`; // prettier-ignore
    },
    foot: () => {
      const done = !form.asked().some((one) => form.isOpen(one));
      return html`
        ${done ? nothing : html`<button type="button" class="step" @click=${next}>${icons.down}<span>${t("Next question")}</span></button>`}
        <a class=${done ? "step main" : "step"} href=${`#/check/${id}`}>${icons.check}<span>${t("Check and save")}</span></a>`;
    },
  };
}

function jump(section) {
  const place = document.getElementById(`s-${section.code}`);
  place.scrollIntoView({ block: "start" });
  place.focus({ preventScroll: true });
}

/** The questions that are asked now, by section; those of no section come first, without a title. */
function sectionsOf(form) {
  const shown = form.shown();
  const known = form.version.sections ?? [];
  const loose = { code: "", title: null, questions: shown.filter((one) => !known.some((section) => section.code === one.section)) };
  const rows = known.map((section) => ({ ...section, questions: shown.filter((one) => one.section === section.code) }));
  return [loose, ...rows].filter((section) => section.questions.length);
}
