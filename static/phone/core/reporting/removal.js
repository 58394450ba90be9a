/** "I am being thrown out": one call, saved at once, sent before everything else. Photos and words follow. */
import { bodyOf } from "../base/body.js";
import { identity } from "../store/identity.js";
import { moment, uuid7 } from "../base/moments.js";
import { reportOf } from "./outbox.js";
import { Problem } from "../base/problem.js";
import { checklist, checklists, me, violationTypes } from "../reference/reference.js";
import { stationChosen } from "../reference/stations.js";
import { transact } from "../store/store.js";
import { sync } from "../send/sync.js";
import { t } from "../base/words.js";

/** Writes an incident at the station in force, with `position` {lat, lon, accuracy} or null; the report's id. */
export async function removed({ position = null, at = new Date() } = {}) {
  const [who, mine, lists, types, station] = await Promise.all([
    identity(), me(), checklists(), violationTypes(), stationChosen(),
  ]);
  if (!who) throw new Problem("not_enrolled", t("This phone is not enrolled."));
  if (!station) throw new Problem("no_station", t("Choose the station where you are."));
  const known = lists.find((one) => one.stage === "incident") ?? { code: "incident", version: 1 };
  const version = await checklist(known.code, known.version);
  const asks = version?.questions.find((one) => one.type === "violation");
  const code = violationOf(mine, types);
  const draft = {
    id: uuid7(at.getTime()), checklist: { code: known.code, version: known.version }, commission: station.code, slot: null,
    contest: null, supersedes: null, identity: who.key, rehearsal: null, answers: asks && code ? { [asks.code]: code } : {}, comment: "",
    location: position, outside: false, observed_at: moment(at), correcting: false, created_at: at.getTime(), updated_at: at.getTime(),
  };
  const rehearsal = mine?.election?.rehearsal ?? false;
  const body = bodyOf(draft, [], version, { rehearsal, at });
  const report = { ...reportOf(draft, version, body, undefined, { rehearsal, at }), urgent: true };
  await transact(["reports"], (tx) => tx.store.put(report));
  void sync("save");
  return draft.id;
}

/** The code for being thrown out: the one that the election names, else the first grave one about access. */
function violationOf(mine, types) {
  const named = types.find((one) => one.code === mine?.election?.removal);
  const grave = types.find((one) => one.group.code === "access" && one.severity === "critical");
  return (named ?? grave)?.code ?? null;
}
