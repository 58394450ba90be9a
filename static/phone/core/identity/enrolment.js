/**
 * Enrolment: binds this phone to an observer.
 * The same code may be sent again with the same device id, because the first response may be lost.
 */
import { getIdentity } from "../store/identities.js";
import { formatTimestamp, createUuid7 } from "../base/time_and_ids.js";
import { callApi, NoResponseError } from "../send/http.js";
import { Problem } from "../base/problems.js";
import { listRecords, listRecordsByIndex, getMeta, setMeta, runTransaction } from "../store/database.js";
import { queueRequest } from "../send/queued_requests.js";
import { sync } from "../send/sync.js";
import { isLanguageChosen, setLanguage, t } from "../base/translations.js";

export { getIdentity } from "../store/identities.js";

/** The code as typed, in the alphabet that codes are made of. */
export function normalizeCode(code) {
  return code.replace(/[\s\-‐-―−_]/g, "").toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1");
}

/** The code in an address like /phone/#enrol=M4TQ-7HXV, or null. */
export function parseCodeFromUrl(address) {
  const found = /[#&?]enrol=([^&]+)/.exec(address);
  if (!found) return null;
  try {
    return decodeURIComponent(found[1]);
  } catch {
    return found[1];
  }
}

/**
 * Enrols by `code`: {ok: true} or {problem}.
 * May be called again with the same code at any time.
 */
export async function enrolPhone(code, { device = describeDevice() } = {}) {
  const normalized = normalizeCode(code);
  if (!/^[0-9A-HJKMNP-TV-Z]{8}$/.test(normalized)) return { problem: new Problem("invalid_code") };
  return withLock("baqylau-enrol", async () => {
    const lastCode = await getMeta("enrolled_by");
    const current = await getIdentity();
    if (lastCode === normalized && current && !current.revoked) return { ok: true };
    const device_id = await beginEnrolment(normalized);
    let response;
    try {
      response = await callApi("/enrol", { method: "POST", body: JSON.stringify({ code: normalized, device, device_id }), timeoutSeconds: 30 });
    } catch (error) {
      if (!(error instanceof NoResponseError)) throw error;
      return { problem: new Problem("no_answer") };
    }
    if (response.status !== 201 || typeof response.json?.token !== "string") return handleRefusal(response);
    await storeEnrolment(response.json, normalized);
    return { ok: true };
  });
}

async function handleRefusal(response) {
  if (response.code === "invalid_code" || response.status === 422) {
    await runTransaction(["meta"], (tx) => tx.store.delete("enrolling"));
  }
  return { problem: new Problem(response.code ?? "refused", response.json?.detail) };
}

/**
 * The code of an enrolment that has no response yet, or null.
 * An interrupted enrolment continues with it.
 */
export async function getPendingCode() {
  return (await getMeta("enrolling"))?.code ?? null;
}

/**
 * Stores the attempt before it is sent; gives the device id.
 * The id belongs to this browser and is created once.
 */
function beginEnrolment(code) {
  return runTransaction(["meta"], async (tx) => {
    let id = await tx.store.get("device_id");
    if (id === undefined) {
      id = createUuid7();
      await tx.store.put(id, "device_id");
    }
    await tx.store.put({ code }, "enrolling");
    return id;
  });
}

async function storeEnrolment(response, code) {
  const key = `${response.election}/${response.observer.code}`;
  await runTransaction(["meta", "identities", "reference"], async (tx) => {
    const [meta, identities] = [tx.objectStore("meta"), tx.objectStore("identities")];
    const before = await meta.get("identity");
    const known = await identities.get(key);
    await identities.put({
      cursor: "", ...known, key, election: response.election, observer: response.observer.code,
      language: response.observer.language, token: response.token, revoked: null, enrolled_at: Date.now(),
    });
    await meta.put(key, "identity");
    await meta.put(code, "enrolled_by");
    await meta.delete("enrolling");
    await meta.delete("pause");
    if (before !== key) {
      await tx.objectStore("reference").clear(); // it belonged to another observer
      await meta.delete("station");
    }
  });
  if (!isLanguageChosen() && response.observer.language) await setLanguage(response.observer.language);
}

function describeDevice() {
  const platform = navigator.userAgentData?.platform ?? "";
  const found = /\(([^)]+)\)/.exec(navigator.userAgent ?? "");
  return (platform || found?.[1] || "phone").slice(0, 100);
}

/**
 * A code that moves this observer to another browser: {code, expires_at}.
 * It is valid for ten minutes. Throws Problem.
 */
export async function requestTransferCode() {
  const identity = await getIdentity();
  if (!identity) throw new Problem("not_enrolled", t("This phone is not enrolled."));
  let response;
  try {
    response = await callApi("/me/transfer", { method: "POST", body: "{}", token: identity.token });
  } catch (error) {
    if (!(error instanceof NoResponseError)) throw error;
    throw new Problem("no_answer", t("No answer from the server. A code for another phone needs a network."));
  }
  if (response.status !== 201) throw new Problem(response.code ?? "refused", response.json?.detail ?? "");
  return response.json;
}

/**
 * Accepts the code of conduct.
 * The server is told as soon as there is a network.
 */
export async function giveConsent(document, version) {
  const identity = await getIdentity();
  const body = JSON.stringify({ document, version, at: formatTimestamp() });
  await queueRequest({ id: `${identity?.key}/${document}/${version}`, kind: "consent", path: "/me/consent", body });
  await setMeta(`${identity?.key}/${document}`, version);
  void sync("save");
}

/** The accepted version of `document`, here or elsewhere; 0 if none. */
export async function getConsentVersion(document, me) {
  const identity = await getIdentity();
  const acceptedHere = (await getMeta(`${identity?.key}/${document}`)) ?? 0;
  const acceptedElsewhere = me?.consent?.document === document ? (me.consent.accepted_version ?? 0) : 0;
  return Math.max(acceptedHere, acceptedElsewhere);
}

/**
 * Whether a test report with a photo reached the server.
 * Then the phone was tried from end to end.
 */
export async function isRehearsalDone() {
  const identity = await getIdentity();
  const reports = (await listRecordsByIndex("reports", "state", "received")).filter((one) => one.identity === identity?.key && one.rehearsal);
  const reportsWithStoredFiles = new Set((await listRecordsByIndex("files", "state", "stored")).map((one) => one.report));
  return reports.some((one) => reportsWithStoredFiles.has(one.id));
}

/** Drafts on this phone that another observer wrote. */
export async function listDraftsOfOthers() {
  const identity = await getIdentity();
  return (await listRecords("drafts")).filter((one) => one.identity !== identity?.key);
}

/** Runs `work` while no other tab does, where the browser has locks. */
async function withLock(name, work) {
  return navigator.locks ? navigator.locks.request(name, work) : work();
}

