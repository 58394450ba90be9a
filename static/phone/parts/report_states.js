// States of reports, files and rows of the day: icon and label.
import { html } from "../vendor/lit.js";
import { icons } from "./icons.js";
import { t } from "../core/base/translations.js";

const STATES = {
  due: ["circle", () => t("To be written")],
  late: ["clock", () => t("Overdue")],
  draft: ["pen", () => t("Being written")],
  waiting: ["up", () => t("Waiting to be sent")],
  partial: ["up", () => t("Partly sent")],
  coming: ["up", () => t("Received; files are on the way")],
  received: ["check", () => t("Received")],
  stored: ["check", () => t("Received")],
  read: ["checks", () => t("Read by a coordinator")],
  refused: ["stop", () => t("Refused")],
  conflict: ["warning", () => t("Sent twice with different content")],
};

export const getStateLabel = (state) => STATES[state]?.[1]() ?? state;
export const renderState = (name) => html`<span class="state ${name}">${icons[STATES[name]?.[0] ?? "circle"]}${getStateLabel(name)}</span>`;

/**
 * The state shown to the observer.
 * It includes the report's files, and whether a coordinator read it.
 */
export function getDisplayState(report) {
  if (report.state !== "received") return report.state;
  if (report.files && report.files.stored < report.files.count) return "coming";
  return report.read_at ? "read" : "received";
}

const FLAGS = {
  missing_answers: () => t("Some questions were left open."),
  not_assigned: () => t("You are not assigned to this station; the desk will see that."),
  clock_off: () => t("The clock of this phone is wrong."),
  far_from_station: () => t("You were far from the station."),
  out_of_limits: () => t("A number is unusual."),
  outside_window: () => t("It was written outside the expected hours."),
  held: () => t("A coordinator will look at it before it counts."),
  rehearsal: () => t("A rehearsal: it does not count."),
  supersedes_unknown: () => t("The report that it replaces has not arrived yet."),
  supersedes_ignored: () => t("It replaces nothing: the link to the other report was not right."),
};
export const getFlagLabel = (flag) => FLAGS[flag]?.() ?? flag;
