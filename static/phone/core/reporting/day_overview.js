/** Overview of the day: which checklists are due, and their state. */
import { listDrafts } from "./drafts.js";
import { getIdentity } from "../store/identities.js";
import { listAssignments, listChecklists, getSchedule } from "../reference/reference.js";
import { getChosenStation, getStation } from "../reference/stations.js";
import { listRecords } from "../store/database.js";

const SOON_MS = 3 * 3_600_000; // another station's checklist is shown this long before it is due

/**
 * Rows [{checklist, slot, station, commission, due, state, report, reports, draft}].
 * First the current station, then what is begun, refused, late or soon due elsewhere. `checklist` is its row of /checklists;
 * `report` the last of `reports`. `state`: due, late, draft, waiting, partial, received, read, refused, conflict. Null before
 * the first connection.
 */
export async function getDayOverview(now = new Date()) {
  const [identity, checklists, schedule, allReports, drafts, files, station, assignments] = await Promise.all([
    getIdentity(), listChecklists(), getSchedule(), listRecords("reports"), listDrafts(), listRecords("files"), getChosenStation(), listAssignments(),
  ]);
  if (checklists.length === 0) return null;
  const reports = allReports.filter((one) => one.identity === identity?.key && !one.rehearsal).map((one) => addFileCounts(one, files));
  const checklistsHere = checklists.filter((checklist) => isForStation(checklist, station));
  const rowsHere = checklistsHere.flatMap((checklist) => buildSlotRows(checklist, station?.code, schedule));
  const rows = rowsHere.map((row) => addReports(row, { reports, drafts, now }));
  const rowsElsewhere = buildOtherRows({ checklists, schedule, station, assignments, reports, drafts })
    .map((row) => addReports(row, { reports, drafts, now }));
  const relevantElsewhere = rowsElsewhere.filter((row) => row.draft || ["refused", "conflict", "late"].includes(row.state) || isDueSoon(row, now));
  const zones = new Map(assignments.map((one) => [one.commission.code, one.commission.timezone]));
  return Promise.all([...rows, ...relevantElsewhere].map(async (row) => ({ ...row, station: await addStation(row, station, zones) })));
}

async function addStation(row, station, zones) {
  const place = row.commission === station?.code ? station : row.commission ? await getStation(row.commission) : null;
  return place && { ...place, timezone: zones.get(place.code) };
}

/** The report with `read_at` and the number of its stored files. */
function addFileCounts(report, files) {
  const own = files.filter((one) => one.report === report.id && !one.preview_of && one.state !== "draft");
  return {
    ...report, read_at: report.told?.read_at ?? null,
    files: { count: own.length, stored: own.filter((one) => one.state === "stored").length },
  };
}

function isForStation(checklist, station) {
  if (!station?.kind || checklist.place === "any") return true;
  return (station.kind === "precinct") === (checklist.place === "precinct");
}

/** One row per scheduled hour of the checklist here, else one without. */
function buildSlotRows(checklist, commission, schedule) {
  const planned = schedule.filter((one) => one.checklist === checklist.code && one.commission === commission);
  const hours = planned.length ? planned : [{ slot: null, due: null, grace_minutes: 0 }];
  return hours.map(({ slot, due, grace_minutes }) => ({ checklist, commission: commission ?? null, slot: slot ?? null, due, grace_minutes }));
}

function buildOtherRows({ checklists, schedule, station, assignments, reports, drafts }) {
  const openWork = [...drafts, ...reports.filter((one) => one.state === "refused" || one.state === "conflict")];
  const codes = new Set([...assignments.map((one) => one.commission.code), ...openWork.map((one) => one.commission)]);
  codes.delete(station?.code);
  return [...codes].flatMap((code) =>
    checklists.flatMap((checklist) => {
      const hasOpenWork = openWork.some((one) => one.commission === code && one.checklist.code === checklist.code);
      const isScheduled = schedule.some((one) => one.commission === code && one.checklist === checklist.code);
      return hasOpenWork || isScheduled ? buildSlotRows(checklist, code, schedule) : [];
    }));
}

function addReports(row, { reports, drafts, now }) {
  const isSameRow = (one) => one.checklist.code === row.checklist.code && one.commission === row.commission && (one.slot ?? null) === row.slot;
  const superseded = new Set(reports.map((one) => one.supersedes).filter(Boolean));
  const own = reports.filter(isSameRow).sort((a, b) => b.saved_at - a.saved_at);
  const draft = drafts.find((one) => isSameRow(one) && one.rehearsal !== true) ?? null;
  const report = own.find((one) => !superseded.has(one.id)) ?? null;
  return { ...row, reports: own, report, draft, state: computeState(row, report, draft, now) };
}

function computeState({ due, grace_minutes }, report, draft, now) {
  if (draft) return "draft";
  if (!report) return due && now.getTime() > Date.parse(due) + grace_minutes * 60_000 ? "late" : "due";
  if (report.state !== "received") return report.state;
  if (report.files.stored < report.files.count) return "partial";
  return report.read_at ? "read" : "received";
}

function isDueSoon(row, now) {
  return row.state === "due" && row.due !== null && Date.parse(row.due) < now.getTime() + SOON_MS;
}
