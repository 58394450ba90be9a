// One question of a checklist, whatever its type. Nothing here judges an answer: a finding looks like any other.
import { html, live, nothing } from "../vendor/lit.js";
import { files } from "./files.js";
import { choice, choices } from "./choices.js";
import { icons } from "./icons.js";
import { place } from "./place.js";
import { violation } from "./violation.js";
import { said } from "./said.js";
import { t } from "../core/base/words.js";

const YES_NO = [
  ["yes", () => t("Yes")],
  ["no", () => t("No")],
  ["not_observed", () => t("Not observed")],
  ["not_applicable", () => t("Not applicable")],
];
const RATING = [
  ["very_good", () => t("Very good")],
  ["good", () => t("Good")],
  ["bad", () => t("Bad")],
  ["very_bad", () => t("Very bad")],
];
const spoken = (fixed) => fixed.map(([code, word]) => ({ code, label: word() }));
const own = (question) => question.choices.map((one) => ({ code: one.code, label: said(one.label) }));

const FIELDS = {
  yes_no: (question, form) => choice(question, spoken(YES_NO), form),
  rating: (question, form) => choice(question, spoken(RATING), form),
  choice: (question, form) => choice(question, own(question), form),
  choices: (question, form) => choices(question, own(question), form),
  integer: (question, form) => number(question, form, "numeric"),
  decimal: (question, form) => number(question, form, "decimal"),
  text: (question, form) => html`<textarea id=${idOf(question)} rows="3" aria-describedby=${described(question)} .value=${live(form.answers[question.code] ?? "")} @input=${(event) => form.set(question.code, event.target.value)}></textarea>`,
  time: (question, form) => moment(question, form, "time", () => new Date().toTimeString().slice(0, 5)),
  date: (question, form) => moment(question, form, "date", today),
  photo: (question, form) => files(form.filing, question.code, true),
  file: (question, form) => files(form.filing, question.code, false),
  location: place,
  violation,
};
const GROUPS = new Set(["yes_no", "rating", "choice", "choices", "photo", "file", "location", "violation"]);

export const idOf = (question) => `answer-${question.code}`;
const described = (question) => `hint-${question.code} problem-${question.code}`;

function today() {
  const now = new Date();
  return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, "0")}-${String(now.getDate()).padStart(2, "0")}`;
}

const number = (question, form, mode) => html`<input
  id=${idOf(question)} type="text" inputmode=${mode} autocomplete="off" maxlength="30" aria-describedby=${described(question)}
  .value=${live(String(form.answers[question.code] ?? ""))}
  @input=${(event) => form.set(question.code, plain(event.target.value))} />`;

/** A comma is a point, thousands may be apart: what is typed by hand and what a form can read. */
const plain = (text) => text.replace(/[\s\u00a0]/g, "").replace(",", ".");

const moment = (question, form, type, now) => html`<div class="beside">
  <input id=${idOf(question)} type=${type} aria-describedby=${described(question)} .value=${live(form.answers[question.code] ?? "")} @input=${(event) => form.set(question.code, event.target.value)} />
  <button type="button" @click=${() => form.set(question.code, now())}>${type === "time" ? t("Now") : t("Today")}</button>
</div>`;

const PROBLEMS = {
  not_a_number: () => t("This is not a number. Correct it, or write it as a comment."),
  too_long: () => t("This is too long. Shorten it, or write a second report."),
  unusual: ({ min, max }) => max === null ? t("Less than {min} is unusual. If it is so, leave it.", { min }) : min === null ? t("More than {max} is unusual. If it is so, leave it.", { max }) : t("Expected is {min} to {max}. If it is so, leave it.", { min, max }),
}; // prettier-ignore
export const problemWord = (problem, question) => PROBLEMS[problem.code]?.(question) ?? t("This cannot be read. Look once more.");

/**
 * One question as a group with its heading, hint, field and what is unusual about the answer.
 * `form`: {answers, set(code, value), problems, filing, types, page}; `nth` its number among those asked now.
 */
export function field(question, form, nth) {
  const label = said(question.label);
  const hint = said(question.hint);
  if (question.type === "note") return html`<div class="note" id=${`q-${question.code}`}><p>${label}</p>${hint ? html`<p class="soft">${hint}</p>` : nothing}</div>`;
  const problem = form.problems.find((one) => one.question === question.code);
  const group = GROUPS.has(question.type);
  const id = `label-${question.code}`;
  return html`<div class="question" data-type=${question.type} id=${`q-${question.code}`} role=${group ? "group" : nothing} aria-labelledby=${group ? id : nothing}>
    <p class="kicker">${nth} · ${question.code}</p>
    ${group ? html`<p class="label" id=${id} tabindex="-1">${label}</p>` : html`<label class="label" id=${id} for=${idOf(question)}>${label}</label>`}
    <div class="answer">
      <p class="hint" id=${`hint-${question.code}`}>${hint || nothing}</p>
      ${FIELDS[question.type]?.(question, form) ?? html`<p>${t("This version of the application cannot ask this question.")}</p>`}
      <p class=${problem ? "unusual" : ""} id=${`problem-${question.code}`}>${problem ? html`${icons.warning}${problemWord(problem, question)}` : nothing}</p>
    </div>
    <button type="button" class="quiet clear" ?hidden=${!clearable(question, form)} @click=${() => form.set(question.code, null)} aria-label=${t("Clear the answer: {question}", { question: label })}>${t("Clear")}</button>
  </div>`;
}

const clearable = (question, form) => {
  const value = form.answers[question.code];
  return !["photo", "file"].includes(question.type) && value !== undefined && value !== null && value !== "" && value?.length !== 0;
};

/** The word of an answer that is the same in every checklist. */
export const fixedWord = (type, code) => ({ yes_no: YES_NO, rating: RATING })[type]?.find(([one]) => one === code)?.[1]();
