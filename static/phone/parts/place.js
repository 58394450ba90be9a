// Where the phone is, asked only when the observer asks for it.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "./icons.js";
import { coordinates } from "./when.js";
import { t } from "../core/base/words.js";

const looking = new Map(); // question code: what is going on

/** {lat, lon, accuracy} of this phone, or null where it cannot or may not be told. */
export const position = (milliseconds = 20_000) =>
  new Promise((resolve) => {
    if (!navigator.geolocation) return resolve(null);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lat: coords.latitude, lon: coords.longitude, accuracy: Math.round(coords.accuracy) }),
      () => resolve(null),
      { enableHighAccuracy: true, timeout: milliseconds, maximumAge: 60_000 },
    );
  });

export const placeWord = (place) =>
  place.accuracy ? t("{place}, within {metres} m", { place: coordinates(place), metres: Math.round(place.accuracy) }) : coordinates(place);

export function place(question, form) {
  const value = form.answers[question.code];
  const now = looking.get(question.code);
  const look = async () => {
    looking.set(question.code, t("Looking for the place …"));
    form.page.draw();
    const found = await position();
    looking.set(question.code, found ? "" : t("The phone does not tell where it is. Allow it in the browser's settings, or go on without."));
    if (found) form.set(question.code, found);
    form.page.draw();
  };
  return html`
    ${value ? html`<p class="value">${placeWord(value)}</p>` : nothing}
    <button type="button" @click=${look}>${icons.place}<span>${value ? t("Take the place again") : t("Take the place where I am")}</span></button>
    <p class="soft" role="status">${now || nothing}</p>`;
}
