// Before saving: is it the right station, what is open, what else is there to say. Nothing here forbids to save.
import { html, live, nothing } from "../vendor/lit.js";
import { problemWord } from "../parts/fields.js";
import { files } from "../parts/files.js";
import { icons } from "../parts/icons.js";
import { notice } from "../parts/notice.js";
import { twice } from "../parts/twice.js";
import { kept } from "../parts/saved.js";
import { draftDrop } from "../core/reporting/drafts.js";
import { save } from "../core/reporting/outbox.js";
import { said } from "../parts/said.js";
import { t, tn } from "../core/base/words.js";
import { draftForm, refusals } from "./drafting.js";

export async function open([id], page) {
  const form = await draftForm(id, page);
  if (form.instead) return form.instead;
  const asking = { key: null };
  let problem = null;
  let busy = false;

  const store = async () => {
    if (busy) return;
    busy = true;
    page.draw();
    let report = null;
    const ok = await kept(
      save(id).then(
        (made) => (report = made),
        (thrown) => {
          problem = thrown;
          throw thrown;
        },
      ),
    );
    busy = false;
    if (ok) page.replace(`#/report/${report}/saved`);
    else page.draw();
  };
  const drop = async () => {
    if (await kept(draftDrop(id))) page.replace("#/day");
  };

  return {
    back: `#/fill/${id}`,
    title: () => t("Check and save"),
    changed: form.load,
    close: form.close,
    body() {
      const left = form.missing();
      return html`
        ${problem ? failed(problem) : nothing}
        ${form.refused ? refusals(form) : nothing}
        <p>${said(form.version.title)}</p>
        <div class="card">
          <p class="soft">${t("Station")}</p>
          <p class="value">${form.station?.name ?? t("No station chosen")} <small>${form.draft.commission}</small></p>
          <a class="button" href=${`#/station/${id}`}>${icons.place}<span>${form.draft.commission ? t("This is another station") : t("Choose the station")}</span></a>
        </div>
        ${left.length ? leftOpen(left, id, page) : notice("good", t("Every question that is needed is answered."))}
        ${form.problems.length ? unusual(form, id, page) : nothing}
        <label class="pick"><input type="checkbox" .checked=${live(Boolean(form.draft.outside))} @change=${(event) => form.put({ outside: event.target.checked })} /><span>${t("I was outside the station, with the portable box")}</span></label>
        <label class="label" for="comment">${t("What else did you see?")}</label>
        <textarea id="comment" rows="4" .value=${live(form.draft.comment ?? "")} @input=${(event) => form.put({ comment: event.target.value })}></textarea>
        <h2>${t("Photos and files")}</h2>
        ${files(form.filing, null, false)}
        <p>${twice({ key: "drop", asking, page, word: t("Delete what I wrote"), sure: t("Delete it? It was not sent."), act: drop })}</p>`;
    },
    foot: () => !form.draft.commission ? html`<a class="step main" href=${`#/station/${id}`}>${icons.place}<span>${t("Choose the station")}</span></a>` : html`<button type="button" class="step main" ?disabled=${busy || form.filing.busy} @click=${store}>${icons.check}<span>${t("Save the report")}</span></button>`,
  };
}

const question = (one, id) => html`<li><a class="row" href=${`#/fill/${id}/${one.code}`}><span>${said(one.label)}</span>${icons.next}</a></li>`;

const leftOpen = (left, id) => notice("care", tn("{n} question is open", "{n} questions are open", left.length), html`
  <p>${t("You may save it as it is. What you did not see stays open; that is an answer too.")}</p>
  <ul class="rows">${left.map((one) => question(one, id))}</ul>`);

const unusual = (form, id) => notice("care", t("Look once more"), html`<ul class="rows">${form.problems.map((one) => {
  const asked = form.version.questions.find((other) => other.code === one.question);
  return html`${question(asked, id)}<li class="soft">${problemWord(one, asked)}</li>`;
})}</ul>`);

const failed = (problem) => problem.code === "storage_full"
  ? notice("bad", t("This phone is full"), html`<p>${t("The report is still here as you wrote it, but not in the outbox. Free some room: save the outbox to files, or delete videos from this phone.")}</p><a class="button" href="#/relay">${t("Save the outbox to files")}</a>`)
  : notice("bad", t("The report is not saved"), problem.detail ?? t("What you wrote is still here. Try once more."));
