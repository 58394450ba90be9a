// Links to the screens that have no tab.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { renderLanguageButtons } from "../parts/language_buttons.js";
import { renderEmergencyCall } from "../parts/emergency_call.js";
import { getMe, listMessages } from "../core/reference/reference.js";
import { t, tn } from "../core/base/translations.js";

const renderLink = (address, icon, label, detail = nothing) => html`<li><a class="row" href=${address}>${icons[icon]}<span>${label}${detail ? html`<small>${detail}</small>` : nothing}</span>${icons.next}</a></li>`;

export async function open(_args, page) {
  let me, unread;
  const load = async () => {
    me = await getMe();
    unread = ((await listMessages()) ?? []).filter((one) => !one.read_at).length;
    page.draw();
  };
  await load();
  return {
    title: () => t("Menu"),
    onDataChange: load,
    body: () => html`
      <ul class="rows">
        ${renderLink("#/messages", "letter", t("Messages"), unread ? tn("{n} not read", "{n} not read", unread) : "")}
        ${renderLink("#/outbox", "up", t("Outbox"), t("What waits, and why"))}
        ${renderLink("#/station", "place", t("Choose the station"))}
        ${renderLink("#/relay", "file", t("Send without a network"), t("Save to files, or bring in another's file"))}
        ${renderLink("#/rehearsal", "camera", t("Test report"))}
        ${renderLink("#/transfer", "phone", t("Move to another phone"))}
        ${renderLink("#/settings", "menu", t("Settings"))}
      </ul>
      ${renderEmergencyCall(me)}
      <h2>${t("Language")}</h2>
      ${renderLanguageButtons()}
      ${me ? html`<p class="soft">${t("You are observer {code}.", { code: me.observer.code })}</p>` : nothing}
    `,
  };
}
