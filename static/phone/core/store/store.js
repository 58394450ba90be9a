/**
 * The phone's database. Every step of a report is one transaction here: it happened whole or not at all,
 * whenever the phone dies. What is called saved is written with durability "strict".
 */
import { openDB } from "../../vendor/idb.js";
import { problemOf } from "../base/problem.js";
import { t } from "../base/words.js";

export const NAME = "baqylau";
const VERSION = 1;
const RECLAIMS = 6;
const listeners = new Set();
const going = new Set();
let opening = null;
let channel = null;
let relieve = null;

/** The database, opened once; again after the browser or a newer version closed it. */
export function open() {
  opening ??= openDB(NAME, VERSION, {
    upgrade,
    blocking: (_now, _wanted, event) => closed(event.target),
    terminated: () => (opening = null),
  }).catch((error) => {
    opening = null;
    throw problemOf(error, said());
  });
  return opening;
}

function closed(connection) {
  connection.close();
  opening = null;
  tell({ kind: "newer" }); // another tab brings a newer version: this page is to be loaded again
}

function upgrade(db, from) {
  if (from < 1) {
    db.createObjectStore("meta"); // name → value
    db.createObjectStore("identities", { keyPath: "key" }); // election/observer, each with its token
    db.createObjectStore("reference", { keyPath: "path" }); // what GET answered last
    db.createObjectStore("drafts", { keyPath: "id" });
    db.createObjectStore("reports", { keyPath: "id" }).createIndex("state", "state");
    const files = db.createObjectStore("files", { keyPath: "id" });
    files.createIndex("report", "report");
    files.createIndex("state", "state");
    db.createObjectStore("blobs"); // file id → Blob; apart, so that a moved offset rewrites no photo
    db.createObjectStore("errands", { keyPath: "id" }).createIndex("state", "state"); // notes, consents, "read"
  }
}

/**
 * Runs `work(tx)` as one transaction over `names` and gives its result once that is durable.
 * `work` may await nothing but requests of `tx`, and may be run again: where the phone is full, room is made and it is
 * tried once more. Whatever it throws undoes all of it.
 */
export async function transact(names, work, options = {}) {
  return working(tried(names, work, options));
}

async function tried(names, work, { mode = "readwrite", durability = "strict", relief = true } = {}) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt(names, work, mode, durability);
    } catch (error) {
      if (error.code !== "storage_full" || !relieve || tries === RECLAIMS) throw error;
      if (tries === 0 && relief && !(await relieve(names.includes("blobs")))) throw error;
      // What was let go is free when the browser has swept it away, which takes it a moment.
      await new Promise((resolve) => setTimeout(resolve, 150 * tries));
    }
  }
}

async function attempt(names, work, mode, durability) {
  const tx = await begun(names, mode, durability);
  const ended = tx.done.then(() => null, (error) => error ?? new Error("aborted"));
  let result;
  try {
    result = await work(tx);
  } catch (error) {
    try {
      tx.abort();
    } catch {
      // it ended by itself
    }
    const why = await ended;
    throw problemOf(tx.error ?? (error?.name === "AbortError" ? (why ?? error) : error), said());
  }
  const failed = await ended;
  if (failed) throw problemOf(tx.error ?? failed, said());
  if (mode === "readwrite") tell({ kind: "changed", stores: names });
  return result;
}

/** `make(large)` is asked for room when the phone is full; true where it made some. */
export function full(make) {
  relieve = make;
}

/** Counts `promise` among what is half done until it ends, and gives it back. */
export function working(promise) {
  going.add(promise);
  const end = () => going.delete(promise);
  promise.then(end, end);
  return promise;
}

/** Resolves when nothing is half written on this page. */
export async function settled() {
  while (going.size > 0) await Promise.allSettled([...going]);
}

async function begun(names, mode, durability) {
  const db = await open();
  try {
    return db.transaction(names, mode, { durability });
  } catch (error) {
    if (error?.name !== "InvalidStateError") throw problemOf(error, said());
    opening = null; // the browser closed it behind our back (iOS does, in the background)
    return (await open()).transaction(names, mode, { durability });
  }
}

function said() {
  return {
    storageFull: t("This phone has no room left. What was saved before is safe; free some room, then try again."),
    storageBroken: t("This phone could not write it down. What was saved before is safe; try again."),
  };
}

const reading = { mode: "readonly", durability: "default" };

export function get(store, key) {
  return transact([store], (tx) => tx.objectStore(store).get(key), reading);
}

export function all(store) {
  return transact([store], (tx) => tx.objectStore(store).getAll(), reading);
}

export function allBy(store, index, key) {
  return transact([store], (tx) => tx.objectStore(store).index(index).getAll(key), reading);
}

export function put(store, value, key) {
  return transact([store], (tx) => (key === undefined ? tx.objectStore(store).put(value) : tx.objectStore(store).put(value, key)));
}

export const metaGet = (name) => get("meta", name);
export const metaSet = (name, value) => put("meta", value, name);

/** Calls `listener({kind, …})` when any tab or the service worker changed something; gives a function that ends it. */
export function heard(listener) {
  listen();
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls `listener(stores)` after every change of the database, made here or in another tab. */
export function changed(listener) {
  return heard((message) => message.kind === "changed" && listener(message.stores));
}

/** Tells every tab, this one too. */
export function tell(message) {
  listen();
  channel?.postMessage(message);
  for (const listener of [...listeners]) listener(message);
}

function listen() {
  if (channel !== null || typeof BroadcastChannel === "undefined") return;
  channel = new BroadcastChannel(NAME);
  channel.onmessage = (event) => {
    for (const listener of [...listeners]) listener(event.data);
  };
}
