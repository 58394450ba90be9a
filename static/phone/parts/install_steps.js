// Steps to install the application on the home screen.
import { html } from "../vendor/lit.js";
import { t } from "../core/base/translations.js";

/** The browser's install button where there is one, else steps by hand. */
export function renderInstallSteps(environment, install, onDone) {
  if (environment.installable) return html`<button type="button" class="main" @click=${() => install().then(onDone)}>${t("Install on this phone")}</button>`;
  if (environment.ios) return html`<ol class="steps">
    <li>${t("Tap Share: the square with an arrow, in Safari's bar.")}</li>
    <li>${t("Choose Add to Home Screen, then Add.")}</li>
    <li>${t("Close Safari and open Baqylau from the home screen.")}</li>
  </ol>`;
  return html`<ol class="steps">
    <li>${t("Open the browser's menu: the three dots.")}</li>
    <li>${t("Choose Install, or Add to Home screen.")}</li>
    <li>${t("Open Baqylau from the home screen.")}</li>
  </ol>`;
}
