/** Both chips of Realtek's family, for tests of their driver. */
import { type DriverOptions, r8169 } from '../../src/drivers/index.js';
import { type EmulatedFunction, Rtl8125b, Rtl8168h, type Schedule } from '../../src/emulators/index.js';
import { readReg } from '../../src/platform/task.js';
import { type AnyReg, rtl8125b, rtl8168h } from '../../src/registers/index.js';
import { Bench } from './bench.js';

/** A chip, its registers, its model. */
export interface Chip {
  readonly name: string;
  readonly map: typeof rtl8168h | typeof rtl8125b;
  readonly make: (mac?: Uint8Array) => EmulatedFunction;
  /** Largest IP packet. */
  readonly mtu: number;
}

/** All that the driver drives. */
export const CHIPS: readonly Chip[] = [
  { name: 'rtl8168h', map: rtl8168h, make: (mac) => new Rtl8168h(mac ? { mac } : {}), mtu: 9194 },
  { name: 'rtl8125b', map: rtl8125b, make: (mac) => new Rtl8125b(mac ? { mac } : {}), mtu: 16_354 },
];

/** A register of the BAR as it reads. */
export function read(bench: Bench, register: AnyReg): number {
  return readReg(bench.fn.mapBar(2), register);
}

/** A bench with the chip bound and its link up. */
export function open({ make }: Chip, options: DriverOptions = {}, schedule: Schedule = 'fast'): Bench {
  return new Bench(r8169, make(), schedule).open(options);
}
