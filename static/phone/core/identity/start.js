/** What runs as long as the page is open: the service worker, the sender, and asking now and then what is new. */
import { identity } from "../store/identity.js";
import { refresh } from "../reference/reference.js";
import { reserve } from "../store/storage.js";
import { changed, heard, settled, tell } from "../store/store.js";
import { sync } from "../send/sync.js";

const OFTEN = 300_000; // milliseconds
let refreshed = 0;

/** Starts everything once; main.js calls it after the first screen is drawn. */
export async function start() {
  addEventListener("online", () => void awake("online"));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void awake("visible"));
  setInterval(() => document.visibilityState === "visible" && void awake("timer"), OFTEN);
  heard((message) => message.kind === "newer" && void reload());
  await reserve();
  void workerStart();
  await awake("start");
}

async function awake(reason) {
  const done = sync(reason);
  if (await identity()) {
    if (reason !== "visible" || Date.now() - refreshed > 60_000) {
      refreshed = Date.now();
      void refresh();
    }
  }
  await done;
}

async function workerStart() {
  if (!("serviceWorker" in navigator)) return;
  const had = navigator.serviceWorker.controller !== null;
  let first = !had;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (first) first = false; // the page that installed it is of the same version
    else void reload();
  });
  const registration = await workerRegister();
  registration?.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", () => tell({ kind: "changed", stores: [] }));
  });
  if (await identity()) restAsk(registration);
  changed((stores) => stores.includes("identities") && restAsk(registration));
}

/** With modules, where the worker can send by itself; else the plain one, which keeps the files only. */
async function workerRegister() {
  const options = { scope: "/phone/", updateViaCache: "none" };
  if ("SyncManager" in window) {
    try {
      return await navigator.serviceWorker.register("/phone/sw.js?module", { ...options, type: "module" });
    } catch {
      // an older one, which knows no modules there
    }
  }
  try {
    return await navigator.serviceWorker.register("/phone/sw.js", options);
  } catch (error) {
    console.warn(error);
    return null;
  }
}

/** Has the worker keep what is not needed before the shutdown: once there is an observer, there may be one. */
function restAsk(registration) {
  const worker = registration?.active ?? registration?.waiting ?? registration?.installing;
  worker?.postMessage({ kind: "rest" });
}

/** Loads the page again when nothing is half written. */
async function reload() {
  await settled();
  location.reload();
}
