/**
 * Identities: an observer in an election, with a token.
 * A phone that was passed on keeps earlier tokens, so that each report is sent in the name of its writer.
 */
import { listRecords, getRecord, getMeta, runTransaction } from "./database.js";

/**
 * The phone's current observer, or null.
 * {key, observer, language, election, token, revoked}
 */
export async function getIdentity() {
  const key = await getMeta("identity");
  return key === undefined ? null : ((await getRecord("identities", key)) ?? null);
}

export function listIdentities() {
  return listRecords("identities");
}

/**
 * Marks an identity whose token the server rejected.
 * `code` is `device_revoked` or `invalid_token`.
 */
export function markTokenRejected(key, token, code) {
  return runTransaction(["identities"], async (tx) => {
    const found = await tx.store.get(key);
    if (found?.token !== token) return; // enrolled again meanwhile
    await tx.store.put({ ...found, revoked: { code, at: Date.now() } });
  });
}
