/**
 * Rules of a checklist version for its answers.
 * Pure functions. The server checks answers by the same rules.
 */

export const YES_NO_CODES = ["yes", "no", "not_observed", "not_applicable"];
export const RATING_CODES = ["very_good", "good", "bad", "very_bad"];
export const MAX_TEXT_CHARS = 20_000;

/**
 * Whether `question` is asked, given all `answers`.
 * A condition on a question that is itself not asked is not met.
 */
export function isVisible(question, answers, version, visited = []) {
  const condition = question.relevant_if;
  if (!condition) return true;
  const parent = version.questions.find((one) => one.code === condition.question);
  if (!parent || visited.includes(parent.code)) return false;
  const answer = answers[parent.code];
  const listed = Array.isArray(answer) ? answer : [answer];
  const isMet = listed.some((one) => one !== undefined && one !== null && condition.answers.includes(String(one)));
  return isMet && isVisible(parent, answers, version, [...visited, question.code]);
}

/** Keeps only the answers to questions that are asked. */
export function keepVisibleAnswers(version, answers) {
  const kept = Object.entries(answers).filter(([code]) => {
    const question = version.questions.find((one) => one.code === code);
    return question && isVisible(question, answers, version);
  });
  return Object.fromEntries(kept);
}

/** The codes that may answer `question`; null where the answer is free. */
export function listChoiceCodes(question) {
  if (question.type === "yes_no") return YES_NO_CODES;
  if (question.type === "rating") return RATING_CODES;
  if (question.type === "choice" || question.type === "choices") return question.choices.map((one) => one.code);
  return null;
}

/**
 * Answers that the server could not read: [{question, code}].
 * A number out of range is kept as evidence, so it is not listed here.
 */
export function findInvalidAnswers(version, answers) {
  const found = [];
  for (const question of version.questions) {
    const answer = answers[question.code];
    if (isEmptyAnswer(answer) || !isVisible(question, answers, version)) continue;
    const code = checkAnswer(question, answer);
    if (code) found.push({ question: question.code, code });
  }
  return found;
}

/**
 * Codes of questions whose number is below `min` or above `max`.
 * The observer is asked to look again; the number is kept.
 */
export function findOutOfRange(version, answers) {
  const isOutOfRange = (question, number) =>
    (question.min !== null && number < question.min) || (question.max !== null && number > question.max);
  return version.questions
    .filter((one) => (one.type === "integer" || one.type === "decimal") && !isEmptyAnswer(answers[one.code]))
    .filter((one) => isVisible(one, answers, version) && !checkAnswer(one, answers[one.code]))
    .filter((one) => isOutOfRange(one, Number(answers[one.code])))
    .map((one) => one.code);
}

/**
 * Codes of required questions that have neither an answer nor a file.
 * Only questions that are asked count.
 */
export function findMissing(version, answers, codesWithFiles = []) {
  return version.questions
    .filter((one) => one.required && one.type !== "note" && isEmptyAnswer(answers[one.code]) && !codesWithFiles.includes(one.code))
    .filter((one) => isVisible(one, answers, version))
    .map((one) => one.code);
}

export function isEmptyAnswer(value) {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

function checkAnswer(question, answer) {
  const allowed = listChoiceCodes(question);
  if (question.type === "choices") {
    return Array.isArray(answer) && answer.every((one) => allowed.includes(one)) ? null : "unknown_choice";
  }
  if (allowed) return allowed.includes(answer) ? null : "unknown_choice";
  const check = CHECKS_BY_TYPE[question.type];
  return check ? check(answer) : null;
}

const CHECKS_BY_TYPE = {
  integer: (answer) => (/^[+-]?\d{1,15}$/.test(String(answer).trim()) ? null : "not_a_number"),
  decimal: (answer) => (/^[+-]?\d{1,15}(\.\d{1,12})?$/.test(String(answer).trim()) ? null : "not_a_number"),
  text: (answer) => (typeof answer !== "string" ? "wrong_type" : answer.length > MAX_TEXT_CHARS ? "too_long" : null),
  violation: (answer) => (typeof answer === "string" ? null : "wrong_type"),
  time: (answer) => (/^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/.test(answer) ? null : "not_a_time"),
  date: (answer) => (/^\d{4}-\d\d-\d\d$/.test(answer) && !Number.isNaN(Date.parse(answer)) ? null : "not_a_date"),
  location: ({ lat, lon }) => (Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? null : "not_a_place"),
  note: () => "no_answer_expected",
};

/** Removes what databases do not store: NUL and unpaired surrogates. */
export function removeInvalidCharacters(value) {
  if (typeof value === "string") {
    return value.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]|\0/g, (match) => (match.length === 2 ? match : ""));
  }
  if (Array.isArray(value)) return value.map(removeInvalidCharacters);
  return value;
}
