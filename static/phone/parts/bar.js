// What is on every screen: the way back, the corner that says what is saved and sent, and the bar for the thumb.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "./icons.js";
import { saved } from "./saved.js";
import { t, tn } from "../core/base/words.js";

function savedLine() {
  const { writing, failed } = saved();
  if (failed) return ["stop", t("Not saved"), "bad"];
  return writing ? ["pen", t("Saving"), ""] : ["check", t("Saved"), ""];
}

const left = (status) => (status.waiting?.reports ?? 0) + (status.waiting?.files ?? 0);

function sentLine(status) {
  const waiting = left(status);
  if (status.revoked) return ["stop", t("Sending stopped"), "bad"];
  if (status.refused) return ["stop", tn("{n} refused", "{n} refused", status.refused), "bad"];
  if (!waiting) return ["check", t("All sent"), ""];
  if (!status.online) return ["off", tn("{n} waiting", "{n} waiting", waiting), ""];
  if (status.sending) return ["up", tn("Sending {n}", "Sending {n}", waiting), ""];
  return ["clock", tn("{n} waiting", "{n} waiting", waiting), ""];
}

const line = ([icon, word, kind]) => html`<span class=${kind}>${icons[icon]}${word}</span>`;

/** `back`: where the arrow leads, null where there is nowhere; `status`: what core's syncing said last, null before enrolment. */
export const header = ({ back, status }) => html`<header class="top">
  ${back ? html`<a class="back" href=${back}>${icons.back}<span>${t("Back")}</span></a>` : html`<span class="brand" lang="kk">Baqylau</span>`}
  ${status ? html`<a class="corner" href="#/outbox" data-left=${left(status)}>${line(savedLine())}${line(sentLine(status))}<span class="away">${t("Open the outbox")}</span></a>` : nothing}
</header>`;

const TABS = [
  ["day", "day", () => t("Day")],
  ["guide", "book", () => t("Guide")],
  ["menu", "menu", () => t("Menu")],
];

/** The removal button never changes its place; beside it a screen's own buttons, or the three rooms. */
export const footer = ({ at, own }) => html`<nav class="thumb" aria-label=${t("Main")}>
  <a class="removal" href="#/removal">${icons.door}<span>${t("I am being thrown out")}</span></a>
  ${own ?? TABS.map(([name, icon, word]) => html`<a class="tab" href=${`#/${name}`} aria-current=${at === name ? "page" : nothing}>${icons[icon]}<span>${word()}</span></a>`)}
</nav>`;
