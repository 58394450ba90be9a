// Settings of this phone: language, storage, installation, version.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { renderLanguageButtons } from "../parts/language_buttons.js";
import { renderInstallSteps } from "../parts/install_steps.js";
import { renderNotice } from "../parts/notices.js";
import { localize } from "../parts/localized.js";
import { formatBytes } from "../parts/formatting.js";
import { getMe } from "../core/reference/reference.js";
import { promptInstall, requestPersistence, getEnvironment, activateUpdate } from "../core/store/environment.js";
import { t } from "../core/base/translations.js";

export async function open(_args, page) {
  let environment, me;
  let isRefused = false;
  const load = async () => {
    [environment, me] = await Promise.all([getEnvironment(), getMe()]);
    page.draw();
  };
  await load();
  const askPersistence = async () => {
    isRefused = !(await requestPersistence());
    await load();
  };
  return {
    back: "#/menu",
    title: () => t("Settings"),
    onDataChange: load,
    body: () => html`
      <h2>${t("Language")}</h2>
      ${renderLanguageButtons()}
      <h2>${t("Storage")}</h2>
      ${environment.persisted ? renderNotice("good", t("This phone keeps the reports"), t("The browser promised to delete nothing by itself.")) : renderNotice("care", t("The browser may delete what waits"), html`<p>${t("When the phone is full, it could clear this application. Ask it to keep everything; installing helps.")}</p><button type="button" @click=${askPersistence}>${t("Ask the browser to keep it")}</button>`)}
      <p role="status">${isRefused && !environment.persisted ? t("The browser refused. Install the application, open it from the home screen, and ask again.") : nothing}</p>
      ${environment.quota ? html`<p>${t("{used} used, {free} free for this application", { used: formatBytes(environment.usage ?? 0), free: formatBytes(Math.max(environment.quota - (environment.usage ?? 0), 0)) })}</p>` : nothing}
      ${environment.low ? renderNotice("care", t("This phone is almost full"), t("Reports can still be written. Make room before you take videos.")) : nothing}
      <h2>${t("On the home screen")}</h2>
      ${environment.standalone ? renderNotice("good", t("Installed"), t("It opens without a network.")) : renderInstallSteps(environment, promptInstall, load)}
      <h2>${t("Version")}</h2>
      <p>${environment.version || t("not known yet")}</p>
      ${environment.update ? html`<button type="button" @click=${activateUpdate}>${t("Use the new version")}</button>` : nothing}
      ${me ? html`<h2>${t("This phone")}</h2>
        <p>${t("Observer {code}, {organisation}", { code: me.observer.code, organisation: localize(me.organisation.names) })}</p>
        <p class="soft">${localize(me.election.names)}</p>
        <p><a class="button" href="#/transfer">${icons.phone}<span>${t("Move to another phone")}</span></a></p>` : nothing}`, // prettier-ignore
  };
}
