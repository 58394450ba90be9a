/**
 * Report of a removal from the station ("I am being thrown out").
 * One call saves it at once; it is sent before everything else. Photos and notes follow.
 */
import { buildReportBody } from "../base/report_body.js";
import { getIdentity } from "../store/identities.js";
import { formatTimestamp, createUuid7 } from "../base/time_and_ids.js";
import { buildReport } from "./outbox.js";
import { Problem } from "../base/problems.js";
import { getChecklist, listChecklists, getMe, listViolationTypes } from "../reference/reference.js";
import { getChosenStation } from "../reference/stations.js";
import { runTransaction } from "../store/database.js";
import { sync } from "../send/sync.js";
import { t } from "../base/translations.js";

/**
 * Saves an incident at the current station; gives the report's id.
 * `position` is {lat, lon, accuracy} or null.
 */
export async function reportRemoval({ position = null, now = new Date() } = {}) {
  const [identity, me, checklists, violationTypes, station] = await Promise.all([
    getIdentity(), getMe(), listChecklists(), listViolationTypes(), getChosenStation(),
  ]);
  if (!identity) throw new Problem("not_enrolled", t("This phone is not enrolled."));
  if (!station) throw new Problem("no_station", t("Choose the station where you are."));
  const incidentChecklist = checklists.find((one) => one.stage === "incident") ?? { code: "incident", version: 1 };
  const version = await getChecklist(incidentChecklist.code, incidentChecklist.version);
  const violationQuestion = version?.questions.find((one) => one.type === "violation");
  const code = findRemovalViolation(me, violationTypes);
  const draft = {
    id: createUuid7(now.getTime()), checklist: { code: incidentChecklist.code, version: incidentChecklist.version },
    commission: station.code, slot: null, contest: null, supersedes: null, identity: identity.key, rehearsal: null,
    answers: violationQuestion && code ? { [violationQuestion.code]: code } : {}, comment: "",
    location: position, outside: false, observed_at: formatTimestamp(now), correcting: false, created_at: now.getTime(), updated_at: now.getTime(),
  };
  const rehearsal = me?.election?.rehearsal ?? false;
  const body = buildReportBody(draft, [], version, { rehearsal, now });
  const report = { ...buildReport(draft, version, body, undefined, { rehearsal, now }), urgent: true };
  await runTransaction(["reports"], (tx) => tx.store.put(report));
  void sync("save");
  return draft.id;
}

/**
 * The violation code of a removal.
 * The one that the election names, else the first critical one of the group "access".
 */
function findRemovalViolation(me, violationTypes) {
  const named = violationTypes.find((one) => one.code === me?.election?.removal);
  const critical = violationTypes.find((one) => one.group.code === "access" && one.severity === "critical");
  return (named ?? critical)?.code ?? null;
}
