// The server puts two lines before this: VERSION, which changes with any file, and FILES (address: digest).
const KEPT = `baqylau-${VERSION}`;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && new URL(event.request.url).pathname in FILES) {
    event.respondWith(serve(event.request));
  }
});

async function install() {
  const cache = await caches.open(KEPT);
  await cache.addAll(Object.entries(FILES).map(
    ([address, integrity]) => new Request(address, { integrity, cache: "no-cache", credentials: "omit" })));
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("baqylau-") && name !== KEPT).map((name) => caches.delete(name)));
}

async function serve(request) {
  const cache = await caches.open(KEPT);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
}
