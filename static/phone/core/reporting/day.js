/** The day at a glance: what is asked where the observer is, what is due, and how far each thing is. */
import { drafts } from "./drafts.js";
import { identity } from "../store/identity.js";
import { assignments, checklists, schedule } from "../reference/reference.js";
import { stationChosen, stationNamed } from "../reference/stations.js";
import { all } from "../store/store.js";

const SOON = 3 * 3_600_000; // milliseconds before which another station's duty is shown

/**
 * Rows [{checklist, slot, station, commission, due, state, report, reports, draft}] for the station in force, then whatever
 * is begun, refused or soon due elsewhere. `checklist` is its row of /checklists; `report` the last of `reports`.
 * `state`: due, late, draft, waiting, partial, received, read, refused, conflict. null before the first connection.
 */
export async function day(at = new Date()) {
  const [who, lists, plan, written, begun, files, station, given] = await Promise.all([
    identity(), checklists(), schedule(), all("reports"), drafts(), all("files"), stationChosen(), assignments(),
  ]);
  if (lists.length === 0) return null;
  const reports = written.filter((one) => one.identity === who?.key && !one.rehearsal).map((one) => shown(one, files));
  const here = lists.filter((list) => fits(list, station)).flatMap((list) => slots(list, station?.code, plan));
  const rows = here.map((row) => filled(row, { reports, begun, at }));
  const elsewhere = others({ lists, plan, station, given, reports, begun }).map((row) => filled(row, { reports, begun, at }));
  const worth = elsewhere.filter((row) => row.draft || ["refused", "conflict", "late"].includes(row.state) || soon(row, at));
  const zones = new Map(given.map((one) => [one.commission.code, one.commission.timezone]));
  return Promise.all([...rows, ...worth].map(async (row) => ({ ...row, station: await placed(row, station, zones) })));
}

async function placed(row, station, zones) {
  const place = row.commission === station?.code ? station : row.commission ? await stationNamed(row.commission) : null;
  return place && { ...place, timezone: zones.get(place.code) };
}

/** The report with what a screen shows of it: `read_at`, and how many of its files are stored. */
function shown(report, files) {
  const own = files.filter((one) => one.report === report.id && !one.preview_of && one.state !== "draft");
  return {
    ...report, read_at: report.told?.read_at ?? null,
    files: { count: own.length, stored: own.filter((one) => one.state === "stored").length },
  };
}

function fits(list, station) {
  if (!station?.kind || list.place === "any") return true;
  return (station.kind === "precinct") === (list.place === "precinct");
}

/** One row for each hour at which the checklist is due here, else one without an hour. */
function slots(list, commission, plan) {
  const planned = plan.filter((one) => one.checklist === list.code && one.commission === commission);
  const hours = planned.length ? planned : [{ slot: null, due: null, grace_minutes: 0 }];
  return hours.map(({ slot, due, grace_minutes }) => ({ checklist: list, commission: commission ?? null, slot: slot ?? null, due, grace_minutes }));
}

function others({ lists, plan, station, given, reports, begun }) {
  const open = [...begun, ...reports.filter((one) => one.state === "refused" || one.state === "conflict")];
  const codes = new Set([...given.map((one) => one.commission.code), ...open.map((one) => one.commission)]);
  codes.delete(station?.code);
  return [...codes].flatMap((code) =>
    lists.flatMap((list) => {
      const concerned = open.some((one) => one.commission === code && one.checklist.code === list.code);
      const planned = plan.some((one) => one.commission === code && one.checklist === list.code);
      return concerned || planned ? slots(list, code, plan) : [];
    }));
}

function filled(row, { reports, begun, at }) {
  const same = (one) => one.checklist.code === row.checklist.code && one.commission === row.commission && (one.slot ?? null) === row.slot;
  const superseded = new Set(reports.map((one) => one.supersedes).filter(Boolean));
  const own = reports.filter(same).sort((a, b) => b.saved_at - a.saved_at);
  const draft = begun.find((one) => same(one) && one.rehearsal !== true) ?? null;
  const report = own.find((one) => !superseded.has(one.id)) ?? null;
  return { ...row, reports: own, report, draft, state: stateOf(row, report, draft, at) };
}

function stateOf({ due, grace_minutes }, report, draft, at) {
  if (draft) return "draft";
  if (!report) return due && at.getTime() > Date.parse(due) + grace_minutes * 60_000 ? "late" : "due";
  if (report.state !== "received") return report.state;
  if (report.files.stored < report.files.count) return "partial";
  return report.read_at ? "read" : "received";
}

function soon(row, at) {
  return row.state === "due" && row.due !== null && Date.parse(row.due) < at.getTime() + SOON;
}
