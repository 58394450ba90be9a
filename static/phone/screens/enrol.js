// Enrolment by a link or a code.
// In browsers that would lose the data, the observer is first asked to leave.
import { html, live, nothing } from "../vendor/lit.js";
import { icons } from "../parts/icons.js";
import { renderInstallSteps } from "../parts/install_steps.js";
import { renderLanguageButtons } from "../parts/language_buttons.js";
import { renderNotice } from "../parts/notices.js";
import { enrolPhone, getPendingCode } from "../core/identity/enrolment.js";
import { describeProblem } from "../core/base/problems.js";
import { promptInstall, getEnvironment } from "../core/store/environment.js";
import { t } from "../core/base/translations.js";

export async function open([linkCode, isAgain], page) {
  const environment = await getEnvironment();
  let code = linkCode ?? (await getPendingCode()) ?? "";
  let isBusy = false;
  let problem = null;
  let stayHere = false; // the observer may know better what this browser is

  const submit = async (event) => {
    event?.preventDefault();
    if (isBusy || !code.trim()) return;
    [isBusy, problem] = [true, null];
    page.draw();
    const result = await enrolPhone(code).catch((thrown) => ({ problem: thrown }));
    isBusy = false;
    if (result.ok) return page.continueSetup();
    problem = result.problem;
    page.draw();
  };
  const copy = async () => {
    await navigator.clipboard?.writeText(`${location.origin}/phone/#enrol=${code}`).catch(() => {});
    page.announce(t("Copied."));
  };
  const continueHere = () => (stayHere = true) && page.draw();

  return {
    back: isAgain ? "#/day" : null,
    title: () => t("Observer's phone"),
    body: () => html`
      ${renderLanguageButtons()}
      ${environment.inApp && !stayHere ? renderLeaveInApp({ environment, code, copy, continueHere }) : environment.ios && !environment.standalone && !stayHere ? renderInstallFirst({ environment, code, continueHere }) : renderForm()}`,
  };

  function renderForm() {
    return html`
      <p>${isAgain ? t("This phone is enrolled already. With a new code it works for whoever the code is for; what waits is still sent in the name of who wrote it.") : linkCode ? t("You were given a link. One tap and this phone is yours for the election.") : t("Type the code that your coordinator gave you.")}</p>
      ${problem ? renderNotice("bad", t("Not enrolled"), describeEnrolProblem(problem)) : nothing}
      <form @submit=${submit} novalidate>
        <label class="label" for="code">${t("Code")}</label>
        <input id="code" class="code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="12" placeholder="XXXX-XXXX" .value=${live(code)} @input=${(event) => ((code = event.target.value), page.draw())} />
        <button type="submit" class="main" ?disabled=${isBusy || !code.trim()}>${isBusy ? t("One moment …") : t("Enrol this phone")}</button>
      </form>
      <p class="soft">${t("A code works once. If the answer got lost, try the same code again on this phone.")}</p>`;
  }
}

const describeEnrolProblem = (problem) =>
  problem.code === "no_answer" ? t("No answer from the server. The code is kept; it will be tried again.") : describeProblem(problem) || t("Try once more.");

const renderLeaveInApp = ({ environment, code, copy, continueHere }) => html`
  ${renderNotice("care", environment.inApp === "?" ? t("You are inside another application") : t("You are inside {app}", { app: environment.inApp }), t("It keeps its own storage and may throw it away. Open this page in your phone's browser, then enrol."))}
  <ol class="steps">
    <li>${t("Tap the three dots, or the compass, at the edge of the screen.")}</li>
    <li>${environment.ios ? t("Choose Open in Safari.") : t("Choose Open in Chrome, or Open in the browser.")}</li>
  </ol>
  ${environment.ios ? nothing : html`<a class="button main" href=${`intent://${location.host}/phone/#enrol=${code}#Intent;scheme=https;package=com.android.chrome;end`}>${t("Open in Chrome")}</a>`}
  <button type="button" @click=${copy}>${icons.file}<span>${t("Copy the link")}</span></button>
  ${code ? html`<p>${t("Your code:")}</p><p class="code">${code}</p>` : nothing}
  <button type="button" class="quiet" @click=${continueHere}>${t("This is my browser: go on here")}</button>`;

const renderInstallFirst = ({ environment, code, continueHere }) => html`
  ${renderNotice("care", t("First to the home screen"), t("On an iPhone, Safari deletes after some days what a page keeps. An installed application keeps it."))}
  ${renderInstallSteps(environment, promptInstall, () => {})}
  ${code ? html`<p>${t("Then type this code there:")}</p><p class="code">${code}</p>` : html`<p>${t("Then type your code there.")}</p>`}
  <button type="button" class="quiet" @click=${continueHere}>${t("I cannot install it: go on here")}</button>`;
