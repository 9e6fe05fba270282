/** Files for v86. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** A file in the form v86 wants: a buffer of its own, in multiples of 4 bytes. */
export function image(data: Uint8Array): { buffer: ArrayBuffer } {
  const padded = new Uint8Array((data.length + 3) & ~3);
  padded.set(data);
  return { buffer: padded.buffer };
}

/** v86's WebAssembly module. */
export async function v86Wasm(): Promise<Uint8Array<ArrayBuffer>> {
  const library = createRequire(import.meta.url).resolve('v86');
  return Uint8Array.from(await readFile(library.replace('libv86.mjs', 'v86.wasm')));
}
