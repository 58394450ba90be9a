// Reports with the details that screens show: answers, state, files.
import { listAttachments } from "../core/reporting/attachments.js";
import { getChecklist } from "../core/reference/reference.js";
import { localize } from "../parts/localized.js";
import { getReport, listReports as listReports } from "../core/reporting/outbox.js";

/** One report with `answers`, `comment`, `location`, `flags`, `read_at`, `files`, or null. */
export async function loadReport(id) {
  const found = await getReport(id);
  return found && addDetails(found);
}

/** All reports of this phone, newest first. */
export async function loadReports() {
  const found = await Promise.all((await listReports()).map(addDetails));
  return found.sort((a, b) => b.saved_at - a.saved_at);
}

export async function addDetails(report) {
  const files = report.elsewhere ? [] : await listAttachments(report.id);
  const { answers = {}, comment = "", location = null } = report.draft ?? {};
  const serverReport = report.told ?? report.receipt;
  return {
    ...report, answers, comment, location, flags: serverReport?.flags ?? [], read_at: report.told?.read_at ?? null,
    files: { count: files.length, stored: files.filter((one) => one.state === "stored").length },
  };
}

/**
 * Titles of checklists in the current language.
 * Rows of /checklists keep the language in which they were requested.
 */
export async function loadTitles(rows) {
  const versions = await Promise.all(rows.map((one) => getChecklist(one.code, one.version)));
  return new Map(rows.map((one, index) => [one.code, localize(versions[index]?.title) || one.title || one.code]));
}
