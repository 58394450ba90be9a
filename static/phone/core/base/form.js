/** What a checklist's version says about answers. Pure: the server judges by the same rules. */

export const YES_NO = ["yes", "no", "not_observed", "not_applicable"];
export const RATING = ["very_good", "good", "bad", "very_bad"];
export const TEXT_MAX = 20_000;

/** Whether `question` is asked, given all `answers`. A condition on a question that is itself not asked does not hold. */
export function visible(question, answers, version, trail = []) {
  const condition = question.relevant_if;
  if (!condition) return true;
  const parent = version.questions.find((one) => one.code === condition.question);
  if (!parent || trail.includes(parent.code)) return false;
  const given = answers[parent.code];
  const listed = Array.isArray(given) ? given : [given];
  const holds = listed.some((one) => one !== undefined && one !== null && condition.answers.includes(String(one)));
  return holds && visible(parent, answers, version, [...trail, question.code]);
}

/** The answers to questions that are asked, and no others. */
export function asked(version, answers) {
  const kept = Object.entries(answers).filter(([code]) => {
    const question = version.questions.find((one) => one.code === code);
    return question && visible(question, answers, version);
  });
  return Object.fromEntries(kept);
}

/** The codes that may answer `question`, or null where the answer is free. */
export function choicesOf(question) {
  if (question.type === "yes_no") return YES_NO;
  if (question.type === "rating") return RATING;
  if (question.type === "choice" || question.type === "choices") return question.choices.map((one) => one.code);
  return null;
}

/** Answers that the server could not read: [{question, code}]. A number beyond its limits is evidence, not a problem. */
export function problems(version, answers) {
  const found = [];
  for (const question of version.questions) {
    const given = answers[question.code];
    if (isEmpty(given) || !visible(question, answers, version)) continue;
    const code = fault(question, given);
    if (code) found.push({ question: question.code, code });
  }
  return found;
}

/** Numbers below `min` or above `max`: to be looked at once more, and kept if they are so. */
export function unusual(version, answers) {
  const beyond = (question, number) =>
    (question.min !== null && number < question.min) || (question.max !== null && number > question.max);
  return version.questions
    .filter((one) => (one.type === "integer" || one.type === "decimal") && !isEmpty(answers[one.code]))
    .filter((one) => visible(one, answers, version) && !fault(one, answers[one.code]))
    .filter((one) => beyond(one, Number(answers[one.code])))
    .map((one) => one.code);
}

/** Codes of required questions that are asked and have neither an answer nor a file. */
export function missing(version, answers, photographed = []) {
  return version.questions
    .filter((one) => one.required && one.type !== "note" && isEmpty(answers[one.code]) && !photographed.includes(one.code))
    .filter((one) => visible(one, answers, version))
    .map((one) => one.code);
}

export function isEmpty(given) {
  return given === undefined || given === null || given === "" || (Array.isArray(given) && given.length === 0);
}

function fault(question, given) {
  const allowed = choicesOf(question);
  if (question.type === "choices") {
    return Array.isArray(given) && given.every((one) => allowed.includes(one)) ? null : "unknown_choice";
  }
  if (allowed) return allowed.includes(given) ? null : "unknown_choice";
  const check = CHECKS[question.type];
  return check ? check(given) : null;
}

const CHECKS = {
  integer: (given) => (/^[+-]?\d{1,15}$/.test(String(given).trim()) ? null : "not_a_number"),
  decimal: (given) => (/^[+-]?\d{1,15}(\.\d{1,12})?$/.test(String(given).trim()) ? null : "not_a_number"),
  text: (given) => (typeof given !== "string" ? "wrong_type" : given.length > TEXT_MAX ? "too_long" : null),
  violation: (given) => (typeof given === "string" ? null : "wrong_type"),
  time: (given) => (/^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/.test(given) ? null : "not_a_time"),
  date: (given) => (/^\d{4}-\d\d-\d\d$/.test(given) && !Number.isNaN(Date.parse(given)) ? null : "not_a_date"),
  location: ({ lat, lon }) => (Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? null : "not_a_place"),
  note: () => "no_answer_expected",
};

/** Text as every database takes it: no NUL, no half of a pair of surrogates. */
export function cleaned(given) {
  if (typeof given === "string") {
    return given.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]|\0/g, (found) => (found.length === 2 ? found : ""));
  }
  if (Array.isArray(given)) return given.map(cleaned);
  return given;
}
