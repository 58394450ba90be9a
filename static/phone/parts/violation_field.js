// Field for a violation code, with a search by name, group and code.
import { html, live, nothing, repeat } from "../vendor/lit.js";
import { localize } from "./localized.js";
import { t, tn } from "../core/base/translations.js";

const MAX_MATCHES = 30;
const MAX_UNFILTERED = 6; // before the observer types
const searchTexts = new Map();

const foldText = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");

/** Types that contain each word of `text`, in any language. */
export function matchViolations(types, text) {
  const words = foldText(text).split(/\s+/).filter(Boolean);
  return types.filter((type) => {
    const all = foldText([type.code, ...Object.values(type.names), ...Object.values(type.group.names)].join(" "));
    return words.every((word) => all.includes(word));
  });
}

export function renderViolationField(question, form) {
  const chosen = form.violationTypes.find((one) => one.code === form.answers[question.code]);
  if (chosen) return html`<p class="value">${localize(chosen.names)} <small>${localize(chosen.group.names)} <span class="whole">${chosen.code}</span></small></p>`;
  const search = searchTexts.get(question.code) ?? "";
  const matches = matchViolations(form.violationTypes, search);
  const maxShown = search ? MAX_MATCHES : MAX_UNFILTERED;
  const id = `search-${question.code}`;
  return html`
    <label class="small" for=${id}>${t("Search by a word or a code")}</label>
    <input id=${id} type="search" autocomplete="off" .value=${live(search)} @input=${(event) => (searchTexts.set(question.code, event.target.value), form.page.draw())} />
    <p class="soft" role="status">${search ? tn("{n} found", "{n} found", matches.length) : nothing}</p>
    <div class="picks list">
      ${repeat(matches.slice(0, maxShown), (one) => one.code, (one) => html`<button type="button" class="pick" @click=${() => (searchTexts.delete(question.code), form.setAnswer(question.code, one.code))}>
        <span>${localize(one.names)}<small>${localize(one.group.names)} <span class="whole">${one.code}</span></small></span>
      </button>`)}
    </div>
    ${matches.length > maxShown ? html`<p class="soft">${t("There are more: type a word.")}</p>` : nothing}
    ${form.violationTypes.length ? nothing : html`<p class="soft">${t("The list is not on this phone yet. Describe it in words; go online once to fetch it.")}</p>`}`;
}
