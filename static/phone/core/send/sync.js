/**
 * Sends everything that waits.
 * One tab sends at a time. Each step is chosen anew from the database, so that a new incident goes before the next piece of a
 * video.
 */
import { sendQueuedRequest } from "./queued_request_sender.js";
import { announceLateFiles, sendNextPiece } from "./file_sender.js";
import { fetchReportStatuses } from "./report_status.js";
import { hashPendingFiles } from "../store/pending_hashes.js";
import { listIdentities } from "../store/identities.js";
import { NoResponseError } from "./http.js";
import { getBackoff, resetBackoff, increaseBackoff, decreaseBackoff } from "./backoff.js";
import { sendReports } from "./report_sender.js";
import { listRecordsByIndex, onMessage, broadcast } from "../store/database.js";
import { TokenRejectedError } from "./send_errors.js";

const SYNC_LOCK = "baqylau-sync";
const BACKOFF_RESET_REASONS = new Set(["start", "online", "visible", "user", "background"]); // for these the backoff is forgotten
const STATUS_INTERVAL_MS = 60_000; // between two requests for report states
const IDLE_INTERVAL_MS = 300_000;
let currentRound = null; // of this page
let nextRound = null; // for what was written meanwhile
let nextReason = null;
let syncTimer = null;
let statusFetchedAt = 0;

/**
 * Sends what waits. Gives {left, problem}.
 * `reason`: save, start, online, visible, user, timer, background. `left` is how much still waits, `problem` is `no_answer`,
 * `device_revoked`, `invalid_token` or null. Network errors are never thrown.
 */
export function sync(reason = "user") {
  if (reason === "save") void registerBackgroundSync();
  if (currentRound) {
    nextReason = BACKOFF_RESET_REASONS.has(reason) || nextReason === null ? reason : nextReason;
    nextRound ??= currentRound.then(() => {
      const reasonOfNext = nextReason;
      nextReason = nextRound = null;
      return sync(reasonOfNext);
    });
    return nextRound;
  }
  currentRound = withSyncLock(() => runRound(reason)).finally(() => (currentRound = null));
  return currentRound;
}

/**
 * Asks the browser for a background sync event.
 * It wakes the service worker when there is a network, also after this page is closed.
 */
async function registerBackgroundSync() {
  try {
    const registration = await navigator.serviceWorker?.getRegistration("/phone/");
    await registration?.sync?.register("outbox");
  } catch {
    // refused, or not supported: the page's own timer does it
  }
}

/**
 * Calls `listener({running, left, problem, until})` when sending starts, continues or ends.
 * In any tab.
 */
export function onSyncState(listener) {
  return onMessage((message) => message.kind === "sync" && listener(message.state));
}

function withSyncLock(work) {
  return navigator.locks ? navigator.locks.request(SYNC_LOCK, work) : work();
}

async function runRound(reason) {
  const state = { running: true, left: null, problem: null, until: 0 };
  broadcast({ kind: "sync", state });
  try {
    if (BACKOFF_RESET_REASONS.has(reason)) await resetBackoff();
    await hashPendingFiles();
    state.problem = await sendAllDue(reason);
    state.left = (await listUnsent()).length;
    state.until = await scheduleNextSync(state.left);
  } catch (error) {
    console.error(error); // an error of the phone's own database: nothing is lost, and the next round tries again
    state.problem = error?.code ?? "broken";
  }
  broadcast({ kind: "sync", state: { ...state, running: false } });
  return { left: state.left, problem: state.problem };
}

/**
 * Sends until nothing is due.
 * Gives the problem that stopped it, or null.
 */
async function sendAllDue(reason) {
  const stoppedIdentities = new Map(); // identity → code of the problem
  try {
    for (;;) {
      const backoff = await getBackoff();
      const isNewReport = reason === "save" && backoff.asked <= Date.now();
      if (Math.max(backoff.until, backoff.asked) > Date.now() && !isNewReport) break;
      const hasSent = await sendNext(stoppedIdentities, { incidentsOnly: backoff.until > Date.now() });
      if (!hasSent) break;
      await decreaseBackoff();
    }
    await fetchStatusesIfDue(reason, stoppedIdentities);
  } catch (error) {
    if (!(error instanceof NoResponseError)) throw error;
    await increaseBackoff();
    return "no_answer";
  }
  return [...stoppedIdentities.values()][0] ?? null;
}

/** Sends the most urgent thing that is due. False if none. */
async function sendNext(stoppedIdentities, { incidentsOnly }) {
  for (const identity of await listIdentities()) {
    if (stoppedIdentities.has(identity.key)) continue;
    if (identity.revoked) {
      if (await hasUnsent(identity.key)) stoppedIdentities.set(identity.key, identity.revoked.code);
      continue;
    }
    try {
      if (await sendReports(identity, { incidentsOnly })) return true;
      if (incidentsOnly) continue;
      if ((await announceLateFiles(identity)) || (await sendQueuedRequest(identity)) || (await sendNextPiece(identity))) return true;
    } catch (error) {
      if (!(error instanceof TokenRejectedError)) throw error;
      stoppedIdentities.set(identity.key, error.code);
    }
  }
  return false;
}

async function fetchStatusesIfDue(reason, stoppedIdentities) {
  if (Date.now() - statusFetchedAt < STATUS_INTERVAL_MS && reason !== "user" && reason !== "start") return;
  if ((await getBackoff()).until > Date.now()) return;
  for (const identity of await listIdentities()) {
    if (identity.revoked || stoppedIdentities.has(identity.key)) continue;
    try {
      await fetchReportStatuses(identity);
    } catch (error) {
      if (!(error instanceof TokenRejectedError)) throw error;
      stoppedIdentities.set(identity.key, error.code);
    }
  }
  statusFetchedAt = Date.now();
}

async function hasUnsent(key) {
  return (await listUnsent()).some((one) => one.identity === key);
}

/** Everything that is not on the server yet, due or not. */
async function listUnsent() {
  const [reports, waiting, partial, requests] = await Promise.all([
    listRecordsByIndex("reports", "state", "waiting"), listRecordsByIndex("files", "state", "waiting"),
    listRecordsByIndex("files", "state", "partial"), listRecordsByIndex("errands", "state", "waiting"),
  ]);
  return [...reports, ...waiting, ...partial, ...requests];
}

/**
 * Sets the page's timer for the next thing that is due.
 * In a service worker the browser does this.
 */
async function scheduleNextSync(left) {
  if (syncTimer !== null) clearTimeout(syncTimer);
  syncTimer = null;
  if (typeof document === "undefined") return 0;
  const now = Date.now();
  const backoff = await getBackoff();
  const retryAt = Math.max(backoff.until, backoff.asked);
  const dueTimes = (await listUnsent()).map((one) => one.next_at);
  // With nothing to send, report states are still loaded from time to time.
  const next = retryAt > now ? retryAt : Math.min(...[now + IDLE_INTERVAL_MS, backoff.files, ...dueTimes].filter((one) => one > now));
  syncTimer = setTimeout(() => void sync("timer"), Math.max(next - now, 1_000));
  return left ? next : 0;
}

