// Times as the commission's clock shows them, sizes and places as people say them.
import { language, t } from "../core/base/words.js";

const made = new Map();
let home; // the election's zone, for times of no certain place

export const zoneIs = (zone) => (home = zone);

// Kazakh dates are written as Russian ones; many browsers know no Kazakh names of months.
const LOCALES = { kk: "ru", ru: "ru", en: "en-GB" };
const locale = () => LOCALES[language()] ?? "en-GB";

function formatter(options) {
  const key = language() + JSON.stringify(options);
  if (!made.has(key)) {
    let format;
    try {
      format = new Intl.DateTimeFormat(locale(), options);
    } catch {
      format = new Intl.DateTimeFormat(locale(), { ...options, timeZone: undefined }); // a zone this phone has never heard of
    }
    made.set(key, format);
  }
  return made.get(key);
}

export const clock = (at, zone = home) => formatter({ hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone }).format(new Date(at));
export const dayOf = (at, zone = home) => formatter({ day: "numeric", month: language() === "en" ? "short" : "2-digit", timeZone: zone }).format(new Date(at));

export const dateOf = (at, zone = home) => formatter({ day: "2-digit", month: "2-digit", year: "numeric", timeZone: zone }).format(new Date(at));

/** The hour alone where it is today, else the day too. */
export function when(at, zone = home) {
  if (!at) return "";
  const same = dayOf(at, zone) === dayOf(Date.now(), zone);
  return same ? clock(at, zone) : `${dayOf(at, zone)}, ${clock(at, zone)}`;
}

const number = (n, digits) => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(n);

export function size(bytes) {
  if (bytes < 1e3) return t("{n} B", { n: bytes });
  if (bytes < 1e6) return t("{n} kB", { n: number(bytes / 1e3, 0) });
  if (bytes < 1e9) return t("{n} MB", { n: number(bytes / 1e6, 1) });
  return t("{n} GB", { n: number(bytes / 1e9, 1) });
}

export const distance = (metres) =>
  metres < 1000 ? t("{n} m", { n: number(metres, 0) }) : t("{n} km", { n: number(metres / 1000, metres < 10000 ? 1 : 0) });

export const coordinates = (place) => `${place.lat.toFixed(5)}, ${place.lon.toFixed(5)}`;
