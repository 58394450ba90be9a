/** SHA-256 of a Blob, in pieces where it is large, so that a video does not fill the memory of a cheap phone. */
import { sha256 } from "../../vendor/sha256.js";
import { hexOf } from "../base/moments.js";

const WHOLE = 8 * 2 ** 20; // bytes that may lie in memory at once
const PIECE = 2 ** 20;

export async function sha256Of(blob) {
  if (blob.size <= WHOLE) return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer())));
  const digest = sha256.create();
  for (let at = 0; at < blob.size; at += PIECE) {
    digest.update(new Uint8Array(await blob.slice(at, at + PIECE).arrayBuffer()));
  }
  return hexOf(digest.digest());
}
