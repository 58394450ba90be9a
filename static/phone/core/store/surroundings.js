/** Where this page runs: what the browser keeps, what it can do, and what it will not tell by itself. */
import { room } from "./storage.js";
import { tell } from "./store.js";

const APPS = [
  [/FBAN|FBAV|FB_IAB/, "Facebook"], [/Instagram/, "Instagram"], [/Telegram/i, "Telegram"], [/WhatsApp/i, "WhatsApp"],
  [/VKAndroidApp|VKApp|VKClient/, "VK"], [/MicroMessenger/, "WeChat"], [/Viber/i, "Viber"], [/\bLine\//, "LINE"],
  [/TikTok|musical_ly|BytedanceWebview/i, "TikTok"], [/Snapchat/, "Snapchat"], [/OKApp|odnoklassniki/i, "OK"],
];
let offered = null; // the browser's own offer to install

if (typeof window !== "undefined") {
  window.addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offered = event;
    tell({ kind: "changed", stores: [] });
  });
}

/**
 * {inApp, ios, standalone, installed, installable, persisted, quota, usage, low, online, offline, version, update}.
 * `inApp`: the name of the messenger whose window this is, "?" where it is an unknown one, null in a browser.
 */
export async function surroundings() {
  const agent = navigator.userAgent;
  const ios = /iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1);
  const standalone = navigator.standalone === true || matchMedia("(display-mode: standalone)").matches;
  const [space, persisted, worker] = await Promise.all([room(), isPersisted(), workerState()]);
  return {
    inApp: standalone ? null : inApp(agent, ios), ios, standalone, installed: standalone, installable: offered !== null, persisted,
    ...space, online: navigator.onLine, offline: !navigator.onLine, ...worker,
  };
}

/** Browsers inside other applications keep a storage of their own, which goes with them. */
function inApp(agent, ios) {
  const known = APPS.find(([pattern]) => pattern.test(agent));
  if (known) return known[1];
  if (typeof window.TelegramWebviewProxy !== "undefined") return "Telegram";
  if (/; wv\)/.test(agent) || (ios && !/Safari\//.test(agent))) return "?";
  return null;
}

async function isPersisted() {
  try {
    return await navigator.storage.persisted();
  } catch {
    return null;
  }
}

/** Asks the browser to delete nothing by itself; whether it promised. */
export async function persist() {
  try {
    return (await navigator.storage.persisted()) || (await navigator.storage.persist());
  } catch {
    return false;
  }
}

/** Shows the browser's offer to install, where there is one; whether it was taken. */
export async function install() {
  if (!offered) return false;
  const offer = offered;
  offered = null;
  await offer.prompt();
  return (await offer.userChoice).outcome === "accepted";
}

/** {version, update}: which version runs, and whether a newer one waits. */
async function workerState() {
  const registration = await navigator.serviceWorker?.getRegistration("/phone/");
  const version = await versionOf(navigator.serviceWorker?.controller);
  return { version, update: Boolean(registration?.waiting && registration.active) };
}

function versionOf(worker) {
  if (!worker) return null;
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), 500);
    port1.onmessage = ({ data }) => {
      clearTimeout(timer);
      resolve(data);
    };
    worker.postMessage({ kind: "version" }, [port2]);
  });
}

/** Takes the newer version that waits; every tab is loaded again once it has nothing half written. */
export async function updateTake() {
  const registration = await navigator.serviceWorker?.getRegistration("/phone/");
  registration?.waiting?.postMessage({ kind: "take" });
}
