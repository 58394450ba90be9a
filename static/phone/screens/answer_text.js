// An answer as text, to show what was sent.
import { formatLocation } from "../parts/location_field.js";
import { getFixedLabel } from "../parts/question_field.js";
import { localize } from "../parts/localized.js";

export function formatAnswer(question, value, violationTypes) {
  if (question.type === "location") return formatLocation(value);
  if (question.type === "violation") return localize(violationTypes.find((one) => one.code === value)?.names) || value;
  const labelOf = (code) => getFixedLabel(question.type, code) ?? (localize(question.choices.find((one) => one.code === code)?.label) || String(code));
  return Array.isArray(value) ? value.map(labelOf).join(", ") : labelOf(value);
}
