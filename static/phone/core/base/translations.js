/**
 * Translations of the client's texts.
 * English is the source: a text without a translation is shown as it is.
 */

export const LANGUAGES = { kk: "Қазақша", ru: "Русский", en: "English" };
const LANGUAGE_STORAGE_KEY = "baqylau-language";

let translations = {};
let pluralCategories = ["one", "other"];
let activeLanguage = null;
const languageListeners = new Set();

/** `text` in the reader's language, each `{name}` replaced by `values.name`. */
export function t(text, values = {}) {
  const translation = translations[text];
  return fillPlaceholders(typeof translation === "string" ? translation : Array.isArray(translation) ? translation[0] : text, values);
}

/** The plural form for `n` things; `{n}` is the number. */
export function tn(one, many, n, values = {}) {
  const forms = Array.isArray(translations[one]) ? translations[one] : [one, many];
  const categories = Array.isArray(translations[one]) ? pluralCategories : ["one", "other"];
  const index = categories.indexOf(new Intl.PluralRules(Array.isArray(translations[one]) ? currentLanguage() : "en").select(n));
  return fillPlaceholders(forms[index < 0 ? forms.length - 1 : Math.min(index, forms.length - 1)], { n, ...values });
}

function fillPlaceholders(text, values) {
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}

/** The language chosen on this phone, else the browser's first supported one. */
export function currentLanguage() {
  if (activeLanguage === null) activeLanguage = readStoredLanguage() ?? detectBrowserLanguage();
  return activeLanguage;
}

/**
 * Whether somebody chose a language.
 * Until then an observer's own language may be offered.
 */
export function isLanguageChosen() {
  return readStoredLanguage() !== null;
}

/**
 * Loads the translations of the current language.
 * Without them (never loaded, no network) texts are English.
 */
export async function loadTranslations() {
  const code = currentLanguage();
  const loaded = await fetchTranslations(code);
  if (code !== currentLanguage()) return; // another language was chosen meanwhile, and its translations are being loaded
  ({ words: translations, plural: pluralCategories } = loaded);
  for (const listener of languageListeners) listener(code);
}

/** Switches to the language `code`; kept after a restart. */
export async function setLanguage(code) {
  if (!(code in LANGUAGES)) return;
  activeLanguage = code;
  if (typeof localStorage !== "undefined") localStorage.setItem(LANGUAGE_STORAGE_KEY, code);
  await loadTranslations();
}

/**
 * Calls `listener(code)` whenever the translations changed.
 * Gives a function that unsubscribes.
 */
export function onLanguageChange(listener) {
  languageListeners.add(listener);
  return () => languageListeners.delete(listener);
}

async function fetchTranslations(code) {
  const untranslated = { words: {}, plural: ["one", "other"] };
  if (code === "en") return untranslated;
  try {
    const response = await fetch(`/phone/words/${code}.json`);
    const loaded = response.ok ? await response.json() : untranslated;
    return loaded && typeof loaded.words === "object" && Array.isArray(loaded.plural) ? loaded : untranslated;
  } catch {
    return untranslated;
  }
}

function readStoredLanguage() {
  try {
    const stored = localStorage.getItem(LANGUAGE_STORAGE_KEY);
    return stored !== null && stored in LANGUAGES ? stored : null;
  } catch {
    return null; // a service worker, or a browser that refuses storage
  }
}

function detectBrowserLanguage() {
  const preferred = (navigator.languages ?? [navigator.language ?? "en"]).map((one) => one.slice(0, 2).toLowerCase());
  return preferred.find((one) => one in LANGUAGES) ?? "en";
}
