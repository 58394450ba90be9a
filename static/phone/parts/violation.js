// A code of the list of violations, found by words: its name, its group, its code.
import { html, live, nothing, repeat } from "../vendor/lit.js";
import { said } from "./said.js";
import { t, tn } from "../core/base/words.js";

const MOST = 30;
const FIRST = 6; // before a word is typed
const typed = new Map();

const folded = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");

/** Those in which each word of `text` begins a word, in whatever language. */
export function matching(types, text) {
  const words = folded(text).split(/\s+/).filter(Boolean);
  return types.filter((type) => {
    const all = folded([type.code, ...Object.values(type.names), ...Object.values(type.group.names)].join(" "));
    return words.every((word) => all.includes(word));
  });
}

export function violation(question, form) {
  const chosen = form.types.find((one) => one.code === form.answers[question.code]);
  if (chosen) return html`<p class="value">${said(chosen.names)} <small>${said(chosen.group.names)} <span class="whole">${chosen.code}</span></small></p>`;
  const search = typed.get(question.code) ?? "";
  const found = matching(form.types, search);
  const most = search ? MOST : FIRST;
  const id = `search-${question.code}`;
  return html`
    <label class="small" for=${id}>${t("Search by a word or a code")}</label>
    <input id=${id} type="search" autocomplete="off" .value=${live(search)} @input=${(event) => (typed.set(question.code, event.target.value), form.page.draw())} />
    <p class="soft" role="status">${search ? tn("{n} found", "{n} found", found.length) : nothing}</p>
    <div class="picks list">
      ${repeat(found.slice(0, most), (one) => one.code, (one) => html`<button type="button" class="pick" @click=${() => (typed.delete(question.code), form.set(question.code, one.code))}>
        <span>${said(one.names)}<small>${said(one.group.names)} <span class="whole">${one.code}</span></small></span>
      </button>`)}
    </div>
    ${found.length > most ? html`<p class="soft">${t("There are more: type a word.")}</p>` : nothing}
    ${form.types.length ? nothing : html`<p class="soft">${t("The list is not on this phone yet. Describe it in words; go online once to fetch it.")}</p>`}`;
}
