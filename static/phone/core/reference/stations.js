/** Search for stations offline, within the observer's territory. */
import { listAssignments } from "./reference.js";
import { getRecord, getMeta, setMeta } from "../store/database.js";

const MAX_SEARCH_RESULTS = 50;
const MAX_NEAREST_STATIONS = 20;
const EARTH_RADIUS_METRES = 6_371_000;
let stationCache = { key: null, rows: [] };

/**
 * Stations whose code, number, name or address contains every word.
 * The exact number comes first.
 */
export async function searchStations(text) {
  const words = foldText(text).split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const number = /^\d+$/.test(words[0]) ? Number(words[0]) : null;
  const found = (await loadRows()).filter((row) => words.every((word) => row.folded.includes(word)));
  const rank = (row) =>
    (row.kind === "precinct" ? 0 : 10) + (row.foldedCode === words.join(" ") ? 0 : number !== null && row.number === number ? 1 : 2);
  return found.sort((a, b) => rank(a) - rank(b)).slice(0, MAX_SEARCH_RESULTS).map(toStation);
}

/** The stations nearest to {lat, lon}, each with `distance` in metres. */
export async function findNearestStations(position) {
  const measured = (await loadRows())
    .filter((row) => row.kind === "precinct" && row.lat !== null && row.lon !== null)
    .map((row) => ({ ...toStation(row), distance: Math.round(distanceMetres(position, row)) }));
  return measured.sort((a, b) => a.distance - b.distance).slice(0, MAX_NEAREST_STATIONS);
}

/** The station chosen on this phone, else the first assigned, else null. */
export async function getChosenStation() {
  const code = await getMeta("station");
  if (code !== undefined) return getStation(code);
  const first = (await listAssignments())[0];
  return first ? getStation(first.commission.code) : null;
}

/**
 * Makes `code` the current station.
 * Open drafts keep their own station.
 */
export function chooseStation(code) {
  return setMeta("station", code);
}

/**
 * A station {code, name, address, level, kind, lat, lon, parent}.
 * Where it is not known here, its name is its code.
 */
export async function getStation(code) {
  const row = (await loadRows()).find((one) => one.code === code);
  if (row) return toStation(row);
  const given = (await listAssignments()).find((one) => one.commission.code === code)?.commission;
  const unknown = { name: code, address: "", level: null, kind: null, location: null };
  const { name, address, level, kind, location } = given ?? unknown;
  return { code, name, address, level, kind, lat: location?.lat ?? null, lon: location?.lon ?? null, parent: null };
}

async function loadRows() {
  const bundleRecord = await getRecord("reference", "/commissions/bundle");
  if (!bundleRecord) return [];
  const bundle = bundleRecord.value;
  const kinds = Object.fromEntries(bundle.levels.map((level) => [level.code, level.kind]));
  const cacheKey = `${bundleRecord.identity} ${bundleRecord.language} ${bundleRecord.etag}`;
  if (stationCache.key !== cacheKey) stationCache = { key: cacheKey, rows: bundle.rows.map((values) => buildRow(bundle.fields, values, kinds)) };
  return stationCache.rows;
}

function buildRow(fields, values, kinds) {
  const given = Object.fromEntries(fields.map((name, index) => [name, values[index]]));
  const number = /(\d+)$/.exec(given.code);
  return {
    ...given,
    kind: kinds[given.level] ?? null,
    number: number ? Number(number[1]) : null,
    foldedCode: foldText(given.code),
    folded: foldText(`${given.code} ${given.name ?? ""} ${given.address ?? ""}`),
  };
}

function toStation({ folded: _folded, foldedCode: _code, number: _number, ...row }) {
  return row;
}

const LETTER_EQUIVALENTS = { ә: "а", ғ: "г", қ: "к", ң: "н", ө: "о", ұ: "у", ү: "у", һ: "х", і: "и", ё: "е", й: "и" };

/**
 * Lower case, with Kazakh letters replaced by Russian ones.
 * People who type in a hurry leave them out.
 */
function foldText(text) {
  return text.normalize("NFC").toLowerCase().replace(/[әғқңөұүһіёй]/g, (letter) => LETTER_EQUIVALENTS[letter]).trim();
}

function distanceMetres(a, b) {
  const radians = (degrees) => (degrees * Math.PI) / 180;
  const [north, east] = [radians(b.lat - a.lat) / 2, radians(b.lon - a.lon) / 2];
  const chord = Math.sin(north) ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(east) ** 2;
  return 2 * EARTH_RADIUS_METRES * Math.asin(Math.min(1, Math.sqrt(chord)));
}
