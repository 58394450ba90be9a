// The language, at any moment: three buttons, each in its own language.
import { html } from "../vendor/lit.js";
import { LANGUAGES, language, languageSet, t } from "../core/base/words.js";

export const languageChoice = () => html`<div class="languages" role="group" aria-label=${t("Language")}>
  ${Object.entries(LANGUAGES).map(([code, name]) => html`<button type="button" lang=${code} aria-pressed=${code === language() ? "true" : "false"} @click=${() => languageSet(code)}>${name}</button>`)}
</div>`; // prettier-ignore
