// The files of one draft or report, kept by core as they come; screens draw them with `files`.
import { kept } from "../parts/saved.js";
import { fileAdd, fileDrop, fileSet, filesOf, thumbnail } from "../core/reporting/files.js";
import { t } from "../core/base/words.js";

const reason = (problem) =>
  problem.code === "storage_full" ? t("This phone has no room for it. Save the outbox to files or free some room, then add it again.") : problem.detail || t("Try once more.");

/** `owner` is {draft: id} or {report: id}. `address(file)` is an object URL of its small picture; `close()` gives them back. */
export async function filingOf(owner, page) {
  const addresses = new Map();
  const filing = { files: [], late: Boolean(owner.report), open: false, busy: false, problem: null, at: null, asking: { key: null }, page };
  filing.load = async () => {
    const files = await filesOf(owner.draft ?? owner.report);
    for (const one of files) {
      if (addresses.has(one.id)) continue;
      const small = await thumbnail(one.id);
      if (small) addresses.set(one.id, URL.createObjectURL(small));
    }
    filing.files = files;
    page.draw();
  };
  filing.add = async (list, source, question) => {
    Object.assign(filing, { busy: true, problem: null, at: question });
    page.draw();
    for (const blob of list) {
      // One after another: two large files in memory at once are too many for a cheap phone.
      const adding = fileAdd({ ...owner, question, blob, name: blob.name, source, publishable: filing.open });
      const ok = await kept(adding.catch((problem) => {
        filing.problem = reason(problem);
        throw problem;
      })); // prettier-ignore
      if (!ok) break;
      await filing.load();
    }
    filing.busy = false;
    if (!filing.problem) page.say(t("Saved on this phone."));
    page.draw();
  };
  filing.publishable = async (id, yes) => {
    filing.files = filing.files.map((one) => (one.id === id ? { ...one, publishable: yes } : one));
    await kept(fileSet(id, { publishable: yes }));
    await filing.load();
  };
  filing.drop = async (id) => {
    await kept(fileDrop(id));
    await filing.load();
  };
  filing.address = (file) => addresses.get(file.id) ?? null;
  filing.close = () => addresses.forEach((one) => URL.revokeObjectURL(one));
  await filing.load();
  return filing;
}
