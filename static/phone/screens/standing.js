// How far this phone is: enrolled, the code accepted, tried once.
import { consentGiven, rehearsalDone } from "../core/identity/enrolment.js";
import { identity } from "../core/store/identity.js";
import { me } from "../core/reference/reference.js";
import { metaGet, metaSet } from "../core/store/store.js";
import { conductOf } from "./book.js";

const LATER = "rehearsal_later";

/** `enrol`, `consent`, `rehearsal` or `day`: the first thing that is not done. */
export async function step() {
  if (!(await identity())) return "enrol";
  const [mine, conduct] = await Promise.all([me(), conductOf()]);
  if (!mine || !conduct) return "consent"; // it says that a first connection is needed, and makes it
  const there = Object.keys(conduct.points).length > 0;
  if (there && (await consentGiven(conduct.document, mine)) < conduct.version) return "consent";
  return (await metaGet(LATER)) || (await rehearsed()) ? "day" : "rehearsal";
}

/** Whether a test report came through, here or in this phone's past. */
export const rehearsed = () => rehearsalDone();

/** Puts the test report off; the day says that it is not done. */
export const rehearsalLater = () => metaSet(LATER, true);
