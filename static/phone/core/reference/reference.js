/** Reference data from the server, stored for use offline. */
import { queueRequest } from "../send/queued_requests.js";
import { getIdentity, markTokenRejected } from "../store/identities.js";
import { callApi, NoResponseError } from "../send/http.js";
import { getRecord, setMeta, runTransaction } from "../store/database.js";
import { sync } from "../send/sync.js";
import { currentLanguage } from "../base/translations.js";

const SMALL_PATHS = ["/me", "/me/consent", "/assignments", "/schedule", "/checklists", "/violation-types", "/messages"];
const LARGE_PATHS = ["/guide", "/commissions/bundle"];
let refreshPromise = null;

/**
 * Loads what is new from the server. Gives {at, problem}.
 * `problem` is null, `no_answer`, `device_revoked` … Network errors are never thrown.
 */
export function refreshReference() {
  refreshPromise ??= refreshAll().finally(() => (refreshPromise = null));
  return refreshPromise;
}

async function refreshAll() {
  const identity = await getIdentity();
  if (!identity || identity.revoked) return { at: null, problem: identity ? identity.revoked.code : "not_enrolled" };
  try {
    for (const path of SMALL_PATHS) await refreshPath(path, identity);
    for (const row of (await getValue("/checklists")) ?? []) await refreshChecklist(row, identity);
    for (const path of LARGE_PATHS) await refreshPath(path, identity);
  } catch (error) {
    if (error instanceof RefreshRejectedError) return { at: null, problem: error.message };
    if (error instanceof NoResponseError) return { at: null, problem: "no_answer" };
    throw error;
  }
  const refreshedAt = Date.now();
  await setMeta("refreshed_at", refreshedAt);
  return { at: refreshedAt, problem: null };
}

class RefreshRejectedError extends Error {}

async function refreshPath(path, identity) {
  const known = await getRecord("reference", path);
  const requestLanguage = currentLanguage();
  const headers = known && known.language === requestLanguage ? { "If-None-Match": known.etag } : {};
  const response = await callApi(path, { headers, token: identity.token });
  if (response.status === 401) {
    await markTokenRejected(identity.key, identity.token, response.code);
    throw new RefreshRejectedError(response.code);
  }
  if (response.status !== 200) return; // 304, or something that is missing there; the stored value stays
  const row = { path, value: response.json, etag: response.headers.get("ETag") ?? "", language: requestLanguage, identity: identity.key };
  await storeReference(row, identity);
}

/** Stores a row, unless the phone belongs to another observer by now. */
function storeReference(row, identity) {
  return runTransaction(["reference", "meta"], async (tx) => {
    if ((await tx.objectStore("meta").get("identity")) === identity.key) await tx.objectStore("reference").put(row);
  }, { durability: "default" });
}

/**
 * Loads a checklist unless it is here with the same hash.
 * A published version never changes.
 */
async function refreshChecklist(row, identity) {
  const path = buildChecklistPath(row.code, row.version);
  const known = await getRecord("reference", path);
  if (known?.value?.hash === row.hash && known.identity === identity.key) return;
  await refreshPath(path, identity);
}

export const buildChecklistPath = (code, version) => `/checklists/${encodeURIComponent(code)}/${version}`;

async function getValue(path) {
  return (await getRecord("reference", path))?.value ?? null;
}

export const getMe = () => getValue("/me");
export const listAssignments = async () => (await getValue("/assignments")) ?? [];
export const getSchedule = async () => (await getValue("/schedule")) ?? [];
export const listChecklists = async () => (await getValue("/checklists")) ?? [];
export const getChecklist = (code, version) => getValue(buildChecklistPath(code, version));
export const listViolationTypes = async () => (await getValue("/violation-types")) ?? [];
export const getGuide = () => getValue("/guide");
export const listMessages = async () => (await getValue("/messages")) ?? [];

/**
 * Marks message `id` as read, here at once.
 * The server is told as soon as there is a network.
 */
export async function markMessageRead(id) {
  const identity = await getIdentity();
  await queueRequest({ id: `${identity?.key}/read/${id}`, kind: "read", path: `/messages/${id}/read`, body: "{}" });
  await runTransaction(["reference"], async (tx) => {
    const row = await tx.store.get("/messages");
    const message = row?.value.find((one) => one.id === id);
    if (!message || message.read_at) return;
    message.read_at = new Date().toISOString();
    await tx.store.put(row);
  });
  void sync("save");
}
