// Photos, video and sound: taking and choosing them, what may be shown, where each stands.
import { html, live, nothing, repeat } from "../vendor/lit.js";
import { icons } from "./icons.js";
import { notice } from "./notice.js";
import { state } from "./states.js";
import { twice } from "./twice.js";
import { size } from "./when.js";
import { t } from "../core/base/words.js";

const PICTURES = "image/*";
const ALL = "image/*,video/*,audio/*,application/pdf";

/**
 * What files of one question look like; of no question (null); or all of them (undefined). `filing`: {files, busy, problem, asking, page, add(list, source, question),
 * publishable(id, yes), drop(id), late, open}, as `screens/filing.js` makes it; `late` when its report is saved already.
 */
export function files(filing, question, photosOnly) {
  const mine = question === undefined ? filing.files : filing.files.filter((one) => (one.question ?? null) === question);
  const input = (icon, word, source, accept, capture, several) => html`<label class="button">
    ${icons[icon]}<span>${word}</span>
    <input class="away" type="file" accept=${accept} capture=${capture ?? nothing} ?multiple=${several} @change=${(event) => chosen(event, filing, source, question)} />
  </label>`;
  return html`
    <p class="warned">${icons.warning}<span>${t("Never a voter in the booth, a marked ballot with its voter, or the voter list.")}</span></p>
    <ul class="files" aria-label=${t("Files")}>${repeat(mine, (one) => one.id, (one) => row(one, filing))}</ul>
    ${filing.busy && filing.at === (question ?? null) ? notice("wait", t("Reading the file …"), t("Stay on this page until it says saved.")) : nothing}
    ${filing.problem && filing.at === (question ?? null) ? notice("bad", t("The file is not saved"), filing.problem) : nothing}
    ${filing.late ? html`<label class="pick"><input type="checkbox" .checked=${live(filing.open)} @change=${(event) => (filing.open = event.target.checked)} /><span>${t("What I add now may be published")}</span></label>` : nothing}
    <div class="adding">
      ${input("camera", t("Take a photo"), "camera", PICTURES, "environment", false)}
      ${input("file", t("From the gallery"), "gallery", photosOnly ? PICTURES : ALL, null, true)}
      ${photosOnly ? nothing : html`
        ${input("film", t("Take a video"), "camera", "video/*", "environment", false)}
        ${input("sound", t("Record sound"), "camera", "audio/*", "user", false)}`}
    </div>`;
}

function chosen(event, filing, source, question) {
  const list = [...event.target.files];
  event.target.value = ""; // the same file may be chosen again
  if (list.length) filing.add(list, source, question ?? null);
}

const kindOf = (type) => (type.startsWith("video/") ? "film" : type.startsWith("audio/") ? "sound" : "file");
const kindWord = (type) =>
  type.startsWith("image/") ? t("Photo") : type.startsWith("video/") ? t("Video") : type.startsWith("audio/") ? t("Sound") : t("File");

function row(file, filing) {
  const draft = file.state === "draft";
  const address = filing.address(file);
  return html`<li class="file">
    ${address ? html`<img src=${address} alt=${t("{kind}, {size}", { kind: kindWord(file.type), size: size(file.size) })} width="72" height="72" />` : html`<span class="kind">${icons[kindOf(file.type)]}</span>`}
    <div>
      <p class="small"><span>${kindWord(file.type)}, ${size(file.size)}</span> ${draft ? nothing : state(file.state)}</p>
      ${file.problem ? html`<p class="small">${file.problem.detail ?? file.problem.code}</p>` : nothing}
      ${draft ? html`<label class="pick"><input type="checkbox" .checked=${live(Boolean(file.publishable))} @change=${(event) => filing.publishable(file.id, event.target.checked)} /><span>${t("May be published")}</span></label>` : html`<p class="small">${file.publishable ? t("May be published") : t("Not for the public")}</p>`}
      ${draft ? twice({ key: file.id, asking: filing.asking, page: filing.page, word: t("Delete"), sure: t("Delete this file?"), act: () => filing.drop(file.id) }) : nothing}
    </div>
  </li>`;
}
