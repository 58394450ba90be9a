// Moving to another browser or phone: a code for ten minutes, as text and QR code.
import { html, nothing, svg } from "../vendor/lit.js";
import { renderNotice } from "../parts/notices.js";
import { formatTime } from "../parts/formatting.js";
import { requestTransferCode } from "../core/identity/enrolment.js";
import { t } from "../core/base/translations.js";

export async function open(_args, page) {
  let transferCode = null;
  let problem = null;
  let qrCode = null;
  const makeCode = async () => {
    problem = null;
    try {
      transferCode = await requestTransferCode();
      const { encode } = await import("../vendor/qr.js");
      qrCode = renderQrCode(encode(`${location.origin}/phone/#enrol=${transferCode.code}`, { ecc: "M", border: 4 }).data);
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
      ${problem ? renderNotice("bad", t("No code"), problem.detail || t("A code needs a network. Try again later.")) : nothing}
      ${transferCode ? html`
        <p class="code" aria-label=${[...transferCode.code].join(" ")}>${transferCode.code}</p>
        <p>${t("It works once, until {time}.", { time: formatTime(transferCode.expires_at) })}</p>
        ${qrCode ?? nothing}
        <p>${t("On the other phone: photograph the square, or open {address} and type the code.", { address: `${location.host}/phone/` })}</p>` : nothing}
      <button type="button" class=${transferCode ? "" : "main"} @click=${makeCode}>${transferCode ? t("Make another code") : t("Make a code")}</button>`, // prettier-ignore
  };
}

/**
 * The QR code as one path.
 * Always dark on white, because cameras read nothing else.
 */
function renderQrCode(rows) {
  const path = rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return html`<svg class="qr" viewBox="0 0 ${rows.length} ${rows.length}" role="img" aria-label=${t("The code as a picture for a camera")}>${svg`<path d=${path} />`}</svg>`;
}
