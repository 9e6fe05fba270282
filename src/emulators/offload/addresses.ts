/** What MACs look for in the addresses of a frame. A station address is two words, as chips keep it: bytes 0 to 3, and 4 to 5. */

/** Six FFh and a station address sixteen times. */
const MAGIC_TIMES = 16;
const ADDRESS_BYTES = 6;
const MAGIC_BYTES = ADDRESS_BYTES * (1 + MAGIC_TIMES);
const HEADER_BYTES = 14;

/** Does the address `low`, `high` stand at `at`? */
export function isAddress(u8: Uint8Array, at: number, low: number, high: number): boolean {
  return (
    (u8[at]! | (u8[at + 1]! << 8) | (u8[at + 2]! << 16) | (u8[at + 3]! << 24)) === low &&
    (u8[at + 4]! | (u8[at + 5]! << 8)) === high
  );
}

/** Does the broadcast address stand at `at`? */
export function isBroadcast(u8: Uint8Array, at: number): boolean {
  return isAddress(u8, at, -1, 0xffff);
}

/** Is there a magic packet to the address in the frame at `at`: anywhere behind its header, six FFh and the address sixteen times? */
export function isMagic(u8: Uint8Array, at: number, length: number, low: number, high: number): boolean {
  const last = at + length - MAGIC_BYTES;
  for (let i = at + HEADER_BYTES; i <= last; i++) {
    if (!isBroadcast(u8, i)) continue;
    let times = 0;
    while (times < MAGIC_TIMES && isAddress(u8, i + ADDRESS_BYTES * (1 + times), low, high)) times++;
    if (times === MAGIC_TIMES) return true;
  }
  return false;
}
