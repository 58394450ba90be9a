// The server puts two lines before this: VERSION, which changes with any file, and FILES (address: digest).
// As a module (sw.js?module) it also imports core/send/background.js, which sends what waits. As a classic script, where
// the browser knows no other, it keeps the files of one version, and the page sends.
const KEPT = `baqylau-${VERSION}`;
// What nobody needs before the phone is an observer's: sealing files for a shutdown, the other languages, large icons.
const REST = Object.keys(FILES).filter((address) => /\/vendor\/age\.js$|\/words\/|\/icons\/.*\.png$/.test(address));

let opened = null;

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
  if (kind === "rest") event.waitUntil(keep(REST).catch(() => {})); // no network: asked again at the next start
});

async function install() {
  const had = await caches.match(REST[0]); // an enrolled phone stays ready for a shutdown, also after an update
  await keep(Object.keys(FILES).filter((address) => had || !REST.includes(address)));
}

/** All of them or none. What is here already is not fetched again. */
async function keep(addresses) {
  const cache = await caches.open(KEPT);
  const known = new Set((await cache.keys()).map((request) => new URL(request.url).pathname));
  const missing = addresses.filter((address) => !known.has(address));
  const answers = await Promise.all(missing.map(fetched));
  await Promise.all(answers.map((answer, place) => cache.put(missing[place], answer)));
}

/** The file that FILES names, by its digest: as the page has just loaded it, if that is the one, else from the server. */
async function fetched(address) {
  const integrity = FILES[address];
  try {
    return await fetch(address, { integrity, cache: "force-cache" });
  } catch (error) {
    return fetch(address, { integrity, cache: "reload" });
  }
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("baqylau-") && name !== KEPT).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function serve(request, address) {
  opened = opened || caches.open(KEPT);
  return (await (await opened).match(address)) || fetch(request);
}
