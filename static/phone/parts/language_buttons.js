// Buttons to change the language, each in its own language.
import { html } from "../vendor/lit.js";
import { LANGUAGES, currentLanguage, setLanguage, t } from "../core/base/translations.js";

export const renderLanguageButtons = () => html`<div class="languages" role="group" aria-label=${t("Language")}>
  ${Object.entries(LANGUAGES).map(([code, name]) => html`<button type="button" lang=${code} aria-pressed=${code === currentLanguage() ? "true" : "false"} @click=${() => setLanguage(code)}>${name}</button>`)}
</div>`; // prettier-ignore
