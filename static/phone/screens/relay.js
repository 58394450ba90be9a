// Sends without a network: packs the outbox into files, and uploads others' files.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { renderNotice } from "../parts/notices.js";
import { formatBytes } from "../parts/formatting.js";
import { uploadRelayFile, packFiles, packReports } from "../core/reporting/relay.js";
import { t, tn } from "../core/base/translations.js";

export async function open(_args, page) {
  const packed = []; // {name, blob, address}
  let next = null; // null: reports first; a number: that part of the files; "end": done
  let isEmpty = false;
  let busyText = "";
  let problem = null;
  let outcomes = null;
  const runWithStatus = async (text, action) => {
    [busyText, problem] = [text, null];
    page.draw();
    try {
      await action();
    } catch (thrown) {
      problem = thrown;
    }
    busyText = "";
    page.draw();
  };
  const addDownload = (file) => file && packed.push({ ...file, address: URL.createObjectURL(file.blob) });
  const makeReportsFile = () => runWithStatus(t("Making the file …"), async () => {
    const file = await packReports();
    addDownload(file);
    isEmpty = file === null;
    next = 0;
  }); // prettier-ignore
  const makeNextPart = () => runWithStatus(t("Making the file …"), async () => {
    const file = await packFiles(next);
    addDownload(file);
    isEmpty = isEmpty && file === null;
    next = file?.next ?? "end";
  }); // prettier-ignore
  const uploadFiles = (event) => {
    const list = [...event.target.files];
    event.target.value = "";
    outcomes = null;
    return runWithStatus(t("Handing it in …"), async () => {
      for (const one of list) outcomes = [...(outcomes ?? []), ...(await uploadRelayFile(one))];
    });
  };
  return {
    back: "#/menu",
    title: () => t("Send without a network"),
    onClose: () => packed.forEach((one) => URL.revokeObjectURL(one.address)),
    body: () => html`
      ${problem ? renderNotice("bad", t("It did not work"), problem.detail || t("Nothing is lost. Try again.")) : nothing}
      ${busyText ? renderNotice("wait", busyText) : nothing}
      <h2>${t("Save my outbox to files")}</h2>
      <p>${t("Everything that waits is packed and locked for the election's desk. Nobody on the way can read it. Give the files to somebody who has a network: by Bluetooth, a memory card, a messenger.")}</p>
      ${packed.length ? html`<ul class="rows">${packed.map(renderDownload)}</ul>` : nothing}
      ${next === null ? html`<button type="button" class="main" ?disabled=${Boolean(busyText)} @click=${makeReportsFile}>${icons.file}<span>${t("First: all reports in one small file")}</span></button>` : nothing}
      ${typeof next === "number" ? html`<button type="button" class="main" ?disabled=${Boolean(busyText)} @click=${makeNextPart}>${icons.camera}<span>${next > 0 ? t("Then: the next part of the photos") : t("Then: the photos, in parts of at most 50 MB")}</span></button>` : nothing}
      ${next === "end" && isEmpty ? renderNotice("good", t("Nothing waits"), t("Everything is with the server.")) : nothing}
      ${next === "end" && !isEmpty ? renderNotice("good", t("That is all"), t("What waits stays on this phone until the server's receipt is here.")) : nothing}
      <h2>${t("Bring in another's file")}</h2>
      <p>${t("You bring it to the server unread. Twice does no harm.")} ${t("On a computer the page {address} does the same.", { address: `${location.host}/relay/` })}</p>
      <label class="button">${icons.up}<span>${t("Choose the files")}</span><input class="away" type="file" multiple ?disabled=${Boolean(busyText)} @change=${uploadFiles} /></label>
      ${outcomes ? renderOutcomes(outcomes) : nothing}`,
  };
}

function renderDownload(file) {
  const canShare = navigator.canShare?.({ files: [new File([file.blob], file.name)] });
  return html`<li>
    <a class="row" href=${file.address} download=${file.name}>${icons.down}<span><b>${file.name}</b><small>${formatBytes(file.blob.size)}</small></span></a>
    ${canShare ? html`<button type="button" class="quiet" @click=${() => navigator.share({ files: [new File([file.blob], file.name)] }).catch(() => {})}>${t("Share")}</button>` : nothing}
  </li>`; // prettier-ignore
}

const ACCEPTED_LABELS = { stored: () => t("taken"), duplicate: () => t("was there already"), partial: () => t("partly taken") };
function renderOutcomes(list) {
  const accepted = list.filter((one) => one.outcome in ACCEPTED_LABELS);
  const rejected = list.filter((one) => !(one.outcome in ACCEPTED_LABELS));
  return html`
    ${accepted.length ? renderNotice("good", tn("{n} report or file was handed in", "{n} reports and files were handed in", accepted.length), html`<ul class="plain">${Object.keys(ACCEPTED_LABELS).map((kind) => [kind, accepted.filter((one) => one.outcome === kind).length]).filter(([, n]) => n).map(([kind, n]) => html`<li>${n}: ${ACCEPTED_LABELS[kind]()}</li>`)}</ul>`) : nothing}
    ${rejected.length ? renderNotice("care", tn("{n} was not taken as it is", "{n} were not taken as they are", rejected.length), html`<p>${t("The desk keeps it and looks at it. Keep the file, too.")}</p><ul>${rejected.map((one) => html`<li>${one.problem?.detail ?? one.outcome}</li>`)}</ul>`) : nothing}`;
}
