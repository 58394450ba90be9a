// How far the phone is set up: enrolled, conduct accepted, test report sent.
import { getConsentVersion, isRehearsalDone } from "../core/identity/enrolment.js";
import { getIdentity } from "../core/store/identities.js";
import { getMe } from "../core/reference/reference.js";
import { getMeta, setMeta } from "../core/store/database.js";
import { loadConduct } from "./guide_texts.js";

const POSTPONED_KEY = "rehearsal_later";

/** The first step that is not done: `enrol`, `consent`, `rehearsal` or `day`. */
export async function getSetupStep() {
  if (!(await getIdentity())) return "enrol";
  const [me, conduct] = await Promise.all([getMe(), loadConduct()]);
  if (!me || !conduct) return "consent"; // that screen says that a connection is needed, and makes one
  const hasPoints = Object.keys(conduct.points).length > 0;
  if (hasPoints && (await getConsentVersion(conduct.document, me)) < conduct.version) return "consent";
  return (await getMeta(POSTPONED_KEY)) || (await isRehearsed()) ? "day" : "rehearsal";
}

/** Whether a test report was received from this phone, now or earlier. */
export const isRehearsed = () => isRehearsalDone();

/** Postpones the test report; the day shows that it is missing. */
export const postponeRehearsal = () => setMeta(POSTPONED_KEY, true);
