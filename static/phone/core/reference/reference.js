/** What the server told for the day, kept whole so that the phone works without it. */
import { errandAdd } from "../send/errands.js";
import { identity, identityRefused } from "../store/identity.js";
import { ask, NoAnswer } from "../send/net.js";
import { get, metaSet, transact } from "../store/store.js";
import { sync } from "../send/sync.js";
import { language } from "../base/words.js";

const SMALL = ["/me", "/me/consent", "/assignments", "/schedule", "/checklists", "/violation-types", "/messages"];
const LARGE = ["/guide", "/commissions/bundle"];
let running = null;

/** Asks for what is new. Gives {at, problem}: `null`, `no_answer`, `device_revoked` … Never throws for the network. */
export function refresh() {
  running ??= everything().finally(() => (running = null));
  return running;
}

async function everything() {
  const who = await identity();
  if (!who || who.revoked) return { at: null, problem: who ? who.revoked.code : "not_enrolled" };
  try {
    for (const path of SMALL) await refreshOne(path, who);
    for (const row of (await value("/checklists")) ?? []) await checklistRefresh(row, who);
    for (const path of LARGE) await refreshOne(path, who);
  } catch (error) {
    if (error instanceof Refused) return { at: null, problem: error.message };
    if (error instanceof NoAnswer) return { at: null, problem: "no_answer" };
    throw error;
  }
  const at = Date.now();
  await metaSet("refreshed_at", at);
  return { at, problem: null };
}

class Refused extends Error {}

async function refreshOne(path, who) {
  const known = await get("reference", path);
  const spoken = language();
  const headers = known && known.language === spoken ? { "If-None-Match": known.etag } : {};
  const answer = await ask(path, { headers, token: who.token });
  if (answer.status === 401) {
    await identityRefused(who.key, who.token, answer.code);
    throw new Refused(answer.code);
  }
  if (answer.status !== 200) return; // 304, or something that is not there; what is known stays
  const row = { path, value: answer.json, etag: answer.headers.get("ETag") ?? "", language: spoken, identity: who.key };
  await kept(row, who);
}

/** Keeps what was told, unless the phone is another observer's by now. */
function kept(row, who) {
  return transact(["reference", "meta"], async (tx) => {
    if ((await tx.objectStore("meta").get("identity")) === who.key) await tx.objectStore("reference").put(row);
  }, { durability: "default" });
}

/** A published version never changes, so one that is here with the same hash is not asked for again. */
async function checklistRefresh(row, who) {
  const path = checklistPath(row.code, row.version);
  const known = await get("reference", path);
  if (known?.value?.hash === row.hash && known.identity === who.key) return;
  await refreshOne(path, who);
}

export const checklistPath = (code, version) => `/checklists/${encodeURIComponent(code)}/${version}`;

async function value(path) {
  return (await get("reference", path))?.value ?? null;
}

export const me = () => value("/me");
export const assignments = async () => (await value("/assignments")) ?? [];
export const schedule = async () => (await value("/schedule")) ?? [];
export const checklists = async () => (await value("/checklists")) ?? [];
export const checklist = (code, version) => value(checklistPath(code, version));
export const violationTypes = async () => (await value("/violation-types")) ?? [];
export const guide = () => value("/guide");
export const messages = async () => (await value("/messages")) ?? [];

/** Notes that message `id` was read, here at once and on the server when there is a network. */
export async function messageRead(id) {
  const who = await identity();
  await errandAdd({ id: `${who?.key}/read/${id}`, kind: "read", path: `/messages/${id}/read`, body: "{}" });
  await transact(["reference"], async (tx) => {
    const row = await tx.store.get("/messages");
    const message = row?.value.find((one) => one.id === id);
    if (!message || message.read_at) return;
    message.read_at = new Date().toISOString();
    await tx.store.put(row);
  });
  void sync("save");
}
