/**
 * Sending. One sender at a time whatever the number of tabs; each step is chosen anew from the database, so that
 * an incident written this moment goes before the next piece of a video.
 */
import { errandSend } from "./errand_send.js";
import { announceMore, fileSend } from "./file_send.js";
import { follow } from "./follow.js";
import { filesHash } from "../store/hashing.js";
import { identities } from "../store/identity.js";
import { NoAnswer } from "./net.js";
import { pause, pauseForget, pauseLonger, pauseShorten } from "./pause.js";
import { reportsSend } from "./report_send.js";
import { allBy, heard, tell } from "../store/store.js";
import { Stop } from "./stop.js";

const LOCK = "baqylau-sync";
const ANEW = new Set(["start", "online", "visible", "user", "background"]); // reasons to forget the pauses
const FOLLOW = 60_000; // milliseconds between questions what became of the reports
const SELDOM = 300_000;
let running = null; // the round of this page
let queued = null; // the one after it, for what was written meanwhile
let wanted = null; // and its reason
let timer = null;
let followed = 0;

/**
 * Sends what waits. `reason`: save, start, online, visible, user, timer, background. Gives {left, problem}: how much
 * waits still, and `no_answer`, `device_revoked`, `invalid_token` or null. Never throws for the network.
 */
export function sync(reason = "user") {
  if (reason === "save") void wakeAsk();
  if (running) {
    wanted = ANEW.has(reason) || wanted === null ? reason : wanted;
    queued ??= running.then(() => {
      const next = wanted;
      wanted = queued = null;
      return sync(next);
    });
    return queued;
  }
  running = alone(() => round(reason)).finally(() => (running = null));
  return running;
}

/** Asks the browser to wake the service worker when there is a network, also after this page is closed. */
async function wakeAsk() {
  try {
    const registration = await navigator.serviceWorker?.getRegistration("/phone/");
    await registration?.sync?.register("outbox");
  } catch {
    // refused, or there is no such thing here: the page's own timer does it
  }
}

/** Calls `listener({running, left, problem, until})` whenever sending begins, goes on or ends, in any tab. */
export function syncing(listener) {
  return heard((message) => message.kind === "sync" && listener(message.state));
}

function alone(work) {
  return navigator.locks ? navigator.locks.request(LOCK, work) : work();
}

async function round(reason) {
  const state = { running: true, left: null, problem: null, until: 0 };
  tell({ kind: "sync", state });
  try {
    if (ANEW.has(reason)) await pauseForget();
    await filesHash();
    state.problem = await drain(reason);
    state.left = (await open()).length;
    state.until = await wakeAt(state.left);
  } catch (error) {
    console.error(error); // the phone's own database: nothing is lost, and the next reason tries again
    state.problem = error?.code ?? "broken";
  }
  tell({ kind: "sync", state: { ...state, running: false } });
  return { left: state.left, problem: state.problem };
}

/** Steps until nothing is due; what stopped it, or null. */
async function drain(reason) {
  const stopped = new Map(); // identity → why
  try {
    for (;;) {
      const now = await pause();
      const urgent = reason === "save" && now.asked <= Date.now();
      if (Math.max(now.until, now.asked) > Date.now() && !urgent) break;
      const did = await step(stopped, { incidentsOnly: now.until > Date.now() });
      if (!did) break;
      await pauseShorten();
    }
    await followMaybe(reason, stopped);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    await pauseLonger();
    return "no_answer";
  }
  return [...stopped.values()][0] ?? null;
}

/** Does the most pressing thing that is due; false where there is none. */
async function step(stopped, { incidentsOnly }) {
  for (const who of await identities()) {
    if (stopped.has(who.key)) continue;
    if (who.revoked) {
      if (await hasWork(who.key)) stopped.set(who.key, who.revoked.code);
      continue;
    }
    try {
      if (await reportsSend(who, { incidentsOnly })) return true;
      if (incidentsOnly) continue;
      if ((await announceMore(who)) || (await errandSend(who)) || (await fileSend(who))) return true;
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      stopped.set(who.key, error.code);
    }
  }
  return false;
}

async function followMaybe(reason, stopped) {
  if (Date.now() - followed < FOLLOW && reason !== "user" && reason !== "start") return;
  if ((await pause()).until > Date.now()) return;
  for (const who of await identities()) {
    if (who.revoked || stopped.has(who.key)) continue;
    try {
      await follow(who);
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      stopped.set(who.key, error.code);
    }
  }
  followed = Date.now();
}

async function hasWork(key) {
  return (await open()).some((one) => one.identity === key);
}

/** Everything that should go to the server and has not, whatever its pause. */
async function open() {
  const [reports, waiting, partial, errands] = await Promise.all([
    allBy("reports", "state", "waiting"), allBy("files", "state", "waiting"), allBy("files", "state", "partial"),
    allBy("errands", "state", "waiting"),
  ]);
  return [...reports, ...waiting, ...partial, ...errands];
}

/** Sets the page's own timer for the next thing that is due. In a service worker the browser wakes us. */
async function wakeAt(left) {
  if (timer !== null) clearTimeout(timer);
  timer = null;
  if (typeof document === "undefined") return 0;
  const at = Date.now();
  const now = await pause();
  const asked = Math.max(now.until, now.asked);
  const things = (await open()).map((one) => one.next_at);
  // With nothing to send it is asked now and then what became of the reports.
  const next = asked > at ? asked : Math.min(...[at + SELDOM, now.files, ...things].filter((one) => one > at));
  timer = setTimeout(() => void sync("timer"), Math.max(next - at, 1_000));
  return left ? next : 0;
}

