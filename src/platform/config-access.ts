/** Raw access to PCI configuration space, whichever way the host offers (CF8/CFC, ECAM, a hypervisor's protocol). */

/** Bus, device and function as one number: bus << 8 | device << 3 | function. */
export type Bdf = number;

/** Makes a {@link Bdf}. */
export function bdf(bus: number, device: number, fn: number): Bdf {
  return (bus << 8) | (device << 3) | fn;
}

/** `00:1f.6`, as lspci prints it. */
export function bdfText(address: Bdf): string {
  const two = (value: number): string => value.toString(16).padStart(2, '0');
  return `${two(address >> 8)}:${two((address >> 3) & 31)}.${address & 7}`;
}

/**
 * Configuration space of all functions. Offsets are bytes; accesses are naturally aligned. Where nobody answers, reads
 * give all ones and writes vanish.
 */
export interface ConfigAccess {
  /** 256 (mechanism 1) or 4096 (ECAM). Reads beyond give all ones. */
  readonly configBytes: number;
  read8(address: Bdf, at: number): number;
  read16(address: Bdf, at: number): number;
  read32(address: Bdf, at: number): number;
  write8(address: Bdf, at: number, value: number): void;
  write16(address: Bdf, at: number, value: number): void;
  write32(address: Bdf, at: number, value: number): void;
}

/** Port I/O of the machine. */
export interface PortIo {
  in8(port: number): number;
  in16(port: number): number;
  in32(port: number): number;
  out8(port: number, value: number): void;
  out16(port: number, value: number): void;
  out32(port: number, value: number): void;
}
