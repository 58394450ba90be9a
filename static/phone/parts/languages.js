// The language, at any moment: three buttons, each in its own language.
import { html } from "../vendor/lit.js";
import { LANGUAGES, language, languageSet, t } from "../core/words.js";

export const languageChoice = (page) => html`<div class="languages" role="group" aria-label=${t("Language")}>
  ${Object.entries(LANGUAGES).map(([code, name]) => html`<button type="button" lang=${code} aria-pressed=${code === language() ? "true" : "false"} @click=${() => languageSet(code).then(page.again)}>${name}</button>`)}
</div>`; // prettier-ignore
