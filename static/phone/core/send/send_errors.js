/** Errors that stop the sending for one identity. */
import { markTokenRejected } from "../store/identities.js";

/** The server rejected the token: nothing of this identity can be sent. */
export class TokenRejectedError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** Throws TokenRejectedError where `response` is 401; marks the identity. */
export async function throwIfTokenRejected(response, identity) {
  if (response.status !== 401) return;
  const code = response.code ?? "invalid_token";
  await markTokenRejected(identity.key, identity.token, code);
  throw new TokenRejectedError(code);
}
