/** A report as it is sent. Made once, when it is saved; the same bytes each time after. Pure. */
import { asked, isEmpty } from "./form.js";
import { moment } from "./moments.js";

const BYTES_MAX = 256_000;

/** The body of `draft` with its `files`; `version` is the checklist's, null where it is not on the phone. */
export function bodyOf(draft, files, version, { rehearsal, at }) {
  const answers = version ? asked(version, draft.answers) : draft.answers;
  return JSON.stringify({
    id: draft.id,
    checklist: draft.checklist,
    commission: draft.commission,
    contest: draft.contest,
    slot: draft.slot,
    observed_at: draft.observed_at ?? moment(at),
    answers: Object.fromEntries(Object.entries(answers).filter(([, value]) => !isEmpty(value))),
    comment: draft.comment ?? "",
    location: draft.location,
    outside: draft.outside === true,
    rehearsal,
    supersedes: draft.supersedes,
    evidence: files.map(announcement),
  });
}

/** What is told of a file before its bytes. */
export function announcement(file) {
  const { id, sha256, size, type, question, captured_at, source, location, violation, publishable, preview_of } = file;
  return { id, sha256, size, type, question, captured_at, source, location, violation, publishable, preview_of };
}

/** The body with the hour of sending, which is no part of the content: the server tells by it whether the clock is right. */
export function sentNow(body, at = new Date()) {
  return `${body.slice(0, -1)},"sent_at":${JSON.stringify(moment(at))}}`;
}

export const fits = (body) => new Blob([body]).size <= BYTES_MAX - 100;
