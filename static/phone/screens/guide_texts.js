// The country's texts on the phone: guide, templates, code of conduct.
// All languages are stored.
import { getGuide } from "../core/reference/reference.js";
import { getRecord } from "../core/store/database.js";

/** {law, sections, templates, deadlines}, or null before the first connection. */
export async function loadGuide() {
  const guide = await getGuide();
  return guide?.sections ? guide : null;
}

/**
 * {document, version, title, points}, or null where it is not here yet.
 * `points` may be empty: then there is no code of conduct.
 */
export const loadConduct = async () => (await getRecord("reference", "/me/consent"))?.value ?? null;
