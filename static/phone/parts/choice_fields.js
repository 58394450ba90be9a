// Radio buttons and check boxes for answers.
// The whole row is the target; the mark shows the choice without relying on colour.
import { html, live, repeat } from "../vendor/lit.js";

/** Radio buttons: one of several. */
export const renderSingleChoice = (question, options, form) => html`<div class=${options.length === 4 ? "picks four" : "picks"}>
  ${repeat(options, (one) => one.code, (one) => html`<label class="pick">
    <input type="radio" name=${`answer-${question.code}`} value=${one.code} .checked=${live(form.answers[question.code] === one.code)} @change=${() => form.setAnswer(question.code, one.code)} />
    <span>${one.label}</span>
  </label>`)}
</div>`; // prettier-ignore

/** Check boxes: any number, stored in the order of the question's choices. */
export function renderMultipleChoice(question, options, form) {
  const picked = form.answers[question.code] ?? [];
  const toggle = (code, isOn) => form.setAnswer(question.code, options.map((one) => one.code).filter((one) => (one === code ? isOn : picked.includes(one))));
  return html`<div class="picks">
    ${repeat(options, (one) => one.code, (one) => html`<label class="pick">
      <input type="checkbox" value=${one.code} .checked=${live(picked.includes(one.code))} @change=${(event) => toggle(one.code, event.target.checked)} />
      <span>${one.label}</span>
    </label>`)}
  </div>`;
}
