/**
 * Who speaks: an observer in an election, by a token. A phone that was handed on keeps the tokens of those
 * before, so that each report is sent by whoever wrote it.
 */
import { all, get, metaGet, transact } from "./store.js";

/** The observer whose phone this is now, or null: {key, observer, language, election, token, revoked}. */
export async function identity() {
  const key = await metaGet("identity");
  return key === undefined ? null : ((await get("identities", key)) ?? null);
}

export function identities() {
  return all("identities");
}

/** `code` is why the server hears this token no more: `device_revoked` or `invalid_token`. */
export function identityRefused(key, token, code) {
  return transact(["identities"], async (tx) => {
    const found = await tx.store.get(key);
    if (found?.token !== token) return; // enrolled again meanwhile
    await tx.store.put({ ...found, revoked: { code, at: Date.now() } });
  });
}
