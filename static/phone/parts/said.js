// Words that come in several languages at once.
import { LANGUAGES, language } from "../core/base/words.js";

/** The text of {kk, ru, en} in the reader's language, else in the first that has one. */
export const said = (words) => words?.[language()] || Object.keys(LANGUAGES).map((code) => words?.[code]).find(Boolean) || Object.values(words ?? {})[0] || "";
