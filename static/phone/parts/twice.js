// A button that asks once more, in its own place, before it does what cannot be undone.
import { html } from "../vendor/lit.js";
import { t } from "../core/base/words.js";

/** `asking` holds the key that was pressed first; it belongs to the screen. */
export function twice({ key, asking, page, word, sure, act }) {
  const set = (value) => {
    asking.key = value;
    page.draw();
  };
  if (asking.key !== key) return html`<button type="button" class="quiet" @click=${() => set(key)}>${word}</button>`;
  return html`<span class="sure" role="group" aria-label=${sure}>
    <span>${sure}</span>
    <button type="button" class="quiet" @click=${() => (set(null), act())}>${word}</button>
    <button type="button" class="quiet" @click=${() => set(null)}>${t("No, keep it")}</button>
  </span>`;
}
