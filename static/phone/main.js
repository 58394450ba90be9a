// Starts the application and shows the screen of the address's hash: #/fill/<id>.
//
// A screen is a module with `open(args, page)`, which gives:
//   title()         the heading              body()    the content below it
//   back            target of the back link  footer()  its own buttons in the bottom bar (optional)
//   onDataChange()  load its data again      onShow(), onClose()  (all optional)
import { startApp } from "./core/identity/startup.js";
import { getMe, refreshReference } from "./core/reference/reference.js";
import { onDatabaseChange } from "./core/store/database.js";
import { onSyncState } from "./core/send/sync.js";
import { currentLanguage, onLanguageChange, t, loadTranslations } from "./core/base/translations.js";
import { renderFooter, renderHeader } from "./parts/header_footer.js";
import { html, nothing, render } from "./vendor/lit.js";
import { renderNotice } from "./parts/notices.js";
import { setSaveListener } from "./parts/save_status.js";
import { setDefaultZone } from "./parts/formatting.js";
import * as day from "./screens/day.js";
import * as removal from "./screens/removal.js";
import { getSetupStep } from "./screens/phone_readiness.js";
import { loadSendStatus } from "./screens/send_status.js";

const PRELOADED_SCREENS = { day, removal }; // must never wait for a network
const SCREEN_NAMES = new Set([
  "day", "station", "fill", "check", "report", "removal", "outbox", "messages", "guide", "template",
  "menu", "settings", "transfer", "relay", "enrol", "consent", "rehearsal",
]); // prettier-ignore
const ALLOWED_BEFORE_STEP = { consent: ["consent", "removal", "outbox", "relay", "settings"] }; // screens that may be opened before that step is done

const root = document.getElementById("app");
const visitedPlaces = []; // earlier addresses, each with its scroll position
const lastPlace = () => visitedPlaces[visitedPlaces.length - 1];
let shownLanguage = currentLanguage();
let setupStep = "enrol"; // the first setup step that is not done
let status = null;
let syncState = null; // the last state of sending
let screen = null;
let screenName = "";
let announcement = "";
let isDrawPlanned = false;
let routeCount = 0;

/** What a screen may ask of the application. */
const page = {
  draw() {
    if (isDrawPlanned) return;
    isDrawPlanned = true;
    queueMicrotask(() => {
      isDrawPlanned = false;
      draw();
    });
  },
  go: (address) => (location.hash = address),
  /** Opens `address` in place of this screen: the back link skips it. */
  replace: (address) => location.replace(address),
  /** Opens this screen again. */
  reopen: () => route(),
  /** Announces a short text to screen readers. */
  announce(text) {
    announcement = text;
    page.draw();
  },
  status: () => status,
  /** The address before this one, while a screen opens. */
  previousAddress: () => lastPlace()?.address ?? "",
  /** Opens the next setup step, after enrolling, accepting and the like. */
  async continueSetup() {
    setupStep = await getSetupStep();
    if (location.hash === "#/" || location.hash === "") await route();
    else page.replace("#/");
  },
};

/** Draws in the new language, then reloads the server's texts. */
async function onLanguageSwitch() {
  await screen?.onDataChange?.();
  shownLanguage = currentLanguage();
  page.draw();
  await refreshReference(); // this may be a refresh that began in the old language
  await refreshReference();
}

function draw() {
  const current = screen ?? { title: () => t("One moment"), body: () => nothing };
  document.documentElement.lang = shownLanguage;
  document.title = `${current.title()} · Baqylau`;
  const isEnrolled = setupStep !== "enrol";
  render(
    html`
      ${renderHeader({ back: current.back ?? null, status: isEnrolled ? status ?? {} : null })}
      <main id="main" tabindex="-1" data-screen=${screenName}>
        <h1 tabindex="-1">${current.title()}</h1>
        ${current.body()}
      </main>
      <p class="away" role="status">${announcement}</p>
      ${isEnrolled ? renderFooter({ activeTab: screenName, ownButtons: current.footer?.() }) : nothing}
    `,
    root,
  );
}

async function route() {
  const thisRoute = ++routeCount;
  const [wanted, ...args] = parseAddress();
  if (visitedPlaces.length) lastPlace().y = scrollY;
  const opened = await openScreen(wanted, args);
  if (thisRoute !== routeCount) return void opened.onClose?.(); // a newer navigation has begun
  screen?.onClose?.();
  screen = opened;
  screenName = wanted;
  announcement = "";
  shownLanguage = currentLanguage();
  draw();
  restorePlace(location.hash);
  screen.onShow?.();
}

/** The screen of the address, or the setup step that comes first. */
function parseAddress() {
  const code = /^#enrol=([\w-]+)$/.exec(location.hash)?.[1];
  const [wanted, ...args] = location.hash.replace(/^#\/?/, "").split("/");
  if (setupStep === "enrol") return ["enrol", code];
  if (code) return ["enrol", code, "again"];
  if (ALLOWED_BEFORE_STEP[setupStep]) return ALLOWED_BEFORE_STEP[setupStep].includes(wanted) ? [wanted, ...args] : [setupStep];
  if (!wanted && setupStep === "rehearsal") return ["rehearsal"];
  return SCREEN_NAMES.has(wanted) ? [wanted, ...args] : ["day"];
}

async function openScreen(wanted, args) {
  try {
    const module = PRELOADED_SCREENS[wanted] ?? (await import(`./screens/${wanted}.js`));
    return await module.open(args, page);
  } catch (problem) {
    console.warn(problem);
    return buildErrorScreen(problem);
  }
}

const buildErrorScreen = (problem) => ({
  back: "#/day",
  title: () => t("This screen cannot be shown"),
  body: () => html`
    ${renderNotice("bad", problem.detail ?? t("Something broke here."), t("What you wrote before is safe on this phone."))}
    <button type="button" class="main" @click=${route}>${t("Try again")}</button>`,
});

/** Focuses the heading; on the way back, restores the scroll position. */
function restorePlace(address) {
  const isReturn = visitedPlaces[visitedPlaces.length - 2]?.address === address;
  if (isReturn) visitedPlaces.pop();
  else if (lastPlace()?.address !== address) visitedPlaces.push({ address, y: 0 });
  root.querySelector("h1").focus({ preventScroll: true });
  scrollTo(0, isReturn ? lastPlace().y : 0);
}

/** Merges several changes in a row into one reload. */
function createReloader() {
  let isRunning = false;
  let runAgain = false;
  return async () => {
    if (isRunning) return void (runAgain = true);
    isRunning = true;
    do {
      runAgain = false;
      try {
        status = await loadSendStatus(syncState);
        setDefaultZone((await getMe())?.election.timezone);
        await screen?.onDataChange?.();
      } catch (problem) {
        console.warn(problem);
      }
    } while (runAgain);
    isRunning = false;
    page.draw();
  };
}

async function start() {
  await loadTranslations();
  setupStep = await getSetupStep();
  onLanguageChange(onLanguageSwitch);
  setSaveListener(page.draw);
  const reload = createReloader();
  onDatabaseChange(reload);
  onSyncState((state) => {
    syncState = state;
    reload();
  });
  for (const name of ["online", "offline"]) addEventListener(name, reload);
  setDefaultZone((await getMe())?.election.timezone);
  status = await loadSendStatus(null);
  addEventListener("hashchange", route);
  await route();
  await startApp();
}

start().catch((problem) => {
  console.error(problem);
  screen = buildErrorScreen(problem);
  draw();
});
