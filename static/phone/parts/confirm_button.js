// A button that asks for confirmation in place.
import { html } from "../vendor/lit.js";
import { t } from "../core/base/translations.js";

/**
 * Renders a button that asks once more.
 * `confirming.key` is the key of the button pressed first; `confirming` belongs to the screen.
 */
export function renderConfirmButton({ key, confirming, page, label, question, action }) {
  const setConfirming = (confirmingKey) => {
    confirming.key = confirmingKey;
    page.draw();
  };
  if (confirming.key !== key) return html`<button type="button" class="quiet" @click=${() => setConfirming(key)}>${label}</button>`;
  return html`<span class="sure" role="group" aria-label=${question}>
    <span>${question}</span>
    <button type="button" class="quiet" @click=${() => (setConfirming(null), action())}>${label}</button>
    <button type="button" class="quiet" @click=${() => setConfirming(null)}>${t("No, keep it")}</button>
  </span>`;
}
