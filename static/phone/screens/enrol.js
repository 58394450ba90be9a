// Becoming an observer's phone, by a link or by a code. Browsers that would lose everything are left first.
import { html, live, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { installing } from "../parts/installing.js";
import { languageChoice } from "../parts/languages.js";
import { notice } from "../parts/notice.js";
import { enrol, enrolling } from "../core/identity/enrolment.js";
import { detailOf } from "../core/base/problem.js";
import { install, surroundings } from "../core/store/surroundings.js";
import { t } from "../core/base/words.js";

export async function open([linked, again], page) {
  const around = await surroundings();
  let code = linked ?? (await enrolling()) ?? "";
  let busy = false;
  let problem = null;
  let stay = false; // the observer knows better than we what this browser is

  const send = async (event) => {
    event?.preventDefault();
    if (busy || !code.trim()) return;
    [busy, problem] = [true, null];
    page.draw();
    const answer = await enrol(code).catch((thrown) => ({ problem: thrown }));
    busy = false;
    if (answer.ok) return page.restart();
    problem = answer.problem;
    page.draw();
  };
  const copy = async () => {
    await navigator.clipboard?.writeText(`${location.origin}/phone/#enrol=${code}`).catch(() => {});
    page.say(t("Copied."));
  };
  const led = () => (stay = true) && page.draw();

  return {
    back: again ? "#/day" : null,
    title: () => t("Observer's phone"),
    body: () => html`
      ${languageChoice()}
      ${around.inApp && !stay ? outOfHere({ around, code, copy, led }) : around.ios && !around.standalone && !stay ? homeFirst({ around, code, led }) : form()}`,
  };

  function form() {
    return html`
      <p>${again ? t("This phone is enrolled already. With a new code it works for whoever the code is for; what waits is still sent in the name of who wrote it.") : linked ? t("You were given a link. One tap and this phone is yours for the election.") : t("Type the code that your coordinator gave you.")}</p>
      ${problem ? notice("bad", t("Not enrolled"), reason(problem)) : nothing}
      <form @submit=${send} novalidate>
        <label class="label" for="code">${t("Code")}</label>
        <input id="code" class="code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="12" placeholder="XXXX-XXXX" .value=${live(code)} @input=${(event) => ((code = event.target.value), page.draw())} />
        <button type="submit" class="main" ?disabled=${busy || !code.trim()}>${busy ? t("One moment …") : t("Enrol this phone")}</button>
      </form>
      <p class="soft">${t("A code works once. If the answer got lost, try the same code again on this phone.")}</p>`;
  }
}

const reason = (problem) =>
  problem.code === "no_answer" ? t("No answer from the server. The code is kept; it will be tried again.") : detailOf(problem) || t("Try once more.");

const outOfHere = ({ around, code, copy, led }) => html`
  ${notice("care", around.inApp === "?" ? t("You are inside another application") : t("You are inside {app}", { app: around.inApp }), t("It keeps its own storage and may throw it away. Open this page in your phone's browser, then enrol."))}
  <ol class="steps">
    <li>${t("Tap the three dots, or the compass, at the edge of the screen.")}</li>
    <li>${around.ios ? t("Choose Open in Safari.") : t("Choose Open in Chrome, or Open in the browser.")}</li>
  </ol>
  ${around.ios ? nothing : html`<a class="button main" href=${`intent://${location.host}/phone/#enrol=${code}#Intent;scheme=https;package=com.android.chrome;end`}>${t("Open in Chrome")}</a>`}
  <button type="button" @click=${copy}>${icons.file}<span>${t("Copy the link")}</span></button>
  ${code ? html`<p>${t("Your code:")}</p><p class="code">${code}</p>` : nothing}
  <button type="button" class="quiet" @click=${led}>${t("This is my browser: go on here")}</button>`;

const homeFirst = ({ around, code, led }) => html`
  ${notice("care", t("First to the home screen"), t("On an iPhone, Safari deletes after some days what a page keeps. An installed application keeps it."))}
  ${installing(around, install, () => {})}
  ${code ? html`<p>${t("Then type this code there:")}</p><p class="code">${code}</p>` : html`<p>${t("Then type your code there.")}</p>`}
  <button type="button" class="quiet" @click=${led}>${t("I cannot install it: go on here")}</button>`;
