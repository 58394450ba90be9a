// What a screen has to say apart from its content: a shape, a word, what is safe, what to do.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "./icons.js";

const SHAPES = { good: "check", plain: "circle", care: "warning", bad: "stop", wait: "clock", off: "off" };

/** A box with a shape; `title` says what happened, `body` what is safe and what to do. */
export const notice = (kind, title, body = nothing) => html`<div class="notice ${kind}">
  ${icons[SHAPES[kind]]}
  <div><p class="title">${title}</p>${typeof body === "string" ? html`<p>${body}</p>` : body}</div>
</div>`;

/** Nothing is here yet: said in words, with what to do next. */
export const empty = (text, more = nothing) => html`<div class="empty"><p>${text}</p>${more}</div>`;
