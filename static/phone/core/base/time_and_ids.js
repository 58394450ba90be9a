/**
 * Timestamps and ids.
 * Timestamps are the phone's own clock, uncorrected; the server judges them.
 */

/** RFC 3339 with this phone's offset, to the second: 2022-11-20T10:40:00+06:00. */
export function formatTimestamp(time = new Date()) {
  const minutes = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + minutes * 60_000).toISOString().slice(0, 19);
  const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${local}${minutes < 0 ? "-" : "+"}${padTwoDigits(hours)}:${padTwoDigits(rest)}`;
}

const padTwoDigits = (number) => String(number).padStart(2, "0");

/** Creates a UUID of version 7: time first, then random bits. */
export function createUuid7(milliseconds = Date.now()) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let index = 0; index < 6; index += 1) bytes[index] = Math.floor(milliseconds / 256 ** (5 - index)) % 256;
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = toHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
