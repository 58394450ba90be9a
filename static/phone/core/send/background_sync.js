/**
 * Background sync: the service worker sends (Chromium only).
 * Loaded by the module variant of sw.js.
 */
import { sync } from "./sync.js";

self.addEventListener("sync", (event) => {
  if (event.tag !== "outbox") return;
  event.waitUntil(sync("background").then(({ left, problem }) => {
    if (problem === "no_answer" || (left > 0 && problem === null)) throw new Error("later"); // the browser fires the event again later
  }));
});
