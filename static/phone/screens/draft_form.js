// A draft for the screens that fill and check it.
// What is typed here takes precedence over what was read from the database meanwhile.
import { html } from "../vendor/lit.js";
import { renderNotice } from "../parts/notices.js";
import { localize } from "../parts/localized.js";
import { trackSave } from "../parts/save_status.js";
import { setAnswer, getDraft, setDraftFields } from "../core/reporting/drafts.js";
import { isEmptyAnswer, findMissing, findInvalidAnswers, findOutOfRange, isVisible } from "../core/base/checklist_rules.js";
import { getReport } from "../core/reporting/outbox.js";
import { describeProblem } from "../core/base/problems.js";
import { getChecklist, listViolationTypes } from "../core/reference/reference.js";
import { getStation } from "../core/reference/stations.js";
import { t } from "../core/base/translations.js";
import { openAttachmentForm } from "./attachment_form.js";

/**
 * State and actions of the form for draft `id`.
 * `fallbackScreen` is set where there is no such draft, or its checklist is not on the phone yet.
 */
export async function openDraftForm(id, page) {
  const draft = await getDraft(id);
  if (!draft) return { fallbackScreen: draftGoneScreen() };
  const version = await getChecklist(draft.checklist.code, draft.checklist.version);
  if (!version) return { fallbackScreen: checklistMissingScreen(draft, page) };
  const form = { page, draft, version, answers: draft.answers, problems: [], attachments: await openAttachmentForm({ draft: id }, page) };
  form.violationTypes = await listViolationTypes();
  form.station = draft.commission && (await getStation(draft.commission));
  form.refusal = draft.correcting ? (await getReport(id))?.problem : null;
  let pendingWrites = 0;
  let editCount = 0; // counts edits: data read before the last one is outdated

  const validate = () => {
    const outOfRange = findOutOfRange(version, form.answers).map((question) => ({ question, code: "unusual" }));
    form.problems = [...findInvalidAnswers(version, form.answers), ...outOfRange];
    page.draw();
  };
  const write = async (work) => {
    editCount += 1;
    pendingWrites += 1;
    await trackSave(work);
    pendingWrites -= 1;
  };
  form.setAnswer = (code, value) => {
    form.lastQuestionCode = code;
    form.answers = { ...form.answers, [code]: value };
    validate();
    return write(setAnswer(id, code, value));
  };
  form.setFields = (fields) => {
    form.draft = { ...form.draft, ...fields };
    page.draw();
    return write(setDraftFields(id, fields));
  };
  form.load = async () => {
    const editCountBefore = editCount;
    const fresh = await getDraft(id);
    await form.attachments.load();
    if (pendingWrites || editCountBefore !== editCount || !fresh) return;
    form.draft = fresh;
    form.answers = fresh.answers;
    form.station = fresh.commission && (await getStation(fresh.commission));
    validate();
  };
  form.close = form.attachments.close;
  form.visibleQuestions = () => version.questions.filter((one) => isVisible(one, form.answers, version));
  form.askedQuestions = () => form.visibleQuestions().filter((one) => one.type !== "note");
  form.isUnanswered = (question) => isEmptyAnswer(form.answers[question.code]) && !form.attachments.files.some((one) => one.question === question.code);
  form.missingQuestions = () => {
    const codes = findMissing(version, form.answers, form.attachments.files.map((one) => one.question));
    return form.askedQuestions().filter((one) => codes.includes(one.code));
  };
  validate();
  return form;
}

/** Why the server could not read the report that is being corrected. */
export const renderRefusal = (form) => renderNotice("bad", t("The server could not read this report"), html`
  <p>${describeProblem(form.refusal)}</p>
  <ul>${listFieldErrors(form.refusal, form.version).map((one) => html`<li>${one}</li>`)}</ul>
  <p>${t("Correct it and save it again. Nothing is lost.")}</p>`); // prettier-ignore

/**
 * Each invalid field as a sentence.
 * It is named by its question where it is an answer.
 */
export const listFieldErrors = (problem, version) => (problem?.errors ?? []).map((one) => {
  const question = version?.questions.find((other) => `answers.${other.code}` === one.field);
  return `${localize(question?.label) || one.field}: ${describeProblem(one) || one.code}`;
}); // prettier-ignore

const draftGoneScreen = () => ({
  back: "#/day",
  title: () => t("Nothing is being written here"),
  body: () => html`<p>${t("It was saved or deleted, perhaps in another window.")}</p><a class="button main" href="#/day">${t("To the day")}</a>`,
});

/** Opens the form as soon as the checklist is on the phone. */
const checklistMissingScreen = (draft, page) => ({
  back: "#/day",
  title: () => t("This checklist is not on the phone yet"),
  onDataChange: async () => (await getChecklist(draft.checklist.code, draft.checklist.version)) && page.reopen(),
  body: () => html`<p>${t("It comes with the first connection. Until then write down what you see; an incident can be reported by the button at the bottom.")}</p><a class="button main" href="#/day">${t("To the day")}</a>`,
});
