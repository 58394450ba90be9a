/** Smaller copies of pictures, made by the browser. A page only: some browsers have no canvas elsewhere. */

/** `blob` as a JPEG of at most `side` pixels a side, turned upright, without metadata; null where it cannot be decoded. */
export async function smaller(blob, side, quality) {
  let picture = null;
  try {
    picture = await createImageBitmap(blob);
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    const [width, height] = [picture.width, picture.height].map((one) => Math.max(1, Math.round(one * scale)));
    return await drawn(picture, width, height, quality);
  } catch {
    return null;
  } finally {
    picture?.close();
  }
}

async function drawn(picture, width, height, quality) {
  if (typeof document === "undefined") {
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").drawImage(picture, 0, 0, width, height);
    return canvas.convertToBlob({ type: "image/jpeg", quality });
  }
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage(picture, 0, 0, width, height);
  const made = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  canvas.width = canvas.height = 0; // iOS counts the memory of canvases that nobody uses any more
  return made;
}
