/**
 * The phone's database (IndexedDB).
 * Every step of a report is one transaction: after a crash it is done completely or not at all. What a screen calls saved is
 * written with durability "strict".
 */
import { openDB } from "../../vendor/idb.js";
import { toStorageProblem } from "../base/problems.js";
import { t } from "../base/translations.js";

export const DATABASE_NAME = "baqylau";
const SCHEMA_VERSION = 1;
const MAX_RETRIES_WHEN_FULL = 6;
const messageListeners = new Set();
const pendingWork = new Set();
let databasePromise = null;
let channel = null;
let reclaimSpace = null;

/**
 * Opens the database once; again after it was closed.
 * The browser closes it, or a newer version of the page does.
 */
export function openDatabase() {
  databasePromise ??= openDB(DATABASE_NAME, SCHEMA_VERSION, {
    upgrade: upgradeSchema,
    blocking: (_current, _blocked, event) => closeForNewerVersion(event.target),
    terminated: () => (databasePromise = null),
  }).catch((error) => {
    databasePromise = null;
    throw toStorageProblem(error, storageMessages());
  });
  return databasePromise;
}

function closeForNewerVersion(connection) {
  connection.close();
  databasePromise = null;
  broadcast({ kind: "newer" }); // another tab has a newer version: this page must reload
}

function upgradeSchema(db, oldVersion) {
  if (oldVersion < 1) {
    db.createObjectStore("meta"); // name → value
    db.createObjectStore("identities", { keyPath: "key" }); // election/observer, each with its token
    db.createObjectStore("reference", { keyPath: "path" }); // the last response of each GET
    db.createObjectStore("drafts", { keyPath: "id" });
    db.createObjectStore("reports", { keyPath: "id" }).createIndex("state", "state");
    const files = db.createObjectStore("files", { keyPath: "id" });
    files.createIndex("report", "report");
    files.createIndex("state", "state");
    db.createObjectStore("blobs"); // file id → Blob; apart from `files`, so that a new offset does not rewrite the photo
    db.createObjectStore("errands", { keyPath: "id" }).createIndex("state", "state"); // queued requests: notes, consents, "message read"
  }
}

/**
 * Runs `work(tx)` as one transaction over `names`; gives its result once durable.
 * `work` may await only requests of `tx`, and may run again: where the phone is full, space is freed and the transaction is
 * repeated. An error in `work` undoes all of it.
 */
export async function runTransaction(names, work, options = {}) {
  return trackPending(runWithRetries(names, work, options));
}

async function runWithRetries(names, work, { mode = "readwrite", durability = "strict", mayReclaim = true } = {}) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await runOnce(names, work, mode, durability);
    } catch (error) {
      if (error.code !== "storage_full" || !reclaimSpace || tries === MAX_RETRIES_WHEN_FULL) throw error;
      if (tries === 0 && mayReclaim && !(await reclaimSpace(names.includes("blobs")))) throw error;
      // The browser frees evicted bytes a moment later.
      await new Promise((resolve) => setTimeout(resolve, 150 * tries));
    }
  }
}

async function runOnce(names, work, mode, durability) {
  const tx = await beginTransaction(names, mode, durability);
  const completion = tx.done.then(() => null, (error) => error ?? new Error("aborted"));
  let result;
  try {
    result = await work(tx);
  } catch (error) {
    try {
      tx.abort();
    } catch {
      // it has ended already
    }
    const failure = await completion;
    throw toStorageProblem(tx.error ?? (error?.name === "AbortError" ? (failure ?? error) : error), storageMessages());
  }
  const failure = await completion;
  if (failure) throw toStorageProblem(tx.error ?? failure, storageMessages());
  if (mode === "readwrite") broadcast({ kind: "changed", stores: names });
  return result;
}

/** `reclaim(isFile)` frees space when the phone is full; true where it did. */
export function setSpaceReclaimer(reclaim) {
  reclaimSpace = reclaim;
}

/** Counts `promise` as pending work until it ends; gives it back. */
export function trackPending(promise) {
  pendingWork.add(promise);
  const remove = () => pendingWork.delete(promise);
  promise.then(remove, remove);
  return promise;
}

/** Resolves when this page has no pending writes. */
export async function waitForPending() {
  while (pendingWork.size > 0) await Promise.allSettled([...pendingWork]);
}

async function beginTransaction(names, mode, durability) {
  const db = await openDatabase();
  try {
    return db.transaction(names, mode, { durability });
  } catch (error) {
    if (error?.name !== "InvalidStateError") throw toStorageProblem(error, storageMessages());
    databasePromise = null; // the browser closed it unasked (iOS does, in the background)
    return (await openDatabase()).transaction(names, mode, { durability });
  }
}

function storageMessages() {
  return {
    storageFull: t("This phone has no room left. What was saved before is safe; free some room, then try again."),
    storageBroken: t("This phone could not write it down. What was saved before is safe; try again."),
  };
}

const READ_OPTIONS = { mode: "readonly", durability: "default" };

export function getRecord(store, key) {
  return runTransaction([store], (tx) => tx.objectStore(store).get(key), READ_OPTIONS);
}

export function listRecords(store) {
  return runTransaction([store], (tx) => tx.objectStore(store).getAll(), READ_OPTIONS);
}

export function listRecordsByIndex(store, index, key) {
  return runTransaction([store], (tx) => tx.objectStore(store).index(index).getAll(key), READ_OPTIONS);
}

export function putRecord(store, value, key) {
  return runTransaction([store], (tx) => (key === undefined ? tx.objectStore(store).put(value) : tx.objectStore(store).put(value, key)));
}

export const getMeta = (name) => getRecord("meta", name);
export const setMeta = (name, value) => putRecord("meta", value, name);

/**
 * Calls `listener({kind, …})` for every message of a tab or service worker.
 * Gives a function that unsubscribes.
 */
export function onMessage(listener) {
  openChannel();
  messageListeners.add(listener);
  return () => messageListeners.delete(listener);
}

/** Calls `listener(stores)` after every change of the database, in any tab. */
export function onDatabaseChange(listener) {
  return onMessage((message) => message.kind === "changed" && listener(message.stores));
}

/** Sends `message` to every tab, this one included. */
export function broadcast(message) {
  openChannel();
  channel?.postMessage(message);
  for (const listener of [...messageListeners]) listener(message);
}

function openChannel() {
  if (channel !== null || typeof BroadcastChannel === "undefined") return;
  channel = new BroadcastChannel(DATABASE_NAME);
  channel.onmessage = (event) => {
    for (const listener of [...messageListeners]) listener(event.data);
  };
}
