// Notices of a screen: an icon, a title and a text.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "./icons.js";

const ICONS_BY_KIND = { good: "check", plain: "circle", care: "warning", bad: "stop", wait: "clock", off: "off" };

/** `title` says what happened, `body` what is safe and what to do. */
export const renderNotice = (kind, title, body = nothing) => html`<div class="notice ${kind}">
  ${icons[ICONS_BY_KIND[kind]]}
  <div><p class="title">${title}</p>${typeof body === "string" ? html`<p>${body}</p>` : body}</div>
</div>`;

/** Text for an empty list, with what to do next. */
export const renderEmpty = (text, more = nothing) => html`<div class="empty"><p>${text}</p>${more}</div>`;
