// Whether what was typed is stored: the first line of the header's status.
let pendingWrites = 0;
let lastError = null;
let notifyListener = () => {};

export const setSaveListener = (listener) => (notifyListener = listener);
export const getSaveStatus = () => ({ isSaving: pendingWrites > 0, error: lastError });

/**
 * Tracks one write to its end; whether it succeeded.
 * An error is shown in the header.
 */
export async function trackSave(save) {
  pendingWrites += 1;
  notifyListener();
  try {
    await save;
    lastError = null;
    return true;
  } catch (problem) {
    lastError = problem;
    return false;
  } finally {
    pendingWrites -= 1;
    notifyListener();
  }
}
