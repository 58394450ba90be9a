// Starts the application and leads from screen to screen by the address's hash: #/fill/<id>.
//
// A screen is a module with `open(args, page)`, which answers what to show:
//   title()   the heading            body()  what lies below it
//   back      where the arrow leads  foot()  its own buttons in the thumb's bar (optional)
//   changed() its data may be old: load it again (optional)      shown(), close()  (optional)
import { start as begin } from "./core/identity/start.js";
import { me, refresh } from "./core/reference/reference.js";
import { changed } from "./core/store/store.js";
import { syncing } from "./core/send/sync.js";
import { language, languageChanged, t, wordsLoad } from "./core/base/words.js";
import { footer, header } from "./parts/bar.js";
import { html, nothing, render } from "./vendor/lit.js";
import { notice } from "./parts/notice.js";
import { savedListener } from "./parts/saved.js";
import { zoneIs } from "./parts/when.js";
import * as day from "./screens/day.js";
import * as removal from "./screens/removal.js";
import { step } from "./screens/standing.js";
import { statusNow } from "./screens/status.js";

const READY = { day, removal }; // must never wait for a network
const SCREENS = new Set([
  "day", "station", "fill", "check", "report", "removal", "outbox", "messages", "guide", "template",
  "menu", "settings", "transfer", "relay", "enrol", "consent", "rehearsal",
]); // prettier-ignore
const BEFORE = { consent: ["consent", "removal", "outbox", "relay", "settings"] }; // what is open before that step is done

const root = document.getElementById("app");
const trail = []; // addresses behind this one, with how far each was scrolled
const last = () => trail[trail.length - 1];
let spoken = language();
let at = "enrol"; // how far this phone is
let status = null;
let sent = null; // what sending said last
let screen = null;
let name = "";
let announced = "";
let planned = false;
let turn = 0;

/** What a screen may ask of the application. */
const page = {
  draw() {
    if (planned) return;
    planned = true;
    queueMicrotask(() => {
      planned = false;
      draw();
    });
  },
  go: (address) => (location.hash = address),
  /** Goes on without leaving this screen behind: the arrow never leads back to what is done. */
  replace: (address) => location.replace(address),
  /** Opens this screen anew. */
  reopen: () => route(),
  /** Says a short text to those who listen instead of looking. */
  say(text) {
    announced = text;
    page.draw();
  },
  status: () => status,
  /** The address before this one, while a screen opens. */
  behind: () => last()?.address ?? "",
  /** After enrolling, accepting and the like: where does it go on? */
  async restart() {
    at = await step();
    if (location.hash === "#/" || location.hash === "") await route();
    else page.replace("#/");
  },
};

/** The language changed: everything is said anew, at once with what is here, then with what the server has in it. */
async function again() {
  await screen?.changed?.();
  spoken = language();
  page.draw();
  await refresh(); // perhaps one that was asked in the other language
  await refresh();
}

function draw() {
  const shown = screen ?? { title: () => t("One moment"), body: () => nothing };
  document.documentElement.lang = spoken;
  document.title = `${shown.title()} · Baqylau`;
  const enrolled = at !== "enrol";
  render(
    html`
      ${header({ back: shown.back ?? null, status: enrolled ? status ?? {} : null })}
      <main id="main" tabindex="-1" data-screen=${name}>
        <h1 tabindex="-1">${shown.title()}</h1>
        ${shown.body()}
      </main>
      <p class="away" role="status">${announced}</p>
      ${enrolled ? footer({ at: name, own: shown.foot?.() }) : nothing}
    `,
    root,
  );
}

async function route() {
  const mine = ++turn;
  const [wanted, ...args] = asked();
  if (trail.length) last().y = scrollY;
  const opened = await openScreen(wanted, args);
  if (mine !== turn) return void opened.close?.(); // somebody was quicker
  screen?.close?.();
  screen = opened;
  name = wanted;
  announced = "";
  spoken = language();
  draw();
  remember(location.hash);
  screen.shown?.();
}

/** The screen that the address asks for, or the step that comes before it. */
function asked() {
  const code = /^#enrol=([\w-]+)$/.exec(location.hash)?.[1];
  const [wanted, ...args] = location.hash.replace(/^#\/?/, "").split("/");
  if (at === "enrol") return ["enrol", code];
  if (code) return ["enrol", code, "again"];
  if (BEFORE[at]) return BEFORE[at].includes(wanted) ? [wanted, ...args] : [at];
  if (!wanted && at === "rehearsal") return ["rehearsal"];
  return SCREENS.has(wanted) ? [wanted, ...args] : ["day"];
}

async function openScreen(wanted, args) {
  try {
    const module = READY[wanted] ?? (await import(`./screens/${wanted}.js`));
    return await module.open(args, page);
  } catch (problem) {
    console.warn(problem);
    return broken(problem);
  }
}

const broken = (problem) => ({
  back: "#/day",
  title: () => t("This screen cannot be shown"),
  body: () => html`
    ${notice("bad", problem.detail ?? t("Something broke here."), t("What you wrote before is safe on this phone."))}
    <button type="button" class="main" @click=${route}>${t("Try again")}</button>`,
});

/** The heading is where reading begins; on the way back, the place that was left. */
function remember(address) {
  const returned = trail[trail.length - 2]?.address === address;
  if (returned) trail.pop();
  else if (last()?.address !== address) trail.push({ address, y: 0 });
  root.querySelector("h1").focus({ preventScroll: true });
  scrollTo(0, returned ? last().y : 0);
}

/** Several changes in a row are one reload. */
function reloader() {
  let running = false;
  let again = false;
  return async () => {
    if (running) return void (again = true);
    running = true;
    do {
      again = false;
      try {
        status = await statusNow(sent);
        zoneIs((await me())?.election.timezone);
        await screen?.changed?.();
      } catch (problem) {
        console.warn(problem);
      }
    } while (again);
    running = false;
    page.draw();
  };
}

async function start() {
  await wordsLoad();
  at = await step();
  languageChanged(again);
  savedListener(page.draw);
  const reload = reloader();
  changed(reload);
  syncing((told) => {
    sent = told;
    reload();
  });
  for (const name of ["online", "offline"]) addEventListener(name, reload);
  zoneIs((await me())?.election.timezone);
  status = await statusNow(null);
  addEventListener("hashchange", route);
  await route();
  await begin();
}

start().catch((problem) => {
  console.error(problem);
  screen = broken(problem);
  draw();
});
