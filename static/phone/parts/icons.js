// Icons. They always stand beside text, so screen readers skip them.
import { html } from "../vendor/lit.js";

const drawIcon = (path) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${path} /></svg>`;

export const icons = {
  check: drawIcon("M4 13l5 5L20 6"),
  checks: drawIcon("M2 13l5 5L17 7M11 17l1 1L22 8"),
  clock: drawIcon("M12 3a9 9 0 100 18 9 9 0 000-18zM12 7v5l4 2"),
  pen: drawIcon("M4 20l1-5L16 4l4 4L9 19zM14 6l4 4"),
  circle: drawIcon("M12 4a8 8 0 100 16 8 8 0 000-16z"),
  warning: drawIcon("M12 3L1 21h22zM12 10v5M12 17.5v1"),
  stop: drawIcon("M8 3h8l5 5v8l-5 5H8l-5-5V8zM8 12h8"),
  up: drawIcon("M12 20V5M6 11l6-6 6 6"),
  off: drawIcon("M4 4l16 16M8 18h8M5 12a10 10 0 013-2M16 10a10 10 0 013 2"),
  door: drawIcon("M10 3H4v18h6M14 8l5 4-5 4M19 12H9"),
  phone: drawIcon("M6 3h4l2 5-3 2a12 12 0 005 5l2-3 5 2v4a2 2 0 01-2 2A16 16 0 014 5a2 2 0 012-2z"),
  day: drawIcon("M4 6h16v15H4zM4 10h16M8 3v5M16 3v5"),
  book: drawIcon("M12 6c-3-2-6-2-9-1v14c3-1 6-1 9 1 3-2 6-2 9-1V5c-3-1-6-1-9 1zM12 6v14"),
  menu: drawIcon("M4 6h16M4 12h16M4 18h16"),
  back: drawIcon("M15 4l-8 8 8 8"),
  next: drawIcon("M9 4l8 8-8 8"),
  down: drawIcon("M12 4v15M6 13l6 6 6-6"),
  camera: drawIcon("M3 7h4l2-3h6l2 3h4v13H3zM12 9a4 4 0 100 8 4 4 0 000-8z"),
  film: drawIcon("M3 6h13v12H3zM16 10l5-3v10l-5-3z"),
  sound: drawIcon("M12 3a3 3 0 00-3 3v6a3 3 0 006 0V6a3 3 0 00-3-3zM5 11a7 7 0 0014 0M12 18v3"),
  file: drawIcon("M6 3h8l5 5v13H6zM14 3v5h5"),
  place: drawIcon("M12 21c5-6 7-9 7-12a7 7 0 00-14 0c0 3 2 6 7 12zM12 7a2 2 0 100 4 2 2 0 000-4z"),
  letter: drawIcon("M3 5h18v14H3zM3 6l9 7 9-7"),
};
