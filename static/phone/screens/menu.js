// Everything that has no place in the bar.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { languageChoice } from "../parts/languages.js";
import { call } from "../parts/call.js";
import { me, messages } from "../core/reference/reference.js";
import { t, tn } from "../core/base/words.js";

const row = (address, icon, word, more = nothing) => html`<li><a class="row" href=${address}>${icons[icon]}<span>${word}${more ? html`<small>${more}</small>` : nothing}</span>${icons.next}</a></li>`;

export async function open(_args, page) {
  let mine, unread;
  const load = async () => {
    mine = await me();
    unread = ((await messages()) ?? []).filter((one) => !one.read_at).length;
    page.draw();
  };
  await load();
  return {
    title: () => t("Menu"),
    changed: load,
    body: () => html`
      <ul class="rows">
        ${row("#/messages", "letter", t("Messages"), unread ? tn("{n} not read", "{n} not read", unread) : "")}
        ${row("#/outbox", "up", t("Outbox"), t("What waits, and why"))}
        ${row("#/station", "place", t("Choose the station"))}
        ${row("#/relay", "file", t("Send without a network"), t("Save to files, or bring in another's file"))}
        ${row("#/rehearsal", "camera", t("Test report"))}
        ${row("#/transfer", "phone", t("Move to another phone"))}
        ${row("#/settings", "menu", t("Settings"))}
      </ul>
      ${call(mine)}
      <h2>${t("Language")}</h2>
      ${languageChoice()}
      ${mine ? html`<p class="soft">${t("You are observer {code}.", { code: mine.observer.code })}</p>` : nothing}
    `,
  };
}
