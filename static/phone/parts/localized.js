// Texts that the server sends in several languages.
import { LANGUAGES, currentLanguage } from "../core/base/translations.js";

/**
 * The text of {kk, ru, en} in the current language.
 * Else in the first language that has one.
 */
export const localize = (texts) => texts?.[currentLanguage()] || Object.keys(LANGUAGES).map((code) => texts?.[code]).find(Boolean) || Object.values(texts ?? {})[0] || "";
