/** The page's environment: browser, installation, storage, version. */
import { estimateSpace } from "./storage_space.js";
import { broadcast } from "./database.js";

const IN_APP_BROWSERS = [
  [/FBAN|FBAV|FB_IAB/, "Facebook"], [/Instagram/, "Instagram"], [/Telegram/i, "Telegram"], [/WhatsApp/i, "WhatsApp"],
  [/VKAndroidApp|VKApp|VKClient/, "VK"], [/MicroMessenger/, "WeChat"], [/Viber/i, "Viber"], [/\bLine\//, "LINE"],
  [/TikTok|musical_ly|BytedanceWebview/i, "TikTok"], [/Snapchat/, "Snapchat"], [/OKApp|odnoklassniki/i, "OK"],
];
let installPrompt = null; // the browser's `beforeinstallprompt` event

if (typeof window !== "undefined") {
  window.addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    installPrompt = event;
    broadcast({ kind: "changed", stores: [] });
  });
}

/**
 * The state of browser, installation, storage and version.
 * {inApp, ios, standalone, installed, installable, persisted, quota, usage, low, online, offline, version, update}
 * `inApp`: the name of the app whose in-app browser this is, "?" where the app is unknown, null in a browser.
 */
export async function getEnvironment() {
  const agent = navigator.userAgent;
  const ios = /iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1);
  const standalone = navigator.standalone === true || matchMedia("(display-mode: standalone)").matches;
  const [space, persisted, worker] = await Promise.all([estimateSpace(), isPersisted(), getWorkerState()]);
  return {
    inApp: standalone ? null : detectInAppBrowser(agent, ios), ios, standalone, installed: standalone, installable: installPrompt !== null, persisted,
    ...space, online: navigator.onLine, offline: !navigator.onLine, ...worker,
  };
}

/**
 * The app whose in-app browser this is, or null.
 * In-app browsers have their own storage, which is lost with them.
 */
function detectInAppBrowser(agent, ios) {
  const known = IN_APP_BROWSERS.find(([pattern]) => pattern.test(agent));
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

/** Asks the browser for persistent storage; whether it agreed. */
export async function requestPersistence() {
  try {
    return (await navigator.storage.persisted()) || (await navigator.storage.persist());
  } catch {
    return false;
  }
}

/** Shows the browser's install prompt; whether it was accepted. */
export async function promptInstall() {
  if (!installPrompt) return false;
  const prompt = installPrompt;
  installPrompt = null;
  await prompt.prompt();
  return (await prompt.userChoice).outcome === "accepted";
}

/** {version, update}: the running version, and whether a newer one waits. */
async function getWorkerState() {
  const registration = await navigator.serviceWorker?.getRegistration("/phone/");
  const version = await fetchWorkerVersion(navigator.serviceWorker?.controller);
  return { version, update: Boolean(registration?.waiting && registration.active) };
}

function fetchWorkerVersion(worker) {
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

/**
 * Activates the waiting version.
 * Every tab reloads once it has no pending writes.
 */
export async function activateUpdate() {
  const registration = await navigator.serviceWorker?.getRegistration("/phone/");
  registration?.waiting?.postMessage({ kind: "take" });
}
