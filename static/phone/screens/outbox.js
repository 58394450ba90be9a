// What waits, and why. What was received leaves this list only by the server's receipt.
import { html, nothing, repeat } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { empty, notice } from "../parts/notice.js";
import { state, stateOf } from "../parts/states.js";
import { size, when } from "../parts/when.js";
import { outbox } from "../core/reporting/outbox.js";
import { detailOf } from "../core/base/problem.js";
import { checklists } from "../core/reference/reference.js";
import { sync } from "../core/send/sync.js";
import { t, tn } from "../core/base/words.js";
import { shown, titlesOf } from "./reporting.js";

export async function open(_args, page) {
  let box, titles;
  const load = async () => {
    box = await outbox();
    box.reports = await Promise.all(box.reports.map(shown));
    titles = await titlesOf(await checklists());
    page.draw();
  };
  await load();
  return {
    back: "#/day",
    title: () => t("Outbox"),
    changed: load,
    body() {
      const status = page.status() ?? {};
      const { reports, files, errands } = box;
      const anything = reports.length + files.length + errands.length > 0;
      return html`
        ${standing(status, anything)}
        ${anything ? html`
          <p>${tn("{n} report", "{n} reports", reports.length)}${files.length ? html`, ${tn("{n} file", "{n} files", files.length)}, ${size(box.counts.bytes)}` : nothing}</p>
          <ul class="rows">${repeat(reports, (one) => one.id, (one) => row(one, titles))}</ul>
          ${errands.length ? html`<p>${tn("{n} note or mark that a message was read", "{n} notes and marks that messages were read", errands.length)}</p>` : nothing}
          ${files.length ? html`<h2>${t("Files")}</h2><ul class="rows">${repeat(files, (one) => one.id, file)}</ul>` : nothing}
          ${status.revoked || !waiting(status) ? nothing : html`<button type="button" class="main" ?disabled=${status.sending} @click=${() => sync("user")}>${icons.up}<span>${status.sending ? t("Sending …") : t("Send now")}</span></button>`}
          <p><a class="button" href="#/relay">${icons.file}<span>${t("Save all to files")}</span></a></p>` : nothing}`; // prettier-ignore
    },
  };
}

const waiting = (status) => (status.waiting?.reports ?? 0) + (status.waiting?.files ?? 0) > 0;

function standing(status, anything) {
  if (status.revoked) return notice("bad", t("This phone was cut off from your account"), t("Nothing is lost: all is still on this phone. Call your coordinator, or save the outbox to files and hand them over."));
  if (!anything) return empty(html`${icons.check} ${t("Everything was received. Nothing waits.")}`);
  if (!waiting(status)) return notice("bad", t("Nothing is on its way"), t("What is below needs you: open it, correct it, or save it to a file."));
  if (!status.online) return notice("off", t("No network"), t("All is saved on this phone. It is sent by itself when there is a network."));
  if (status.sending) return notice("wait", t("Sending"), t("You may close the application; it goes on where it stopped."));
  return notice("wait", t("Waiting"), status.next_at ? t("The server did not answer. Next try at {time}.", { time: when(status.next_at) }) : t("It is sent by itself."));
}

const row = (report, titles) => html`<li><a class="row" href=${`#/report/${report.id}`}>
  ${report.urgent ? icons.warning : icons.file}
  <span><b>${titles.get(report.checklist.code) ?? report.checklist.code}</b><small>${when(report.observed_at)} · ${report.commission}</small>
    ${state(stateOf(report))}${report.problem ? html`<small>${detailOf(report.problem) || nothing}</small>` : nothing}
    ${report.attempts > 1 ? html`<small>${tn("Tried {n} time", "Tried {n} times", report.attempts)}</small>` : nothing}</span>
  ${icons.next}
</a></li>`;

const file = (one) => html`<li><a class="row" href=${`#/report/${one.report}`}>
  ${icons[one.type.startsWith("video/") ? "film" : one.type.startsWith("audio/") ? "sound" : "camera"]}
  <span><b>${one.name || t("File")}</b><small>${one.offset ? t("{sent} of {all} sent", { sent: size(one.offset), all: size(one.size) }) : size(one.size)}</small>
    ${state(one.state)}${one.problem ? html`<small>${detailOf(one.problem) || one.problem.code}</small>` : nothing}</span>
  ${icons.next}
</a></li>`;
