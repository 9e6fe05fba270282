/** Access to one BAR, synchronous. Tracing, recording and fault wrappers are themselves an {@link Mmio}. */

/**
 * One BAR, memory or I/O. `at` is a byte offset within it. Values are int32: bit 31 set reads as a negative number, so
 * fields are tested with `!== 0` or `pick`, never by comparing. A register that is gone (device removed) reads all
 * ones. Writes may be posted: a read of the same function flushes them.
 */
export interface Mmio {
  read8(at: number): number;
  read16(at: number): number;
  read32(at: number): number;
  write8(at: number, value: number): void;
  write16(at: number, value: number): void;
  write32(at: number, value: number): void;
  /** Size in bytes. */
  readonly bytes: number;
}
