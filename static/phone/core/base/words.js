/** The words of the client. English is the source; a text without a translation stands for itself. */

export const LANGUAGES = { kk: "Қазақша", ru: "Русский", en: "English" };
const KEPT = "baqylau-language";

let words = {};
let plural = ["one", "other"];
let chosen = null;
const listeners = new Set();

/** `text` in the reader's language, each `{name}` replaced by `values.name`. */
export function t(text, values = {}) {
  const found = words[text];
  return filled(typeof found === "string" ? found : Array.isArray(found) ? found[0] : text, values);
}

/** The form for `n` things; `{n}` is the number. */
export function tn(one, many, n, values = {}) {
  const forms = Array.isArray(words[one]) ? words[one] : [one, many];
  const names = Array.isArray(words[one]) ? plural : ["one", "other"];
  const place = names.indexOf(new Intl.PluralRules(Array.isArray(words[one]) ? language() : "en").select(n));
  return filled(forms[place < 0 ? forms.length - 1 : Math.min(place, forms.length - 1)], { n, ...values });
}

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}

/** The language chosen on this phone, else the first of the browser's that there is. */
export function language() {
  if (chosen === null) chosen = remembered() ?? spoken();
  return chosen;
}

/** Whether somebody chose: before that, an observer's own language may be offered. */
export function languageChosen() {
  return remembered() !== null;
}

/** Reads the words of the language in force. Without them (never loaded, no network) texts are English. */
export async function wordsLoad() {
  const code = language();
  const read = await wordsOf(code);
  if (code !== language()) return; // another was chosen meanwhile, and its words are being read
  ({ words, plural } = read);
  for (const listener of listeners) listener(code);
}

/** Speaks `code` from now on, also after a restart. */
export async function languageSet(code) {
  if (!(code in LANGUAGES)) return;
  chosen = code;
  if (typeof localStorage !== "undefined") localStorage.setItem(KEPT, code);
  await wordsLoad();
}

/** Calls `listener(code)` whenever the words were changed; gives a function that ends it. */
export function languageChanged(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

async function wordsOf(code) {
  const none = { words: {}, plural: ["one", "other"] };
  if (code === "en") return none;
  try {
    const answer = await fetch(`/phone/words/${code}.json`);
    const read = answer.ok ? await answer.json() : none;
    return read && typeof read.words === "object" && Array.isArray(read.plural) ? read : none;
  } catch {
    return none;
  }
}

function remembered() {
  try {
    const kept = localStorage.getItem(KEPT);
    return kept !== null && kept in LANGUAGES ? kept : null;
  } catch {
    return null; // a service worker, or storage that is refused
  }
}

function spoken() {
  const wanted = (navigator.languages ?? [navigator.language ?? "en"]).map((one) => one.slice(0, 2).toLowerCase());
  return wanted.find((one) => one in LANGUAGES) ?? "en";
}
