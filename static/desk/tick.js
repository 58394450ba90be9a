// One press ticks every box of a name, another none of them.
for (const button of document.querySelectorAll("[data-tick]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const boxes = [...button.form.querySelectorAll(`[name="${CSS.escape(button.dataset.tick)}"]`)];
    const all = boxes.every((one) => one.checked);
    for (const box of boxes) box.checked = !all;
  });
}
