// This phone: language, storage, installing, version.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { languageChoice } from "../parts/languages.js";
import { installing } from "../parts/installing.js";
import { notice } from "../parts/notice.js";
import { said } from "../parts/said.js";
import { size } from "../parts/when.js";
import { me } from "../core/reference/reference.js";
import { install, persist, surroundings, updateTake } from "../core/store/surroundings.js";
import { t } from "../core/base/words.js";

export async function open(_args, page) {
  let around, mine;
  let refused = false;
  const load = async () => {
    [around, mine] = await Promise.all([surroundings(), me()]);
    page.draw();
  };
  await load();
  const ask = async () => {
    refused = !(await persist());
    await load();
  };
  return {
    back: "#/menu",
    title: () => t("Settings"),
    changed: load,
    body: () => html`
      <h2>${t("Language")}</h2>
      ${languageChoice()}
      <h2>${t("Storage")}</h2>
      ${around.persisted ? notice("good", t("This phone keeps the reports"), t("The browser promised to delete nothing by itself.")) : notice("care", t("The browser may delete what waits"), html`<p>${t("When the phone is full, it could clear this application. Ask it to keep everything; installing helps.")}</p><button type="button" @click=${ask}>${t("Ask the browser to keep it")}</button>`)}
      <p role="status">${refused && !around.persisted ? t("The browser refused. Install the application, open it from the home screen, and ask again.") : nothing}</p>
      ${around.quota ? html`<p>${t("{used} used, {free} free for this application", { used: size(around.usage ?? 0), free: size(Math.max(around.quota - (around.usage ?? 0), 0)) })}</p>` : nothing}
      ${around.low ? notice("care", t("This phone is almost full"), t("Reports can still be written. Make room before you take videos.")) : nothing}
      <h2>${t("On the home screen")}</h2>
      ${around.standalone ? notice("good", t("Installed"), t("It opens without a network.")) : installing(around, install, load)}
      <h2>${t("Version")}</h2>
      <p>${around.version || t("not known yet")}</p>
      ${around.update ? html`<button type="button" @click=${updateTake}>${t("Use the new version")}</button>` : nothing}
      ${mine ? html`<h2>${t("This phone")}</h2>
        <p>${t("Observer {code}, {organisation}", { code: mine.observer.code, organisation: said(mine.organisation.names) })}</p>
        <p class="soft">${said(mine.election.names)}</p>
        <p><a class="button" href="#/transfer">${icons.phone}<span>${t("Move to another phone")}</span></a></p>` : nothing}`, // prettier-ignore
  };
}
