// Shows conditional questions of the dictation form once their condition is met.
// Without this script all questions are shown, each with its condition as text, and the server ignores answers to
// questions that were not asked.
const form = document.getElementById("dictate");

function listAnswers(name) {
  return [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)]
    .filter((one) => !one.closest("[hidden]") && (!["radio", "checkbox"].includes(one.type) || one.checked))
    .map((one) => one.value);
}

function updateVisibility() {
  for (const question of form.querySelectorAll("[data-if]")) {
    const answers = question.dataset.is.split(" ");
    question.hidden = !listAnswers(question.dataset.if).some((one) => answers.includes(one));
  }
}

if (form) {
  for (const note of form.querySelectorAll(".only-if")) note.hidden = true;
  form.addEventListener("change", updateVisibility);
  // A condition may depend on a question that is itself conditional, so visibility is computed twice.
  updateVisibility();
  updateVisibility();
  form.addEventListener("submit", () => {
    // Prevents a second submit. The server would notice it, too, by the form's id.
    setTimeout(() => form.querySelectorAll("button").forEach((one) => (one.disabled = true)));
  });
  addEventListener("pageshow", () => form.querySelectorAll("button").forEach((one) => (one.disabled = false)));
}
