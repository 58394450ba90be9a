/**
 * Requests to the API.
 * A response counts only if it is this API's own: a captive portal's page, a redirect or a proxy's error counts as no
 * response. Mirrors are tried in turn; the last good address is stored.
 */
import { getRecord, getMeta, setMeta } from "../store/database.js";
import { currentLanguage } from "../base/translations.js";

const API_BASE = "/api/v1";
const TUS_CONTENT_TYPE = "application/offset+octet-stream";

/** No response from the API. The request may have been carried out. */
export class NoResponseError extends Error {
  constructor(reason) {
    super(reason);
    this.name = "NoResponseError";
  }
}

/**
 * Sends one request. Gives {status, json, headers, code}.
 * `code` is that of a problem document, else null. Throws NoResponseError. The request must be safe to repeat.
 */
export async function callApi(path, { method = "GET", body, headers = {}, token, timeoutSeconds = 60 } = {}) {
  const allHeaders = { Accept: "application/json", "Accept-Language": currentLanguage(), ...headers };
  if (token) allHeaders.Authorization = `Bearer ${token}`;
  if (typeof body === "string") allHeaders["Content-Type"] = "application/json";
  let firstError = null;
  for (const base of await listBaseUrls()) {
    try {
      const response = await fetchOnce(`${base}${API_BASE}${path}`, { method, body, headers: allHeaders }, timeoutSeconds);
      if (base !== (await getMeta("base"))) await setMeta("base", base);
      return response;
    } catch (error) {
      if (!(error instanceof NoResponseError)) throw error;
      firstError ??= error;
    }
  }
  throw firstError;
}

/** Addresses to try: the last good one, this page's, the mirrors. */
async function listBaseUrls() {
  const me = await getRecord("reference", "/me");
  const mirrors = (me?.value?.endpoints ?? []).filter((one) => typeof one === "string" && /^https?:\/\//.test(one));
  const urls = ["", ...mirrors.map((one) => one.replace(/\/+$/, ""))];
  const lastGood = await getMeta("base");
  return urls.includes(lastGood) ? [lastGood, ...urls.filter((one) => one !== lastGood)] : urls;
}

async function fetchOnce(address, init, timeoutSeconds) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutSeconds * 1000);
  const startedAt = Date.now();
  try {
    const response = await fetch(address, {
      ...init, signal: controller.signal, cache: "no-store", credentials: "omit", redirect: "error",
    });
    const parsed = await parseApiResponse(response, init.method);
    await updateClockOffset(response.headers.get("Date"), startedAt);
    return parsed;
  } catch (error) {
    if (error instanceof NoResponseError) throw error;
    throw new NoResponseError(controller.signal.aborted ? "timeout" : "network");
  } finally {
    clearTimeout(timer);
  }
}

async function parseApiResponse(response, method) {
  const mediaType = (response.headers.get("Content-Type") ?? "").split(";")[0].trim().toLowerCase();
  const { status, headers } = response;
  if (mediaType === "application/json" || mediaType === "application/problem+json") {
    const text = method === "HEAD" ? "null" : await response.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      throw new NoResponseError("not_ours"); // truncated, or not from this API
    }
    const code = mediaType === "application/problem+json" && typeof json?.code === "string" ? json.code : null;
    if (status >= 400 && code === null && method !== "HEAD") throw new NoResponseError("not_ours");
    return { status, headers, json, code };
  }
  const isExpected = status === 304 || headers.get("Tus-Resumable") !== null;
  if (!isExpected || status >= 502) throw new NoResponseError("not_ours");
  return { status, headers, json: null, code: null };
}

/** Uploads a piece of a file; without a piece, asks the offset. */
export function callUploadApi(path, token, { piece = null, offset = 0 } = {}) {
  const headers = { "Tus-Resumable": "1.0.0" };
  if (piece === null) return callApi(path, { method: "HEAD", headers, token, timeoutSeconds: 30 });
  Object.assign(headers, { "Upload-Offset": String(offset), "Content-Type": TUS_CONTENT_TYPE });
  return callApi(path, { method: "PATCH", headers, body: piece, token, timeoutSeconds: 180 });
}

/**
 * Stores by how many milliseconds the phone's clock is behind the server's.
 * Only where it can be told within 5 s.
 */
async function updateClockOffset(date, startedAt) {
  const roundTripMs = Date.now() - startedAt;
  const serverTime = Date.parse(date ?? "");
  if (!Number.isFinite(serverTime) || roundTripMs > 10_000) return;
  const offset = Math.round((serverTime + 500 - (startedAt + roundTripMs / 2)) / 1000) * 1000; // the header has whole seconds only
  const known = await getMeta("clock_offset");
  if (known === undefined || Math.abs(known - offset) > 5_000) await setMeta("clock_offset", offset);
}

/**
 * The time until which the server asked to wait, in milliseconds.
 * 0 where it did not ask.
 */
export function parseRetryAfter(headers, now = Date.now()) {
  const given = headers.get("Retry-After");
  if (!given) return 0;
  const seconds = /^\d+$/.test(given) ? Number(given) : (Date.parse(given) - now) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? now + Math.min(seconds, 3600) * 1000 : 0;
}
