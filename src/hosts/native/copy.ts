/** Copying between two memories. */

/** From this many bytes on a view costs less than a loop: about 0.3 us, a loop 1 to 3 ns for each byte. */
const LOOP_BELOW = 128;

/** Copies `bytes` bytes; makes a view only where that is cheaper than a loop. */
export function copyBytes(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, bytes: number): void {
  if (bytes < LOOP_BELOW) for (let i = 0; i < bytes; i++) to[toAt + i] = from[fromAt + i]!;
  else to.set(from.subarray(fromAt, fromAt + bytes), toAt);
}
