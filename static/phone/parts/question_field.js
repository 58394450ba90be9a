// One question of a checklist, whatever its type.
// Answers are not judged: one that shows a violation looks like any other.
import { html, live, nothing } from "../vendor/lit.js";
import { renderAttachments } from "./attachment_list.js";
import { renderSingleChoice, renderMultipleChoice } from "./choice_fields.js";
import { icons } from "./icons.js";
import { renderLocationField } from "./location_field.js";
import { renderViolationField } from "./violation_field.js";
import { localize } from "./localized.js";
import { t } from "../core/base/translations.js";

const YES_NO_LABELS = [
  ["yes", () => t("Yes")],
  ["no", () => t("No")],
  ["not_observed", () => t("Not observed")],
  ["not_applicable", () => t("Not applicable")],
];
const RATING_LABELS = [
  ["very_good", () => t("Very good")],
  ["good", () => t("Good")],
  ["bad", () => t("Bad")],
  ["very_bad", () => t("Very bad")],
];
const translateOptions = (labels) => labels.map(([code, label]) => ({ code, label: label() }));
const localizeChoices = (question) => question.choices.map((one) => ({ code: one.code, label: localize(one.label) }));

const FIELD_RENDERERS = {
  yes_no: (question, form) => renderSingleChoice(question, translateOptions(YES_NO_LABELS), form),
  rating: (question, form) => renderSingleChoice(question, translateOptions(RATING_LABELS), form),
  choice: (question, form) => renderSingleChoice(question, localizeChoices(question), form),
  choices: (question, form) => renderMultipleChoice(question, localizeChoices(question), form),
  integer: (question, form) => renderNumber(question, form, "numeric"),
  decimal: (question, form) => renderNumber(question, form, "decimal"),
  text: (question, form) => html`<textarea id=${getInputId(question)} rows="3" aria-describedby=${describedBy(question)} .value=${live(form.answers[question.code] ?? "")} @input=${(event) => form.setAnswer(question.code, event.target.value)}></textarea>`,
  time: (question, form) => renderTimeOrDate(question, form, "time", () => new Date().toTimeString().slice(0, 5)),
  date: (question, form) => renderTimeOrDate(question, form, "date", formatToday),
  photo: (question, form) => renderAttachments(form.attachments, question.code, true),
  file: (question, form) => renderAttachments(form.attachments, question.code, false),
  location: renderLocationField,
  violation: renderViolationField,
};
const GROUP_TYPES = new Set(["yes_no", "rating", "choice", "choices", "photo", "file", "location", "violation"]);

export const getInputId = (question) => `answer-${question.code}`;
const describedBy = (question) => `hint-${question.code} problem-${question.code}`;

function formatToday() {
  const now = new Date();
  return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, "0")}-${String(now.getDate()).padStart(2, "0")}`;
}

const renderNumber = (question, form, mode) => html`<input
  id=${getInputId(question)} type="text" inputmode=${mode} autocomplete="off" maxlength="30" aria-describedby=${describedBy(question)}
  .value=${live(String(form.answers[question.code] ?? ""))}
  @input=${(event) => form.setAnswer(question.code, normalizeNumber(event.target.value))} />`;

/** Accepts a decimal comma and spaces between thousands. */
const normalizeNumber = (text) => text.replace(/[\s\u00a0]/g, "").replace(",", ".");

const renderTimeOrDate = (question, form, type, getNow) => html`<div class="beside">
  <input id=${getInputId(question)} type=${type} aria-describedby=${describedBy(question)} .value=${live(form.answers[question.code] ?? "")} @input=${(event) => form.setAnswer(question.code, event.target.value)} />
  <button type="button" @click=${() => form.setAnswer(question.code, getNow())}>${type === "time" ? t("Now") : t("Today")}</button>
</div>`;

const PROBLEM_TEXTS = {
  not_a_number: () => t("This is not a number. Correct it, or write it as a comment."),
  too_long: () => t("This is too long. Shorten it, or write a second report."),
  unusual: ({ min, max }) => max === null ? t("Less than {min} is unusual. If it is so, leave it.", { min }) : min === null ? t("More than {max} is unusual. If it is so, leave it.", { max }) : t("Expected is {min} to {max}. If it is so, leave it.", { min, max }),
}; // prettier-ignore
export const getProblemText = (problem, question) => PROBLEM_TEXTS[problem.code]?.(question) ?? t("This cannot be read. Look once more.");

/**
 * Renders one question with its heading, hint, field and warning.
 * `form`: {answers, setAnswer(code, value), problems, attachments, violationTypes, page}; `number` counts the questions
 * asked now.
 */
export function renderQuestion(question, form, number) {
  const label = localize(question.label);
  const hint = localize(question.hint);
  if (question.type === "note") return html`<div class="note" id=${`q-${question.code}`}><p>${label}</p>${hint ? html`<p class="soft">${hint}</p>` : nothing}</div>`;
  const problem = form.problems.find((one) => one.question === question.code);
  const isGroup = GROUP_TYPES.has(question.type);
  const labelId = `label-${question.code}`;
  return html`<div class="question" data-type=${question.type} id=${`q-${question.code}`} role=${isGroup ? "group" : nothing} aria-labelledby=${isGroup ? labelId : nothing}>
    <p class="kicker">${number} · ${question.code}</p>
    ${isGroup ? html`<p class="label" id=${labelId} tabindex="-1">${label}</p>` : html`<label class="label" id=${labelId} for=${getInputId(question)}>${label}</label>`}
    <div class="answer">
      <p class="hint" id=${`hint-${question.code}`}>${hint || nothing}</p>
      ${FIELD_RENDERERS[question.type]?.(question, form) ?? html`<p>${t("This version of the application cannot ask this question.")}</p>`}
      <p class=${problem ? "unusual" : ""} id=${`problem-${question.code}`}>${problem ? html`${icons.warning}${getProblemText(problem, question)}` : nothing}</p>
    </div>
    <button type="button" class="quiet clear" ?hidden=${!isClearable(question, form)} @click=${() => form.setAnswer(question.code, null)} aria-label=${t("Clear the answer: {question}", { question: label })}>${t("Clear")}</button>
  </div>`;
}

const isClearable = (question, form) => {
  const value = form.answers[question.code];
  return !["photo", "file"].includes(question.type) && value !== undefined && value !== null && value !== "" && value?.length !== 0;
};

/** The label of an answer that is the same in every checklist. */
export const getFixedLabel = (type, code) => ({ yes_no: YES_NO_LABELS, rating: RATING_LABELS })[type]?.find(([one]) => one === code)?.[1]();
