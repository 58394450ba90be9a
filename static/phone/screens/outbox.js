// What waits to be sent, and why.
// A report leaves this list only by the server's receipt.
import { html, nothing, repeat } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { renderEmpty, renderNotice } from "../parts/notices.js";
import { renderState, getDisplayState } from "../parts/report_states.js";
import { formatBytes, formatDateTime } from "../parts/formatting.js";
import { getOutbox } from "../core/reporting/outbox.js";
import { describeProblem } from "../core/base/problems.js";
import { listChecklists } from "../core/reference/reference.js";
import { sync } from "../core/send/sync.js";
import { t, tn } from "../core/base/translations.js";
import { addDetails, loadTitles } from "./report_details.js";

export async function open(_args, page) {
  let outbox, titles;
  const load = async () => {
    outbox = await getOutbox();
    outbox.reports = await Promise.all(outbox.reports.map(addDetails));
    titles = await loadTitles(await listChecklists());
    page.draw();
  };
  await load();
  return {
    back: "#/day",
    title: () => t("Outbox"),
    onDataChange: load,
    body() {
      const status = page.status() ?? {};
      const { reports, files, requests } = outbox;
      const hasAnything = reports.length + files.length + requests.length > 0;
      return html`
        ${renderSendState(status, hasAnything)}
        ${hasAnything ? html`
          <p>${tn("{n} report", "{n} reports", reports.length)}${files.length ? html`, ${tn("{n} file", "{n} files", files.length)}, ${formatBytes(outbox.counts.bytes)}` : nothing}</p>
          <ul class="rows">${repeat(reports, (one) => one.id, (one) => renderReport(one, titles))}</ul>
          ${requests.length ? html`<p>${tn("{n} note or mark that a message was read", "{n} notes and marks that messages were read", requests.length)}</p>` : nothing}
          ${files.length ? html`<h2>${t("Files")}</h2><ul class="rows">${repeat(files, (one) => one.id, renderFile)}</ul>` : nothing}
          ${status.revoked || !isWaiting(status) ? nothing : html`<button type="button" class="main" ?disabled=${status.sending} @click=${() => sync("user")}>${icons.up}<span>${status.sending ? t("Sending …") : t("Send now")}</span></button>`}
          <p><a class="button" href="#/relay">${icons.file}<span>${t("Save all to files")}</span></a></p>` : nothing}`; // prettier-ignore
    },
  };
}

const isWaiting = (status) => (status.waiting?.reports ?? 0) + (status.waiting?.files ?? 0) > 0;

function renderSendState(status, hasAnything) {
  if (status.revoked) return renderNotice("bad", t("This phone was cut off from your account"), t("Nothing is lost: all is still on this phone. Call your coordinator, or save the outbox to files and hand them over."));
  if (!hasAnything) return renderEmpty(html`${icons.check} ${t("Everything was received. Nothing waits.")}`);
  if (!isWaiting(status)) return renderNotice("bad", t("Nothing is on its way"), t("What is below needs you: open it, correct it, or save it to a file."));
  if (!status.online) return renderNotice("off", t("No network"), t("All is saved on this phone. It is sent by itself when there is a network."));
  if (status.sending) return renderNotice("wait", t("Sending"), t("You may close the application; it goes on where it stopped."));
  return renderNotice("wait", t("Waiting"), status.next_at ? t("The server did not answer. Next try at {time}.", { time: formatDateTime(status.next_at) }) : t("It is sent by itself."));
}

const renderReport = (report, titles) => html`<li><a class="row" href=${`#/report/${report.id}`}>
  ${report.urgent ? icons.warning : icons.file}
  <span><b>${titles.get(report.checklist.code) ?? report.checklist.code}</b><small>${formatDateTime(report.observed_at)} · ${report.commission}</small>
    ${renderState(getDisplayState(report))}${report.problem ? html`<small>${describeProblem(report.problem) || nothing}</small>` : nothing}
    ${report.attempts > 1 ? html`<small>${tn("Tried {n} time", "Tried {n} times", report.attempts)}</small>` : nothing}</span>
  ${icons.next}
</a></li>`;

const renderFile = (one) => html`<li><a class="row" href=${`#/report/${one.report}`}>
  ${icons[one.type.startsWith("video/") ? "film" : one.type.startsWith("audio/") ? "sound" : "camera"]}
  <span><b>${one.name || t("File")}</b><small>${one.offset ? t("{sent} of {all} sent", { sent: formatBytes(one.offset), all: formatBytes(one.size) }) : formatBytes(one.size)}</small>
    ${renderState(one.state)}${one.problem ? html`<small>${describeProblem(one.problem) || one.problem.code}</small>` : nothing}</span>
  ${icons.next}
</a></li>`;
