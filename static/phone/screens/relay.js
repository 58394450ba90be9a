// Without a network for days: the outbox as files that another phone or a coordinator brings in; and theirs from here.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { notice } from "../parts/notice.js";
import { size } from "../parts/when.js";
import { relayBring, relayFiles, relayReports } from "../core/reporting/relay.js";
import { t, tn } from "../core/base/words.js";

export async function open(_args, page) {
  const made = []; // {name, blob, address}
  let next = null; // null: reports come first; a number: that part of the files; "end"
  let none = false;
  let busy = "";
  let problem = null;
  let brought = null;
  const work = async (word, act) => {
    [busy, problem] = [word, null];
    page.draw();
    try {
      await act();
    } catch (thrown) {
      problem = thrown;
    }
    busy = "";
    page.draw();
  };
  const offer = (file) => file && made.push({ ...file, address: URL.createObjectURL(file.blob) });
  const reports = () => work(t("Making the file …"), async () => {
    const file = await relayReports();
    offer(file);
    none = file === null;
    next = 0;
  }); // prettier-ignore
  const part = () => work(t("Making the file …"), async () => {
    const file = await relayFiles(next);
    offer(file);
    none = none && file === null;
    next = file?.next ?? "end";
  }); // prettier-ignore
  const bring = (event) => {
    const list = [...event.target.files];
    event.target.value = "";
    brought = null;
    return work(t("Handing it in …"), async () => {
      for (const one of list) brought = [...(brought ?? []), ...(await relayBring(one))];
    });
  };
  return {
    back: "#/menu",
    title: () => t("Send without a network"),
    close: () => made.forEach((one) => URL.revokeObjectURL(one.address)),
    body: () => html`
      ${problem ? notice("bad", t("It did not work"), problem.detail || t("Nothing is lost. Try again.")) : nothing}
      ${busy ? notice("wait", busy) : nothing}
      <h2>${t("Save my outbox to files")}</h2>
      <p>${t("Everything that waits is packed and locked for the election's desk. Nobody on the way can read it. Give the files to somebody who has a network: by Bluetooth, a memory card, a messenger.")}</p>
      ${made.length ? html`<ul class="rows">${made.map(saveable)}</ul>` : nothing}
      ${next === null ? html`<button type="button" class="main" ?disabled=${Boolean(busy)} @click=${reports}>${icons.file}<span>${t("First: all reports in one small file")}</span></button>` : nothing}
      ${typeof next === "number" ? html`<button type="button" class="main" ?disabled=${Boolean(busy)} @click=${part}>${icons.camera}<span>${next > 0 ? t("Then: the next part of the photos") : t("Then: the photos, in parts of at most 50 MB")}</span></button>` : nothing}
      ${next === "end" && none ? notice("good", t("Nothing waits"), t("Everything is with the server.")) : nothing}
      ${next === "end" && !none ? notice("good", t("That is all"), t("What waits stays on this phone until the server's receipt is here.")) : nothing}
      <h2>${t("Bring in another's file")}</h2>
      <p>${t("You bring it to the server unread. Twice does no harm.")} ${t("On a computer the page {address} does the same.", { address: `${location.host}/relay/` })}</p>
      <label class="button">${icons.up}<span>${t("Choose the files")}</span><input class="away" type="file" multiple ?disabled=${Boolean(busy)} @change=${bring} /></label>
      ${brought ? outcomes(brought) : nothing}`,
  };
}

function saveable(file) {
  const share = navigator.canShare?.({ files: [new File([file.blob], file.name)] });
  return html`<li>
    <a class="row" href=${file.address} download=${file.name}>${icons.down}<span><b>${file.name}</b><small>${size(file.blob.size)}</small></span></a>
    ${share ? html`<button type="button" class="quiet" @click=${() => navigator.share({ files: [new File([file.blob], file.name)] }).catch(() => {})}>${t("Share")}</button>` : nothing}
  </li>`; // prettier-ignore
}

const GOOD = { stored: () => t("taken"), duplicate: () => t("was there already"), partial: () => t("partly taken") };
function outcomes(list) {
  const good = list.filter((one) => one.outcome in GOOD);
  const bad = list.filter((one) => !(one.outcome in GOOD));
  return html`
    ${good.length ? notice("good", tn("{n} report or file was handed in", "{n} reports and files were handed in", good.length), html`<ul class="plain">${Object.keys(GOOD).map((kind) => [kind, good.filter((one) => one.outcome === kind).length]).filter(([, n]) => n).map(([kind, n]) => html`<li>${n}: ${GOOD[kind]()}</li>`)}</ul>`) : nothing}
    ${bad.length ? notice("care", tn("{n} was not taken as it is", "{n} were not taken as they are", bad.length), html`<p>${t("The desk keeps it and looks at it. Keep the file, too.")}</p><ul>${bad.map((one) => html`<li>${one.problem?.detail ?? one.outcome}</li>`)}</ul>`) : nothing}`;
}
