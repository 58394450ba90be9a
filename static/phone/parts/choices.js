// Answers to pick: the whole row is the target, the mark shows what is picked without its colour.
import { html, live, repeat } from "../vendor/lit.js";

/** One of several. */
export const choice = (question, options, form) => html`<div class=${options.length === 4 ? "picks four" : "picks"}>
  ${repeat(options, (one) => one.code, (one) => html`<label class="pick">
    <input type="radio" name=${`answer-${question.code}`} value=${one.code} .checked=${live(form.answers[question.code] === one.code)} @change=${() => form.set(question.code, one.code)} />
    <span>${one.label}</span>
  </label>`)}
</div>`; // prettier-ignore

/** Any number of several; kept in the order of the question. */
export function choices(question, options, form) {
  const picked = form.answers[question.code] ?? [];
  const toggle = (code, on) => form.set(question.code, options.map((one) => one.code).filter((one) => (one === code ? on : picked.includes(one))));
  return html`<div class="picks">
    ${repeat(options, (one) => one.code, (one) => html`<label class="pick">
      <input type="checkbox" value=${one.code} .checked=${live(picked.includes(one.code))} @change=${(event) => toggle(one.code, event.target.checked)} />
      <span>${one.label}</span>
    </label>`)}
  </div>`;
}
