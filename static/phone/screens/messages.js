// Words of the coordinators, newest first. "Read" is said by the observer, not guessed.
import { html, nothing, repeat } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { empty, notice } from "../parts/notice.js";
import { kept } from "../parts/saved.js";
import { when } from "../parts/when.js";
import { messageRead, messages, refresh } from "../core/reference/reference.js";
import { t } from "../core/base/words.js";

export async function open(_args, page) {
  let rows;
  const load = async () => {
    rows = await messages();
    page.draw();
  };
  await load();
  refresh().catch(() => {});
  const read = async (one) => {
    await kept(messageRead(one.id));
    await load();
  };
  return {
    back: "#/menu",
    title: () => t("Messages"),
    changed: load,
    body: () => html`
      ${page.status()?.online === false ? notice("off", t("No network"), t("These are the messages that came before.")) : nothing}
      ${rows?.length ? html`<ul class="rows">${repeat(rows, (one) => one.id, (one) => message(one, read))}</ul>` : empty(rows ? t("No messages yet.") : t("The messages come with the first connection."))}`,
  };
}

const message = (one, read) => html`<li class="card">
  <p class="soft">${when(one.sent_at)}${one.read_at ? nothing : html` · <b>${t("New")}</b>`}</p>
  <p class="words">${one.text}</p>
  ${one.read_at ? html`<p class="state">${icons.check}${t("You read it {when}", { when: when(one.read_at) })}</p>` : html`<button type="button" @click=${() => read(one)}>${icons.check}<span>${t("I have read it")}</span></button>`}
</li>`;
