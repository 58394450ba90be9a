// Buttons that check all boxes of a name, or uncheck them.
for (const button of document.querySelectorAll("[data-tick]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const boxes = [...button.form.querySelectorAll(`[name="${CSS.escape(button.dataset.tick)}"]`)];
    const areAllChecked = boxes.every((one) => one.checked);
    for (const box of boxes) box.checked = !areAllChecked;
  });
}
