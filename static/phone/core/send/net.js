/**
 * Asking the server. An answer counts only if it is this API's own: a captive portal's page, a redirect
 * or a proxy's error is no answer. Mirrors are asked in turn; the last good address is kept.
 */
import { get, metaGet, metaSet } from "../store/store.js";
import { language } from "../base/words.js";

const API = "/api/v1";
const TUS = "application/offset+octet-stream";

/** Nobody answered who could know. Whatever was asked may have been done. */
export class NoAnswer extends Error {
  constructor(reason) {
    super(reason);
    this.name = "NoAnswer";
  }
}

/**
 * One question. Gives {status, json, headers, code} where `code` is the problem's, if it is one.
 * Throws NoAnswer. What is asked must bear being asked twice.
 */
export async function ask(path, { method = "GET", body, headers = {}, token, seconds = 60 } = {}) {
  const fields = { Accept: "application/json", "Accept-Language": language(), ...headers };
  if (token) fields.Authorization = `Bearer ${token}`;
  if (typeof body === "string") fields["Content-Type"] = "application/json";
  let failed = null;
  for (const base of await bases()) {
    try {
      const answer = await once(`${base}${API}${path}`, { method, body, headers: fields }, seconds);
      if (base !== (await metaGet("base"))) await metaSet("base", base);
      return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      failed ??= error;
    }
  }
  throw failed;
}

/** The addresses to ask: the last good one, this page's own, the mirrors. */
async function bases() {
  const me = await get("reference", "/me");
  const mirrors = (me?.value?.endpoints ?? []).filter((one) => typeof one === "string" && /^https?:\/\//.test(one));
  const known = ["", ...mirrors.map((one) => one.replace(/\/+$/, ""))];
  const last = await metaGet("base");
  return known.includes(last) ? [last, ...known.filter((one) => one !== last)] : known;
}

async function once(address, init, seconds) {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), seconds * 1000);
  const asked = Date.now();
  try {
    const response = await fetch(address, {
      ...init, signal: control.signal, cache: "no-store", credentials: "omit", redirect: "error",
    });
    const read = await ours(response, init.method);
    await clockNote(response.headers.get("Date"), asked);
    return read;
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    throw new NoAnswer(control.signal.aborted ? "timeout" : "network");
  } finally {
    clearTimeout(timer);
  }
}

async function ours(response, method) {
  const kind = (response.headers.get("Content-Type") ?? "").split(";")[0].trim().toLowerCase();
  const { status, headers } = response;
  if (kind === "application/json" || kind === "application/problem+json") {
    const text = method === "HEAD" ? "null" : await response.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      throw new NoAnswer("not_ours"); // cut short, or somebody else's
    }
    const code = kind === "application/problem+json" && typeof json?.code === "string" ? json.code : null;
    if (status >= 400 && code === null && method !== "HEAD") throw new NoAnswer("not_ours");
    return { status, headers, json, code };
  }
  const known = status === 304 || headers.get("Tus-Resumable") !== null;
  if (!known || status >= 502) throw new NoAnswer("not_ours");
  return { status, headers, json: null, code: null };
}

/** One piece of a file, or (without one) how far the file is. */
export function askUpload(path, token, { piece = null, offset = 0 } = {}) {
  const headers = { "Tus-Resumable": "1.0.0" };
  if (piece === null) return ask(path, { method: "HEAD", headers, token, seconds: 30 });
  Object.assign(headers, { "Upload-Offset": String(offset), "Content-Type": TUS });
  return ask(path, { method: "PATCH", headers, body: piece, token, seconds: 180 });
}

/** Notes by how many milliseconds the phone's clock is behind the server's, where that can be told within 5 s. */
async function clockNote(date, asked) {
  const took = Date.now() - asked;
  const server = Date.parse(date ?? "");
  if (!Number.isFinite(server) || took > 10_000) return;
  const offset = Math.round((server + 500 - (asked + took / 2)) / 1000) * 1000; // the header drops the part of a second
  const known = await metaGet("clock_offset");
  if (known === undefined || Math.abs(known - offset) > 5_000) await metaSet("clock_offset", offset);
}

/** When the server asked to be left alone until, in milliseconds; 0 where it did not. */
export function retryAfter(headers, now = Date.now()) {
  const given = headers.get("Retry-After");
  if (!given) return 0;
  const seconds = /^\d+$/.test(given) ? Number(given) : (Date.parse(given) - now) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? now + Math.min(seconds, 3600) * 1000 : 0;
}
