// Formats times in the commission's time zone, sizes, distances and places.
import { currentLanguage, t } from "../core/base/translations.js";

const formatterCache = new Map();
let defaultZone; // the election's zone, for times without a station

export const setDefaultZone = (zone) => (defaultZone = zone);

// Kazakh dates are written like Russian ones; many browsers have no Kazakh month names.
const LOCALES = { kk: "ru", ru: "ru", en: "en-GB" };
const currentLocale = () => LOCALES[currentLanguage()] ?? "en-GB";

function getFormatter(options) {
  const key = currentLanguage() + JSON.stringify(options);
  if (!formatterCache.has(key)) {
    let format;
    try {
      format = new Intl.DateTimeFormat(currentLocale(), options);
    } catch {
      format = new Intl.DateTimeFormat(currentLocale(), { ...options, timeZone: undefined }); // this browser does not know the zone
    }
    formatterCache.set(key, format);
  }
  return formatterCache.get(key);
}

export const formatTime = (time, zone = defaultZone) => getFormatter({ hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone }).format(new Date(time));
export const formatDay = (time, zone = defaultZone) => getFormatter({ day: "numeric", month: currentLanguage() === "en" ? "short" : "2-digit", timeZone: zone }).format(new Date(time));

export const formatDate = (time, zone = defaultZone) => getFormatter({ day: "2-digit", month: "2-digit", year: "numeric", timeZone: zone }).format(new Date(time));

/** The time; with the day where that is not today. */
export function formatDateTime(time, zone = defaultZone) {
  if (!time) return "";
  const isToday = formatDay(time, zone) === formatDay(Date.now(), zone);
  return isToday ? formatTime(time, zone) : `${formatDay(time, zone)}, ${formatTime(time, zone)}`;
}

const formatNumber = (n, digits) => new Intl.NumberFormat(currentLocale(), { maximumFractionDigits: digits }).format(n);

export function formatBytes(bytes) {
  if (bytes < 1e3) return t("{n} B", { n: bytes });
  if (bytes < 1e6) return t("{n} kB", { n: formatNumber(bytes / 1e3, 0) });
  if (bytes < 1e9) return t("{n} MB", { n: formatNumber(bytes / 1e6, 1) });
  return t("{n} GB", { n: formatNumber(bytes / 1e9, 1) });
}

export const formatDistance = (metres) =>
  metres < 1000 ? t("{n} m", { n: formatNumber(metres, 0) }) : t("{n} km", { n: formatNumber(metres / 1000, metres < 10000 ? 1 : 0) });

export const formatCoordinates = (place) => `${place.lat.toFixed(5)}, ${place.lon.toFixed(5)}`;
