// Last check before saving: station, open questions, comment, files.
// Nothing here prevents saving.
import { html, live, nothing } from "../vendor/lit.js";
import { getProblemText } from "../parts/question_field.js";
import { renderAttachments } from "../parts/attachment_list.js";
import { icons } from "../parts/icons.js";
import { renderNotice } from "../parts/notices.js";
import { renderConfirmButton } from "../parts/confirm_button.js";
import { trackSave } from "../parts/save_status.js";
import { deleteDraft } from "../core/reporting/drafts.js";
import { saveReport } from "../core/reporting/outbox.js";
import { localize } from "../parts/localized.js";
import { t, tn } from "../core/base/translations.js";
import { openDraftForm, renderRefusal } from "./draft_form.js";

export async function open([id], page) {
  const form = await openDraftForm(id, page);
  if (form.fallbackScreen) return form.fallbackScreen;
  const confirming = { key: null };
  let problem = null;
  let isBusy = false;

  const saveDraft = async () => {
    if (isBusy) return;
    isBusy = true;
    page.draw();
    let report = null;
    const isSaved = await trackSave(
      saveReport(id).then(
        (made) => (report = made),
        (thrown) => {
          problem = thrown;
          throw thrown;
        },
      ),
    );
    isBusy = false;
    if (isSaved) page.replace(`#/report/${report}/saved`);
    else page.draw();
  };
  const deleteForm = async () => {
    if (await trackSave(deleteDraft(id))) page.replace("#/day");
  };

  return {
    back: `#/fill/${id}`,
    title: () => t("Check and save"),
    onDataChange: form.load,
    onClose: form.close,
    body() {
      const unanswered = form.missingQuestions();
      return html`
        ${problem ? renderSaveError(problem) : nothing}
        ${form.refusal ? renderRefusal(form) : nothing}
        <p>${localize(form.version.title)}</p>
        <div class="card">
          <p class="soft">${t("Station")}</p>
          <p class="value">${form.station?.name ?? t("No station chosen")} <small>${form.draft.commission}</small></p>
          <a class="button" href=${`#/station/${id}`}>${icons.place}<span>${form.draft.commission ? t("This is another station") : t("Choose the station")}</span></a>
        </div>
        ${unanswered.length ? renderUnanswered(unanswered, id, page) : renderNotice("good", t("Every question that is needed is answered."))}
        ${form.problems.length ? renderProblems(form, id, page) : nothing}
        <label class="pick"><input type="checkbox" .checked=${live(Boolean(form.draft.outside))} @change=${(event) => form.setFields({ outside: event.target.checked })} /><span>${t("I was outside the station, with the portable box")}</span></label>
        <label class="label" for="comment">${t("What else did you see?")}</label>
        <textarea id="comment" rows="4" .value=${live(form.draft.comment ?? "")} @input=${(event) => form.setFields({ comment: event.target.value })}></textarea>
        <h2>${t("Photos and files")}</h2>
        ${renderAttachments(form.attachments, null, false)}
        <p>${renderConfirmButton({ key: "drop", confirming, page, label: t("Delete what I wrote"), question: t("Delete it? It was not sent."), action: deleteForm })}</p>`;
    },
    footer: () => !form.draft.commission ? html`<a class="step main" href=${`#/station/${id}`}>${icons.place}<span>${t("Choose the station")}</span></a>` : html`<button type="button" class="step main" ?disabled=${isBusy || form.attachments.isBusy} @click=${saveDraft}>${icons.check}<span>${t("Save the report")}</span></button>`,
  };
}

const renderQuestionLink = (one, id) => html`<li><a class="row" href=${`#/fill/${id}/${one.code}`}><span>${localize(one.label)}</span>${icons.next}</a></li>`;

const renderUnanswered = (unanswered, id) => renderNotice("care", tn("{n} question is open", "{n} questions are open", unanswered.length), html`
  <p>${t("You may save it as it is. What you did not see stays open; that is an answer too.")}</p>
  <ul class="rows">${unanswered.map((one) => renderQuestionLink(one, id))}</ul>`);

const renderProblems = (form, id) => renderNotice("care", t("Look once more"), html`<ul class="rows">${form.problems.map((one) => {
  const question = form.version.questions.find((other) => other.code === one.question);
  return html`${renderQuestionLink(question, id)}<li class="soft">${getProblemText(one, question)}</li>`;
})}</ul>`);

const renderSaveError = (problem) => problem.code === "storage_full"
  ? renderNotice("bad", t("This phone is full"), html`<p>${t("The report is still here as you wrote it, but not in the outbox. Free some room: save the outbox to files, or delete videos from this phone.")}</p><a class="button" href="#/relay">${t("Save the outbox to files")}</a>`)
  : renderNotice("bad", t("The report is not saved"), problem.detail ?? t("What you wrote is still here. Try once more."));
