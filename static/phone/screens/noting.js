// Words that follow a saved report. They are kept as they are typed, too: a phone may die in the middle.
import { html, live, nothing } from "../vendor/lit.js";
import { notice } from "../parts/notice.js";
import { kept } from "../parts/saved.js";
import { note } from "../core/reporting/outbox.js";
import { metaGet, metaSet } from "../core/store/store.js";
import { t } from "../core/base/words.js";

export async function noting(report, page) {
  const name = `words/${report}`;
  let words = (await metaGet(name)) ?? "";
  let added = false;
  const typed = (text) => {
    words = text;
    kept(metaSet(name, text));
    page.draw();
  };
  const add = async () => {
    const text = words.trim();
    if (!text || !(await kept(note(report, text)))) return;
    added = true;
    typed("");
    page.say(t("Saved on this phone."));
  };
  /** `asks` is what the field is called. */
  return (asks) => html`
    ${added ? notice("good", t("Saved on this phone."), t("It is sent after the report.")) : nothing}
    <label class="label" for="words">${asks}</label>
    <textarea id="words" rows="4" .value=${live(words)} @input=${(event) => typed(event.target.value)}></textarea>
    <button type="button" ?disabled=${!words.trim()} @click=${add}>${t("Add to the report")}</button>`;
}
