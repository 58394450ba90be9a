/** Finding a station without a network, over the observer's territory. */
import { assignments } from "./reference.js";
import { get, metaGet, metaSet } from "../store/store.js";

const FOUND = 50;
const NEAREST = 20;
const EARTH = 6_371_000; // metres
let read = { of: null, rows: [] };

/** Stations whose code, number, name or address has every one of the words; the exact number first. */
export async function stationSearch(text) {
  const words = folded(text).split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const number = /^\d+$/.test(words[0]) ? Number(words[0]) : null;
  const found = (await rows()).filter((row) => words.every((word) => row.folded.includes(word)));
  const rank = (row) => (row.kind === "precinct" ? 0 : 10) + (row.foldedCode === words.join(" ") ? 0 : number !== null && row.number === number ? 1 : 2);
  return found.sort((a, b) => rank(a) - rank(b)).slice(0, FOUND).map(plain);
}

/** The stations nearest to {lat, lon}, each with its `distance` in metres. */
export async function stationsNear(position) {
  const measured = (await rows())
    .filter((row) => row.kind === "precinct" && row.lat !== null && row.lon !== null)
    .map((row) => ({ ...plain(row), distance: Math.round(metres(position, row)) }));
  return measured.sort((a, b) => a.distance - b.distance).slice(0, NEAREST);
}

/** The station chosen on this phone, else the first one assigned, else null. */
export async function stationChosen() {
  const code = await metaGet("station");
  if (code !== undefined) return stationNamed(code);
  const first = (await assignments())[0];
  return first ? stationNamed(first.commission.code) : null;
}

/** Works at `code` from now on. What is being filled stays with its own station. */
export function stationChoose(code) {
  return metaSet("station", code);
}

/** {code, name, address, level, kind, lat, lon, parent} of a station; its code alone where it is not known here. */
export async function stationNamed(code) {
  const row = (await rows()).find((one) => one.code === code);
  if (row) return plain(row);
  const given = (await assignments()).find((one) => one.commission.code === code)?.commission;
  const nothing = { name: code, address: "", level: null, kind: null, location: null };
  const { name, address, level, kind, location } = given ?? nothing;
  return { code, name, address, level, kind, lat: location?.lat ?? null, lon: location?.lon ?? null, parent: null };
}

async function rows() {
  const kept = await get("reference", "/commissions/bundle");
  if (!kept) return [];
  const bundle = kept.value;
  const kinds = Object.fromEntries(bundle.levels.map((level) => [level.code, level.kind]));
  const mark = `${kept.identity} ${kept.language} ${kept.etag}`;
  if (read.of !== mark) read = { of: mark, rows: bundle.rows.map((values) => row(bundle.fields, values, kinds)) };
  return read.rows;
}

function row(fields, values, kinds) {
  const given = Object.fromEntries(fields.map((name, place) => [name, values[place]]));
  const number = /(\d+)$/.exec(given.code);
  return {
    ...given,
    kind: kinds[given.level] ?? null,
    number: number ? Number(number[1]) : null,
    foldedCode: folded(given.code),
    folded: folded(`${given.code} ${given.name ?? ""} ${given.address ?? ""}`),
  };
}

function plain({ folded: _folded, foldedCode: _code, number: _number, ...row }) {
  return row;
}

const ALIKE = { ә: "а", ғ: "г", қ: "к", ң: "н", ө: "о", ұ: "у", ү: "у", һ: "х", і: "и", ё: "е", й: "и" };

/** Without case and without what hasty thumbs leave out. */
function folded(text) {
  return text.normalize("NFC").toLowerCase().replace(/[әғқңөұүһіёй]/g, (letter) => ALIKE[letter]).trim();
}

function metres(a, b) {
  const radians = (degrees) => (degrees * Math.PI) / 180;
  const [north, east] = [radians(b.lat - a.lat) / 2, radians(b.lon - a.lon) / 2];
  const chord = Math.sin(north) ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(east) ** 2;
  return 2 * EARTH * Math.asin(Math.min(1, Math.sqrt(chord)));
}
