/**
 * Makes smaller copies of images.
 * Used in pages only: some browsers have no canvas in workers.
 */

/**
 * `blob` as a JPEG of at most `maxSidePx` a side.
 * Turned upright, without metadata; null where it cannot be decoded.
 */
export async function resizeImage(blob, maxSidePx, quality) {
  let bitmap = null;
  try {
    bitmap = await createImageBitmap(blob);
    const scale = Math.min(1, maxSidePx / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((one) => Math.max(1, Math.round(one * scale)));
    return await encodeJpeg(bitmap, width, height, quality);
  } catch {
    return null;
  } finally {
    bitmap?.close();
  }
}

async function encodeJpeg(bitmap, width, height, quality) {
  if (typeof document === "undefined") {
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, width, height);
    return canvas.convertToBlob({ type: "image/jpeg", quality });
  }
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, width, height);
  const jpeg = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  canvas.width = canvas.height = 0; // iOS counts the memory of unused canvases
  return jpeg;
}
