// Messages of the coordinators, newest first.
// The observer marks them as read; opening the screen does not.
import { html, nothing, repeat } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { renderEmpty, renderNotice } from "../parts/notices.js";
import { trackSave } from "../parts/save_status.js";
import { formatDateTime } from "../parts/formatting.js";
import { markMessageRead, listMessages, refreshReference } from "../core/reference/reference.js";
import { t } from "../core/base/translations.js";

export async function open(_args, page) {
  let rows;
  const load = async () => {
    rows = await listMessages();
    page.draw();
  };
  await load();
  refreshReference().catch(() => {});
  const markRead = async (one) => {
    await trackSave(markMessageRead(one.id));
    await load();
  };
  return {
    back: "#/menu",
    title: () => t("Messages"),
    onDataChange: load,
    body: () => html`
      ${page.status()?.online === false ? renderNotice("off", t("No network"), t("These are the messages that came before.")) : nothing}
      ${rows?.length ? html`<ul class="rows">${repeat(rows, (one) => one.id, (one) => renderMessage(one, markRead))}</ul>` : renderEmpty(rows ? t("No messages yet.") : t("The messages come with the first connection."))}`,
  };
}

const renderMessage = (one, markRead) => html`<li class="card">
  <p class="soft">${formatDateTime(one.sent_at)}${one.read_at ? nothing : html` · <b>${t("New")}</b>`}</p>
  <p class="words">${one.text}</p>
  ${one.read_at ? html`<p class="state">${icons.check}${t("You read it {when}", { when: formatDateTime(one.read_at) })}</p>` : html`<button type="button" @click=${() => markRead(one)}>${icons.check}<span>${t("I have read it")}</span></button>`}
</li>`;
