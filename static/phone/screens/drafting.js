// A draft as the screens that fill it and check it see it. What is typed here wins over what the database tells meanwhile.
import { html } from "../vendor/lit.js";
import { notice } from "../parts/notice.js";
import { said } from "../parts/said.js";
import { kept } from "../parts/saved.js";
import { answerSet, draft as draftOf, draftSet } from "../core/reporting/drafts.js";
import { isEmpty, missing, problems, unusual, visible } from "../core/base/form.js";
import { report } from "../core/reporting/outbox.js";
import { detailOf } from "../core/base/problem.js";
import { checklist, violationTypes } from "../core/reference/reference.js";
import { stationNamed } from "../core/reference/stations.js";
import { t } from "../core/base/words.js";
import { filingOf } from "./filing.js";

/** What a form part needs, and the draft; what `instead` shows where there is no such draft, or its checklist is not here yet. */
export async function draftForm(id, page) {
  const draft = await draftOf(id);
  if (!draft) return { instead: gone() };
  const version = await checklist(draft.checklist.code, draft.checklist.version);
  if (!version) return { instead: notYet(draft, page) };
  const form = { page, draft, version, answers: draft.answers, problems: [], filing: await filingOf({ draft: id }, page) };
  form.types = await violationTypes();
  form.station = draft.commission && (await stationNamed(draft.commission));
  form.refused = draft.correcting ? (await report(id))?.problem : null;
  let writing = 0;
  let turn = 0; // grows with each thing typed: what was read before it is old

  const judge = () => {
    const beyond = unusual(version, form.answers).map((question) => ({ question, code: "unusual" }));
    form.problems = [...problems(version, form.answers), ...beyond];
    page.draw();
  };
  const write = async (work) => {
    turn += 1;
    writing += 1;
    await kept(work);
    writing -= 1;
  };
  form.set = (code, value) => {
    form.last = code;
    form.answers = { ...form.answers, [code]: value };
    judge();
    return write(answerSet(id, code, value));
  };
  form.put = (fields) => {
    form.draft = { ...form.draft, ...fields };
    page.draw();
    return write(draftSet(id, fields));
  };
  form.load = async () => {
    const seen = turn;
    const fresh = await draftOf(id);
    await form.filing.load();
    if (writing || seen !== turn || !fresh) return;
    form.draft = fresh;
    form.answers = fresh.answers;
    form.station = fresh.commission && (await stationNamed(fresh.commission));
    judge();
  };
  form.close = form.filing.close;
  form.shown = () => version.questions.filter((one) => visible(one, form.answers, version));
  form.asked = () => form.shown().filter((one) => one.type !== "note");
  form.isOpen = (question) => isEmpty(form.answers[question.code]) && !form.filing.files.some((one) => one.question === question.code);
  form.missing = () => {
    const codes = missing(version, form.answers, form.filing.files.map((one) => one.question));
    return form.asked().filter((one) => codes.includes(one.code));
  };
  judge();
  return form;
}

/** Why the server could not read the report that is being corrected. */
export const refusals = (form) => notice("bad", t("The server could not read this report"), html`
  <p>${detailOf(form.refused)}</p>
  <ul>${fieldErrors(form.refused, form.version).map((one) => html`<li>${one}</li>`)}</ul>
  <p>${t("Correct it and save it again. Nothing is lost.")}</p>`); // prettier-ignore

/** Each wrong field as a sentence, named by its question where it is an answer. */
export const fieldErrors = (problem, version) => (problem?.errors ?? []).map((one) => {
  const question = version?.questions.find((other) => `answers.${other.code}` === one.field);
  return `${said(question?.label) || one.field}: ${detailOf(one) || one.code}`;
}); // prettier-ignore

const gone = () => ({
  back: "#/day",
  title: () => t("Nothing is being written here"),
  body: () => html`<p>${t("It was saved or deleted, perhaps in another window.")}</p><a class="button main" href="#/day">${t("To the day")}</a>`,
});

/** Goes on by itself as soon as the checklist is here. */
const notYet = (draft, page) => ({
  back: "#/day",
  title: () => t("This checklist is not on the phone yet"),
  changed: async () => (await checklist(draft.checklist.code, draft.checklist.version)) && page.reopen(),
  body: () => html`<p>${t("It comes with the first connection. Until then write down what you see; an incident can be reported by the button at the bottom.")}</p><a class="button main" href="#/day">${t("To the day")}</a>`,
});
