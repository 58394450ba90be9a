// Whether what was typed is in the database: the first line of the corner, on every screen.
let open = 0;
let failed = null;
let tell = () => {};

export const savedListener = (listener) => (tell = listener);
export const saved = () => ({ writing: open > 0, failed });

/** Follows one writing to its end; answers whether it was kept. What could not be kept is said, never swallowed. */
export async function kept(writing) {
  open += 1;
  tell();
  try {
    await writing;
    failed = null;
    return true;
  } catch (problem) {
    failed = problem;
    return false;
  } finally {
    open -= 1;
    tell();
  }
}
