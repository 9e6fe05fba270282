/** Big-endian fields at an offset of a byte array. Callers have checked the length; nothing here checks it again. */

/** 16 bits, 0 to 65535. */
export function get16(u8: Uint8Array, at: number): number {
  return (u8[at]! << 8) | u8[at + 1]!;
}

/** 32 bits as an int32, so that no heap number is made. */
export function get32(u8: Uint8Array, at: number): number {
  return (u8[at]! << 24) | (u8[at + 1]! << 16) | (u8[at + 2]! << 8) | u8[at + 3]!;
}

/** Stores the low 16 bits. */
export function set16(u8: Uint8Array, at: number, value: number): void {
  u8[at] = value >>> 8;
  u8[at + 1] = value;
}

/** Stores 32 bits. */
export function set32(u8: Uint8Array, at: number, value: number): void {
  u8[at] = value >>> 24;
  u8[at + 1] = value >>> 16;
  u8[at + 2] = value >>> 8;
  u8[at + 3] = value;
}

/** Copies a few bytes (a MAC address) without making a view. */
export function copyBytes(to: Uint8Array, toAt: number, from: Uint8Array, fromAt: number, bytes: number): void {
  for (let i = 0; i < bytes; i++) to[toAt + i] = from[fromAt + i]!;
}

/** True when `bytes` bytes are equal. */
export function sameBytes(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, bytes: number): boolean {
  for (let i = 0; i < bytes; i++) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}

/** True when all of `bytes` bytes are zero. */
export function allZero(u8: Uint8Array, at: number, bytes: number): boolean {
  for (let i = 0; i < bytes; i++) if (u8[at + i] !== 0) return false;
  return true;
}
