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

/** What became of what was written: nothing is lost by it. */
export function problemOf(error, said) {
  if (error instanceof Problem) return error;
  if (error?.name === "QuotaExceededError") return new Problem("storage_full", said.storageFull);
  return new Problem("storage_broken", said.storageBroken);
}
