/** Errors that screens show, and their texts. */
import { t } from "./translations.js";

/**
 * An error that a screen must show.
 * `code` is stable; `detail` is in the reader's language, "" where there is no text for it.
 */
export class Problem extends Error {
  constructor(code, detail = "", errors = []) {
    super(`${code} ${detail}`.trim());
    this.name = "Problem";
    this.code = code;
    this.detail = detail;
    this.errors = errors;
  }
}

// The server wrote its text in the language of the request, and the reader may have changed the language since.
// The client therefore has its own text for these codes.
const DETAILS_BY_CODE = {
  invalid_code: () => t("The code is wrong, used or too old. Ask your coordinator for a new one."),
  changed_content: () => t("Another report was stored under this id. The stored one stands."),
  unknown_checklist: () => t("This election has no such checklist or version."),
  unknown_commission: () => t("This election has no such commission."),
};

/**
 * The text of `problem` in the current language. Pure.
 * `problem` is a Problem or the server's problem as it was stored. Known codes are translated, else its `detail`, else "".
 */
export const describeProblem = (problem) => DETAILS_BY_CODE[problem?.code]?.() ?? problem?.detail ?? "";

/**
 * Turns a database error into a Problem.
 * What was saved before is not lost.
 */
export function toStorageProblem(error, messages) {
  if (error instanceof Problem) return error;
  if (error?.name === "QuotaExceededError") return new Problem("storage_full", messages.storageFull);
  return new Problem("storage_broken", messages.storageBroken);
}
