// The country's texts as the phone keeps them, in every language: the guide, its papers, the code of conduct.
import { guide } from "../core/reference/reference.js";
import { get } from "../core/store/store.js";

/** {law, sections, templates, deadlines}, or null before the first connection. */
export async function guideOf() {
  const book = await guide();
  return book?.sections ? book : null;
}

/** {document, version, title, points}, or null where it is not on this phone yet. `points` may be empty: there is none. */
export const conductOf = async () => (await get("reference", "/me/consent"))?.value ?? null;
