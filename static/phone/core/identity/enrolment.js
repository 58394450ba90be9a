/** Becoming an observer's phone. The same code and device id may be sent again: the first answer may be lost. */
import { identity } from "../store/identity.js";
import { moment, uuid7 } from "../base/moments.js";
import { ask, NoAnswer } from "../send/net.js";
import { Problem } from "../base/problem.js";
import { all, allBy, metaGet, metaSet, transact } from "../store/store.js";
import { errandAdd } from "../send/errands.js";
import { sync } from "../send/sync.js";
import { languageChosen, languageSet, t } from "../base/words.js";

export { identity } from "../store/identity.js";

/** A code as it was typed, in the alphabet it was made of. */
export function codePlain(code) {
  return code.replace(/[\s\-‐-―−_]/g, "").toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1");
}

/** The code in an address like /phone/#enrol=M4TQ-7HXV, or null. */
export function codeIn(address) {
  const found = /[#&?]enrol=([^&]+)/.exec(address);
  if (!found) return null;
  try {
    return decodeURIComponent(found[1]);
  } catch {
    return found[1];
  }
}

/** Enrols by `code`: {ok: true} or {problem}. May be asked again with the same code at any time. */
export async function enrol(code, { device = deviceName() } = {}) {
  const plain = codePlain(code);
  if (!/^[0-9A-HJKMNP-TV-Z]{8}$/.test(plain)) return { problem: new Problem("invalid_code") };
  return alone("baqylau-enrol", async () => {
    const known = await metaGet("enrolled_by");
    const now = await identity();
    if (known === plain && now && !now.revoked) return { ok: true };
    const device_id = await deviceId(plain);
    let answer;
    try {
      answer = await ask("/enrol", { method: "POST", body: JSON.stringify({ code: plain, device, device_id }), seconds: 30 });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return { problem: new Problem("no_answer") };
    }
    if (answer.status !== 201 || typeof answer.json?.token !== "string") return refused(answer);
    await enrolled(answer.json, plain);
    return { ok: true };
  });
}

async function refused(answer) {
  if (answer.code === "invalid_code" || answer.status === 422) {
    await transact(["meta"], (tx) => tx.store.delete("enrolling"));
  }
  return { problem: new Problem(answer.code ?? "refused", answer.json?.detail) };
}

/** The code that waits for an answer, or null: an enrolment that was cut off goes on with it. */
export async function enrolling() {
  return (await metaGet("enrolling"))?.code ?? null;
}

/** This browser's own id, made once; what is tried is noted before it is asked. */
function deviceId(code) {
  return transact(["meta"], async (tx) => {
    let id = await tx.store.get("device_id");
    if (id === undefined) {
      id = uuid7();
      await tx.store.put(id, "device_id");
    }
    await tx.store.put({ code }, "enrolling");
    return id;
  });
}

async function enrolled(answer, code) {
  const key = `${answer.election}/${answer.observer.code}`;
  await transact(["meta", "identities", "reference"], async (tx) => {
    const [meta, identities] = [tx.objectStore("meta"), tx.objectStore("identities")];
    const before = await meta.get("identity");
    const known = await identities.get(key);
    await identities.put({
      cursor: "", ...known, key, election: answer.election, observer: answer.observer.code,
      language: answer.observer.language, token: answer.token, revoked: null, enrolled_at: Date.now(),
    });
    await meta.put(key, "identity");
    await meta.put(code, "enrolled_by");
    await meta.delete("enrolling");
    await meta.delete("pause");
    if (before !== key) {
      await tx.objectStore("reference").clear(); // it was another observer's
      await meta.delete("station");
    }
  });
  if (!languageChosen() && answer.observer.language) await languageSet(answer.observer.language);
}

function deviceName() {
  const told = navigator.userAgentData?.platform ?? "";
  const found = /\(([^)]+)\)/.exec(navigator.userAgent ?? "");
  return (told || found?.[1] || "phone").slice(0, 100);
}

/** A ten-minute code for the same observer's next browser: {code, expires_at}. Throws Problem. */
export async function transferCode() {
  const who = await identity();
  if (!who) throw new Problem("not_enrolled", t("This phone is not enrolled."));
  let answer;
  try {
    answer = await ask("/me/transfer", { method: "POST", body: "{}", token: who.token });
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    throw new Problem("no_answer", t("No answer from the server. A code for another phone needs a network."));
  }
  if (answer.status !== 201) throw new Problem(answer.code ?? "refused", answer.json?.detail ?? "");
  return answer.json;
}

/** Accepts the code of conduct; told to the server when there is a network. */
export async function consentGive(document, version) {
  const who = await identity();
  const body = JSON.stringify({ document, version, at: moment() });
  await errandAdd({ id: `${who?.key}/${document}/${version}`, kind: "consent", path: "/me/consent", body });
  await metaSet(`${who?.key}/${document}`, version);
  void sync("save");
}

/** The version of `document` that was accepted on this phone or elsewhere, 0 if none. */
export async function consentGiven(document, me) {
  const who = await identity();
  const here = (await metaGet(`${who?.key}/${document}`)) ?? 0;
  const there = me?.consent?.document === document ? (me.consent.accepted_version ?? 0) : 0;
  return Math.max(here, there);
}

/** Whether a test report with a photo came through: the phone was tried from end to end. */
export async function rehearsalDone() {
  const who = await identity();
  const reports = (await allBy("reports", "state", "received")).filter((one) => one.identity === who?.key && one.rehearsal);
  const stored = new Set((await allBy("files", "state", "stored")).map((one) => one.report));
  return reports.some((one) => stored.has(one.id));
}

/** Whether drafts wait here that another observer wrote. */
export async function draftsOfOthers() {
  const who = await identity();
  return (await all("drafts")).filter((one) => one.identity !== who?.key);
}

/** `work` with no other tab in it at the same time, where the browser can see to that. */
async function alone(name, work) {
  return navigator.locks ? navigator.locks.request(name, work) : work();
}

