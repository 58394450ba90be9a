// The number that is called in an emergency.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "./icons.js";
import { said } from "./said.js";
import { t } from "../core/base/words.js";

/** A link that calls, with who answers there; nothing where the mission gave no number. */
export function call(me) {
  const contact = me?.emergency_contact;
  const digits = contact?.phone.replace(/[^\d+]/g, "");
  if (!digits) return nothing;
  const who = [said(contact.names) || contact.name, contact.phone].filter(Boolean).join(", ");
  return html`<a class="button" href=${`tel:${digits}`}>${icons.phone}<span>${t("Call: {contact}", { contact: who })}</span></a>`;
}
