// An answer as words, for reading again what was sent.
import { placeWord } from "../parts/place.js";
import { fixedWord } from "../parts/fields.js";
import { said } from "../parts/said.js";

export function answerWord(question, value, types) {
  if (question.type === "location") return placeWord(value);
  if (question.type === "violation") return said(types.find((one) => one.code === value)?.names) || value;
  const word = (code) => fixedWord(question.type, code) ?? (said(question.choices.find((one) => one.code === code)?.label) || String(code));
  return Array.isArray(value) ? value.map(word).join(", ") : word(value);
}
