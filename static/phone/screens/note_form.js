// Form to add a note to a saved report.
// The text is stored while it is typed, because the phone may be switched off.
import { html, live, nothing } from "../vendor/lit.js";
import { renderNotice } from "../parts/notices.js";
import { trackSave } from "../parts/save_status.js";
import { addNote } from "../core/reporting/outbox.js";
import { getMeta, setMeta } from "../core/store/database.js";
import { t } from "../core/base/translations.js";

export async function openNoteForm(report, page) {
  const metaName = `words/${report}`;
  let noteText = (await getMeta(metaName)) ?? "";
  let isAdded = false;
  const storeText = (text) => {
    noteText = text;
    trackSave(setMeta(metaName, text));
    page.draw();
  };
  const add = async () => {
    const text = noteText.trim();
    if (!text || !(await trackSave(addNote(report, text)))) return;
    isAdded = true;
    storeText("");
    page.announce(t("Saved on this phone."));
  };
  /** Renders the form; `label` is the field's label. */
  return (label) => html`
    ${isAdded ? renderNotice("good", t("Saved on this phone."), t("It is sent after the report.")) : nothing}
    <label class="label" for="words">${label}</label>
    <textarea id="words" rows="4" .value=${live(noteText)} @input=${(event) => storeText(event.target.value)}></textarea>
    <button type="button" ?disabled=${!noteText.trim()} @click=${add}>${t("Add to the report")}</button>`;
}
