// The phone's location, requested only when the observer asks for it.
import { html, nothing } from "../vendor/lit.js";
import { icons } from "./icons.js";
import { formatCoordinates } from "./formatting.js";
import { t } from "../core/base/translations.js";

const locationStatus = new Map(); // question code → text of the current state

/**
 * The phone's location {lat, lon, accuracy}, or null.
 * In degrees and metres; null where it is refused or unknown.
 */
export const getPosition = (timeoutMs = 20_000) =>
  new Promise((resolve) => {
    if (!navigator.geolocation) return resolve(null);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lat: coords.latitude, lon: coords.longitude, accuracy: Math.round(coords.accuracy) }),
      () => resolve(null),
      { enableHighAccuracy: true, timeout: timeoutMs, maximumAge: 60_000 },
    );
  });

export const formatLocation = (location) =>
  location.accuracy ? t("{place}, within {metres} m", { place: formatCoordinates(location), metres: Math.round(location.accuracy) }) : formatCoordinates(location);

export function renderLocationField(question, form) {
  const value = form.answers[question.code];
  const status = locationStatus.get(question.code);
  const locate = async () => {
    locationStatus.set(question.code, t("Looking for the place …"));
    form.page.draw();
    const position = await getPosition();
    locationStatus.set(question.code, position ? "" : t("The phone does not tell where it is. Allow it in the browser's settings, or go on without."));
    if (position) form.setAnswer(question.code, position);
    form.page.draw();
  };
  return html`
    ${value ? html`<p class="value">${formatLocation(value)}</p>` : nothing}
    <button type="button" @click=${locate}>${icons.place}<span>${value ? t("Take the place again") : t("Take the place where I am")}</span></button>
    <p class="soft" role="status">${status || nothing}</p>`;
}
