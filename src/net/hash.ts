/** Streaming SHA-256: plain by default, the host's own when it is handed in. */
import { sha256 } from '@noble/hashes/sha2.js';

/** A hash being computed. Node's `crypto.createHash('sha256')` is one. */
export interface StreamingHash {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

/** Begins a hash. */
export type HashFactory = () => StreamingHash;

/** SHA-256 in plain JavaScript. */
export const plainSha256: HashFactory = () => sha256.create();

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
