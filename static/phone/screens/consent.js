// The code of conduct, to read and accept.
// A new version must be accepted again.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { renderLanguageButtons } from "../parts/language_buttons.js";
import { renderNotice } from "../parts/notices.js";
import { localize } from "../parts/localized.js";
import { trackSave } from "../parts/save_status.js";
import { giveConsent } from "../core/identity/enrolment.js";
import { refreshReference } from "../core/reference/reference.js";
import { currentLanguage, t } from "../core/base/translations.js";
import { loadConduct } from "./guide_texts.js";

export async function open(_args, page) {
  let conduct;
  let isRead = false;
  let isFetching = false;
  const load = async () => {
    conduct = await loadConduct();
    page.draw();
  };
  const fetchConduct = async () => {
    isFetching = true;
    page.draw();
    await refreshReference().catch(() => {});
    isFetching = false;
    await load();
  };
  await load();
  if (!conduct) fetchConduct();
  const accept = async () => {
    if (await trackSave(giveConsent(conduct.document, conduct.version))) await page.continueSetup();
  };
  return {
    title: () => localize(conduct?.title) || t("Code of conduct"),
    onDataChange: load,
    body: () => html`
      ${renderLanguageButtons()}
      ${conduct ? html`
        <div class="conduct">${listPoints(conduct).map((one) => html`<p>${one}</p>`)}</div>
        <label class="pick"><input type="checkbox" .checked=${isRead} @change=${(event) => ((isRead = event.target.checked), page.draw())} /><span>${t("I have read it and will keep to it")}</span></label>
        <button type="button" class="main" ?disabled=${!isRead} @click=${accept}>${icons.check}<span>${t("Accept")}</span></button>`
      : isFetching ? renderNotice("wait", t("Fetching the code of conduct …"))
      : html`${renderNotice("off", t("The code of conduct is not on this phone yet"), t("It needs a network once. You are enrolled; nothing is lost."))}
        <button type="button" class="main" @click=${fetchConduct}>${t("Try again")}</button>`}`, // prettier-ignore
    footer: () => nothing,
  };
}

const listPoints = ({ points }) => points[currentLanguage()] ?? Object.values(points)[0] ?? [];
