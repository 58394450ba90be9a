import { identityRefused } from "../store/identity.js";

/** The server hears this token no more: nothing of this identity can be sent. */
export class Stop extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** Throws Stop where `answer` says that `who` may speak no more. */
export async function stopIfRefused(answer, who) {
  if (answer.status !== 401) return;
  const code = answer.code ?? "invalid_token";
  await identityRefused(who.key, who.token, code);
  throw new Stop(code);
}
