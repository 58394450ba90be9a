// Header and footer of every screen.
// The header has the back link and the status of saving and sending; the footer is the bar at the thumb.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "./icons.js";
import { getSaveStatus } from "./save_status.js";
import { t, tn } from "../core/base/translations.js";

function getSaveLine() {
  const { isSaving, error } = getSaveStatus();
  if (error) return ["stop", t("Not saved"), "bad"];
  return isSaving ? ["pen", t("Saving"), ""] : ["check", t("Saved"), ""];
}

const countUnsent = (status) => (status.waiting?.reports ?? 0) + (status.waiting?.files ?? 0);

function getSendLine(status) {
  const waiting = countUnsent(status);
  if (status.revoked) return ["stop", t("Sending stopped"), "bad"];
  if (status.refused) return ["stop", tn("{n} refused", "{n} refused", status.refused), "bad"];
  if (!waiting) return ["check", t("All sent"), ""];
  if (!status.online) return ["off", tn("{n} waiting", "{n} waiting", waiting), ""];
  if (status.sending) return ["up", tn("Sending {n}", "Sending {n}", waiting), ""];
  return ["clock", tn("{n} waiting", "{n} waiting", waiting), ""];
}

const renderLine = ([icon, label, kind]) => html`<span class=${kind}>${icons[icon]}${label}</span>`;

/**
 * Renders the header.
 * `back`: address of the back link, null without one; `status`: from `loadSendStatus`, null before enrolment.
 */
export const renderHeader = ({ back, status }) => html`<header class="top">
  ${back ? html`<a class="back" href=${back}>${icons.back}<span>${t("Back")}</span></a>` : html`<span class="brand" lang="kk">Baqylau</span>`}
  ${status ? html`<a class="corner" href="#/outbox" data-left=${countUnsent(status)}>${renderLine(getSaveLine())}${renderLine(getSendLine(status))}<span class="away">${t("Open the outbox")}</span></a>` : nothing}
</header>`;

const TABS = [
  ["day", "day", () => t("Day")],
  ["guide", "book", () => t("Guide")],
  ["menu", "menu", () => t("Menu")],
];

/**
 * Renders the bottom bar.
 * The removal button never moves; beside it are the screen's own buttons or the tabs.
 */
export const renderFooter = ({ activeTab, ownButtons }) => html`<nav class="thumb" aria-label=${t("Main")}>
  <a class="removal" href="#/removal">${icons.door}<span>${t("I am being thrown out")}</span></a>
  ${ownButtons ?? TABS.map(([name, icon, label]) => html`<a class="tab" href=${`#/${name}`} aria-current=${activeTab === name ? "page" : nothing}>${icons[icon]}<span>${label()}</span></a>`)}
</nav>`;
