// Link that calls the emergency contact.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "./icons.js";
import { localize } from "./localized.js";
import { t } from "../core/base/translations.js";

/** A link that calls, with the contact's name; nothing without a number. */
export function renderEmergencyCall(me) {
  const contact = me?.emergency_contact;
  const digits = contact?.phone.replace(/[^\d+]/g, "");
  if (!digits) return nothing;
  const contactText = [localize(contact.names) || contact.name, contact.phone].filter(Boolean).join(", ");
  return html`<a class="button" href=${`tel:${digits}`}>${icons.phone}<span>${t("Call: {contact}", { contact: contactText })}</span></a>`;
}
