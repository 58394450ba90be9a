// A report as screens show it: what it says, where it stands, with its files.
import { filesOf } from "../core/reporting/files.js";
import { checklist } from "../core/reference/reference.js";
import { said } from "../parts/said.js";
import { report as reportOf, reports as allReports } from "../core/reporting/outbox.js";

/** One report with `answers`, `comment`, `location`, `flags`, `read_at`, `files`; null where this phone has none of that id. */
export async function reportShown(id) {
  const found = await reportOf(id);
  return found && shown(found);
}

/** Every report of this phone, newest first. */
export async function reportsShown() {
  const found = await Promise.all((await allReports()).map(shown));
  return found.sort((a, b) => b.saved_at - a.saved_at);
}

export async function shown(report) {
  const files = report.elsewhere ? [] : await filesOf(report.id);
  const { answers = {}, comment = "", location = null } = report.draft ?? {};
  const told = report.told ?? report.receipt;
  return {
    ...report, answers, comment, location, flags: told?.flags ?? [], read_at: report.told?.read_at ?? null,
    files: { count: files.length, stored: files.filter((one) => one.state === "stored").length },
  };
}

/** What checklists are called, in the language of now: rows of /checklists keep the one in which they were asked. */
export async function titlesOf(rows) {
  const versions = await Promise.all(rows.map((one) => checklist(one.code, one.version)));
  return new Map(rows.map((one, place) => [one.code, said(versions[place]?.title) || one.title || one.code]));
}
