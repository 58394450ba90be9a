// Questions that are asked only after another's answer appear when it is given. Without this script all of
// them are there, each with its condition in words, and answers to what was not asked are left out by the server.
const form = document.getElementById("dictate");

function given(name) {
  return [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)]
    .filter((one) => !one.closest("[hidden]") && (!["radio", "checkbox"].includes(one.type) || one.checked))
    .map((one) => one.value);
}

function settle() {
  for (const question of form.querySelectorAll("[data-if]")) {
    const answers = question.dataset.is.split(" ");
    question.hidden = !given(question.dataset.if).some((one) => answers.includes(one));
  }
}

if (form) {
  for (const note of form.querySelectorAll(".only-if")) note.hidden = true;
  form.addEventListener("change", settle);
  // A condition may hang on a question further down: once more than there are conditions settles any chain.
  settle();
  settle();
  form.addEventListener("submit", () => {
    // One press is one report; the server would know it anyway, by the form's id.
    setTimeout(() => form.querySelectorAll("button").forEach((one) => (one.disabled = true)));
  });
  addEventListener("pageshow", () => form.querySelectorAll("button").forEach((one) => (one.disabled = false)));
}
