/**
 * Background work of an open page.
 * Registers the service worker, starts sending and refreshes the reference data from time to time.
 */
import { getIdentity } from "../store/identities.js";
import { refreshReference } from "../reference/reference.js";
import { initStorageReserve } from "../store/storage_space.js";
import { onDatabaseChange, onMessage, waitForPending, broadcast } from "../store/database.js";
import { sync } from "../send/sync.js";

const REFRESH_INTERVAL_MS = 300_000;
let lastRefreshAt = 0;

/** Starts everything once; main.js calls it after the first screen is drawn. */
export async function startApp() {
  addEventListener("online", () => void syncAndRefresh("online"));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void syncAndRefresh("visible"));
  setInterval(() => document.visibilityState === "visible" && void syncAndRefresh("timer"), REFRESH_INTERVAL_MS);
  onMessage((message) => message.kind === "newer" && void reloadWhenIdle());
  await initStorageReserve();
  void startServiceWorker();
  await syncAndRefresh("start");
}

async function syncAndRefresh(reason) {
  const syncDone = sync(reason);
  if (await getIdentity()) {
    if (reason !== "visible" || Date.now() - lastRefreshAt > 60_000) {
      lastRefreshAt = Date.now();
      void refreshReference();
    }
  }
  await syncDone;
}

async function startServiceWorker() {
  if (!("serviceWorker" in navigator)) return;
  const hadController = navigator.serviceWorker.controller !== null;
  let isFirstController = !hadController;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (isFirstController) isFirstController = false; // the page that installed the worker has the same version
    else void reloadWhenIdle();
  });
  const registration = await registerServiceWorker();
  registration?.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", () => broadcast({ kind: "changed", stores: [] }));
  });
  if (await getIdentity()) requestFullCache(registration);
  onDatabaseChange((stores) => stores.includes("identities") && requestFullCache(registration));
}

/**
 * Registers the service worker.
 * As a module where the browser supports background sync: then the worker sends by itself. Else as a classic script, which
 * only caches files.
 */
async function registerServiceWorker() {
  const options = { scope: "/phone/", updateViaCache: "none" };
  if ("SyncManager" in window) {
    try {
      return await navigator.serviceWorker.register("/phone/sw.js?module", { ...options, type: "module" });
    } catch {
      // an older browser without module workers
    }
  }
  try {
    return await navigator.serviceWorker.register("/phone/sw.js", options);
  } catch (error) {
    console.warn(error);
    return null;
  }
}

/**
 * Asks the worker to cache the remaining files.
 * They are needed only during an internet shutdown, so this waits until the phone has an observer.
 */
function requestFullCache(registration) {
  const worker = registration?.active ?? registration?.waiting ?? registration?.installing;
  worker?.postMessage({ kind: "rest" });
}

/** Reloads the page when no write is pending. */
async function reloadWhenIdle() {
  await waitForPending();
  location.reload();
}
