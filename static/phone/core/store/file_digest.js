/**
 * SHA-256 of a Blob, as hexadecimal.
 * Large files are read in pieces, so that a video does not fill a cheap phone's memory.
 */
import { sha256 } from "../../vendor/sha256.js";
import { toHex } from "../base/time_and_ids.js";

const MAX_BYTES_IN_MEMORY = 8 * 2 ** 20; // larger files are read in pieces
const PIECE_BYTES = 2 ** 20;

export async function computeSha256(blob) {
  if (blob.size <= MAX_BYTES_IN_MEMORY) return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer())));
  const digest = sha256.create();
  for (let offset = 0; offset < blob.size; offset += PIECE_BYTES) {
    digest.update(new Uint8Array(await blob.slice(offset, offset + PIECE_BYTES).arrayBuffer()));
  }
  return toHex(digest.digest());
}
