// Moving to another browser or phone: a code for ten minutes, as text and as a picture to photograph.
import { html, nothing, svg } from "../vendor/lit.js";
import { notice } from "../parts/notice.js";
import { clock } from "../parts/when.js";
import { transferCode } from "../core/identity/enrolment.js";
import { t } from "../core/base/words.js";

export async function open(_args, page) {
  let made = null;
  let problem = null;
  let picture = null;
  const make = async () => {
    problem = null;
    try {
      made = await transferCode();
      const { encode } = await import("../vendor/qr.js");
      picture = drawn(encode(`${location.origin}/phone/#enrol=${made.code}`, { ecc: "M", border: 4 }).data);
    } catch (thrown) {
      problem = thrown;
    }
    page.draw();
  };
  return {
    back: "#/menu",
    title: () => t("Move to another phone"),
    body: () => html`
      <p>${t("The code opens your account on another phone or browser. Show it to nobody else.")}</p>
      <p>${t("What waits on this phone stays here and is sent from here. Do not throw this phone away before the outbox is empty.")}</p>
      ${problem ? notice("bad", t("No code"), problem.detail || t("A code needs a network. Try again later.")) : nothing}
      ${made ? html`
        <p class="code" aria-label=${[...made.code].join(" ")}>${made.code}</p>
        <p>${t("It works once, until {time}.", { time: clock(made.expires_at) })}</p>
        ${picture ?? nothing}
        <p>${t("On the other phone: photograph the square, or open {address} and type the code.", { address: `${location.host}/phone/` })}</p>` : nothing}
      <button type="button" class=${made ? "" : "main"} @click=${make}>${made ? t("Make another code") : t("Make a code")}</button>`, // prettier-ignore
  };
}

/** The squares as one path, dark on white in either mode: cameras read nothing else. */
function drawn(rows) {
  const path = rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return html`<svg class="qr" viewBox="0 0 ${rows.length} ${rows.length}" role="img" aria-label=${t("The code as a picture for a camera")}>${svg`<path d=${path} />`}</svg>`;
}
