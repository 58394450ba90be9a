// Filling a checklist: one long page for use with one thumb.
// "Next question" leads to the next open question. Each keystroke is stored; no answer is rejected or called wrong.
import { html, nothing, repeat } from "../vendor/lit.js";
import { renderQuestion, getInputId } from "../parts/question_field.js";
import { icons } from "../parts/icons.js";
import { renderLanguageButtons } from "../parts/language_buttons.js";
import { renderNotice } from "../parts/notices.js";
import { openDraftForm, renderRefusal } from "./draft_form.js";
import { localize } from "../parts/localized.js";
import { t } from "../core/base/translations.js";

export async function open([id, code], page) {
  const form = await openDraftForm(id, page);
  if (form.fallbackScreen) return form.fallbackScreen;

  /**
   * Shows the next open question.
   * The first one below the question answered last, else the first of all.
   */
  const showNextQuestion = () => {
    const asked = form.askedQuestions();
    const unanswered = asked.filter((one) => form.isUnanswered(one));
    if (!unanswered.length) return page.go(`#/check/${id}`);
    const lastIndex = asked.findIndex((one) => one.code === form.lastQuestionCode);
    showQuestion(unanswered.find((one) => asked.indexOf(one) > lastIndex) ?? unanswered[0]);
  };
  const showQuestion = (question) => {
    form.lastQuestionCode = question.code;
    const element = document.getElementById(`q-${question.code}`);
    element.scrollIntoView({ block: "start" });
    (document.getElementById(getInputId(question)) ?? element.querySelector("input, button") ?? element).focus({ preventScroll: true });
  };

  return {
    back: "#/day",
    title: () => localize(form.version.title),
    onDataChange: form.load,
    onClose: form.close,
    onShow: () => code && form.askedQuestions().some((one) => one.code === code) && showQuestion({ code }),
    body() {
      const asked = form.askedQuestions();
      const numbers = new Map(asked.map((one, index) => [one.code, index + 1]));
      const unansweredCount = asked.filter((one) => form.isUnanswered(one)).length;
      const sections = groupBySection(form);
      return html`
        <p class="where">${icons.place}<span>${form.station?.name ?? form.draft.commission}</span></p>
        ${renderLanguageButtons()}
        ${form.refusal ? renderRefusal(form) : nothing}
        <p class="soft" role="status">${t("{done} of {all} answered", { done: asked.length - unansweredCount, all: asked.length })}</p>
        ${sections.length > 1 ? html`<nav class="anchors" aria-label=${t("Sections")}><ul>${sections.map((one) => html`<li><button type="button" class="quiet" @click=${() => scrollToSection(one)}>${localize(one.title)}</button></li>`)}</ul></nav>` : nothing}
        <div>
          ${sections.map((section) => html`
            ${section.title ? html`<h2 id=${`s-${section.code}`} tabindex="-1">${localize(section.title)}</h2>` : nothing}
            ${repeat(section.questions, (one) => one.code, (one) => renderQuestion(one, form, numbers.get(one.code) ?? ""))}`)}
        </div>
        ${unansweredCount ? nothing : renderNotice("good", t("All questions are answered."))}`; // prettier-ignore
    },
    footer: () => {
      const done = !form.askedQuestions().some((one) => form.isUnanswered(one));
      return html`
        ${done ? nothing : html`<button type="button" class="step" @click=${showNextQuestion}>${icons.down}<span>${t("Next question")}</span></button>`}
        <a class=${done ? "step main" : "step"} href=${`#/check/${id}`}>${icons.check}<span>${t("Check and save")}</span></a>`;
    },
  };
}

function scrollToSection(section) {
  const element = document.getElementById(`s-${section.code}`);
  element.scrollIntoView({ block: "start" });
  element.focus({ preventScroll: true });
}

/**
 * The questions asked now, by section.
 * Those without a section come first, without a title.
 */
function groupBySection(form) {
  const visible = form.visibleQuestions();
  const sections = form.version.sections ?? [];
  const withoutSection = { code: "", title: null, questions: visible.filter((one) => !sections.some((section) => section.code === one.section)) };
  const rows = sections.map((section) => ({ ...section, questions: visible.filter((one) => one.section === section.code) }));
  return [withoutSection, ...rows].filter((section) => section.questions.length);
}
