/**
 * Builds the body of a report. Pure functions.
 * The body is made once, when the report is saved; every sending uses the same bytes.
 */
import { keepVisibleAnswers, isEmptyAnswer } from "./checklist_rules.js";
import { formatTimestamp } from "./time_and_ids.js";

const MAX_BODY_BYTES = 256_000;

/**
 * The body of `draft` with its `files`, as JSON.
 * `version` is the checklist's version, null where it is not on the phone.
 */
export function buildReportBody(draft, files, version, { rehearsal, now }) {
  const answers = version ? keepVisibleAnswers(version, draft.answers) : draft.answers;
  return JSON.stringify({
    id: draft.id,
    checklist: draft.checklist,
    commission: draft.commission,
    contest: draft.contest,
    slot: draft.slot,
    observed_at: draft.observed_at ?? formatTimestamp(now),
    answers: Object.fromEntries(Object.entries(answers).filter(([, value]) => !isEmptyAnswer(value))),
    comment: draft.comment ?? "",
    location: draft.location,
    outside: draft.outside === true,
    rehearsal,
    supersedes: draft.supersedes,
    evidence: files.map(buildFileAnnouncement),
  });
}

/** The description of a file that the server gets before its bytes. */
export function buildFileAnnouncement(file) {
  const { id, sha256, size, type, question, captured_at, source, location, violation, publishable, preview_of } = file;
  return { id, sha256, size, type, question, captured_at, source, location, violation, publishable, preview_of };
}

/**
 * Adds the time of sending to the body.
 * It is no part of the content: the server uses it to tell whether the phone's clock is right.
 */
export function addSentAt(body, now = new Date()) {
  return `${body.slice(0, -1)},"sent_at":${JSON.stringify(formatTimestamp(now))}}`;
}

export const isWithinBodyLimit = (body) => new Blob([body]).size <= MAX_BODY_BYTES - 100;
