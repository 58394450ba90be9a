import { t } from "./words.js";

/** What a screen must show: a stable `code`, and `detail` in the reader's language where there are words for it. */
export class Problem extends Error {
  constructor(code, detail = "", errors = []) {
    super(`${code} ${detail}`.trim());
    this.name = "Problem";
    this.code = code;
    this.detail = detail;
    this.errors = errors;
  }
}

// What the server says in the language of the request, and the client says itself: the reader may have changed the language since.
const KNOWN = {
  invalid_code: () => t("The code is wrong, used or too old. Ask your coordinator for a new one."),
  changed_content: () => t("Another report was stored under this id. The stored one stands."),
  unknown_checklist: () => t("This election has no such checklist or version."),
  unknown_commission: () => t("This election has no such commission."),
};

/** What `problem` (a Problem, or the server's as it was kept) says, in the language in force where its code is known; "" where nothing. Pure. */
export const detailOf = (problem) => KNOWN[problem?.code]?.() ?? problem?.detail ?? "";

/** What became of what was written: nothing is lost by it. */
export function problemOf(error, said) {
  if (error instanceof Problem) return error;
  if (error?.name === "QuotaExceededError") return new Problem("storage_full", said.storageFull);
  return new Problem("storage_broken", said.storageBroken);
}
