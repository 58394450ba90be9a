// The code of conduct: to read, and to accept. A new version is asked for again.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { languageChoice } from "../parts/languages.js";
import { notice } from "../parts/notice.js";
import { said } from "../parts/said.js";
import { kept } from "../parts/saved.js";
import { consentGive } from "../core/identity/enrolment.js";
import { refresh } from "../core/reference/reference.js";
import { language, t } from "../core/base/words.js";
import { conductOf } from "./book.js";

export async function open(_args, page) {
  let conduct;
  let read = false;
  let trying = false;
  const load = async () => {
    conduct = await conductOf();
    page.draw();
  };
  const fetchIt = async () => {
    trying = true;
    page.draw();
    await refresh().catch(() => {});
    trying = false;
    await load();
  };
  await load();
  if (!conduct) fetchIt();
  const accept = async () => {
    if (await kept(consentGive(conduct.document, conduct.version))) await page.restart();
  };
  return {
    title: () => said(conduct?.title) || t("Code of conduct"),
    changed: load,
    body: () => html`
      ${languageChoice()}
      ${conduct ? html`
        <div class="conduct">${pointsOf(conduct).map((one) => html`<p>${one}</p>`)}</div>
        <label class="pick"><input type="checkbox" .checked=${read} @change=${(event) => ((read = event.target.checked), page.draw())} /><span>${t("I have read it and will keep to it")}</span></label>
        <button type="button" class="main" ?disabled=${!read} @click=${accept}>${icons.check}<span>${t("Accept")}</span></button>`
      : trying ? notice("wait", t("Fetching the code of conduct …"))
      : html`${notice("off", t("The code of conduct is not on this phone yet"), t("It needs a network once. You are enrolled; nothing is lost."))}
        <button type="button" class="main" @click=${fetchIt}>${t("Try again")}</button>`}`, // prettier-ignore
    foot: () => nothing,
  };
}

const pointsOf = ({ points }) => points[language()] ?? Object.values(points)[0] ?? [];
