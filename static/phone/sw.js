// The service worker. The server prepends VERSION and FILES.
// VERSION changes with any file; FILES maps addresses to digests. As a module (sw.js?module) it also imports
// core/send/background_sync.js, which sends what waits. As a classic script, where the browser has no module workers, it only
// caches the files of one version, and the page sends.
const CACHE_NAME = `baqylau-${VERSION}`;
// Not needed before enrolment: encryption for a shutdown, the other languages, large icons.
const DEFERRED_FILES = Object.keys(FILES).filter((address) => /\/vendor\/age\.js$|\/words\/|\/icons\/.*\.png$/.test(address));

let cachePromise = null;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method === "GET" && origin === location.origin && pathname in FILES) event.respondWith(serve(event.request, pathname));
});
self.addEventListener("message", (event) => {
  const kind = event.data && event.data.kind;
  if (kind === "version") event.ports[0].postMessage(VERSION);
  if (kind === "take") self.skipWaiting();
  if (kind === "rest") event.waitUntil(cacheFiles(DEFERRED_FILES).catch(() => {})); // no network: requested again at the next start
});

async function install() {
  const hasDeferred = await caches.match(DEFERRED_FILES[0]); // an enrolled phone stays ready for a shutdown after an update
  await cacheFiles(Object.keys(FILES).filter((address) => hasDeferred || !DEFERRED_FILES.includes(address)));
}

/**
 * Caches all `addresses` or none.
 * Files that are cached already are not fetched again.
 */
async function cacheFiles(addresses) {
  const cache = await caches.open(CACHE_NAME);
  const cached = new Set((await cache.keys()).map((request) => new URL(request.url).pathname));
  const missing = addresses.filter((address) => !cached.has(address));
  const responses = await Promise.all(missing.map(fetchFile));
  await Promise.all(responses.map((response, index) => cache.put(missing[index], response)));
}

/**
 * Fetches a file of FILES and checks its digest.
 * First from the browser's cache, as the page has just loaded it, else from the server.
 */
async function fetchFile(address) {
  const integrity = FILES[address];
  try {
    return await fetch(address, { integrity, cache: "force-cache" });
  } catch (error) {
    return fetch(address, { integrity, cache: "reload" });
  }
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("baqylau-") && name !== CACHE_NAME).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function serve(request, address) {
  cachePromise = cachePromise || caches.open(CACHE_NAME);
  return (await (await cachePromise).match(address)) || fetch(request);
}
