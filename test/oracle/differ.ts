/** What the differential tests share: one chip twice, ours and QEMU's, and reads that must be equal but for named differences. */
import type { EmulatedFunction } from '../../src/emulators/index.js';
import { Machine } from '../../src/hosts/machine/index.js';
import { openQemu } from '../../src/hosts/qemu/index.js';
import { enumerate, type PciHost } from '../../src/pci/index.js';
import type { Mmio } from '../../src/platform/mmio.js';
import { type AnyReg, hex, maskOf, meta } from '../../src/registers/index.js';
import type { qemuForTests } from './support.js';

/** A difference that is allowed: the bits of `mask` in `register`, while `when` holds. */
export interface Known {
  readonly register: AnyReg;
  readonly mask: number;
  /** With the section that decides. */
  readonly why: string;
  /** Absent: always. @param ours what our chip read; @param index which element of the register */
  readonly when?: ((ours: number, index: number) => boolean) | undefined;
  used: boolean;
}

export function known(register: AnyReg, mask: number, why: string, when?: Known['when']): Known {
  return { register, mask, why, when, used: false };
}

/** Entries that no run needed, in words. */
export function unused(list: readonly Known[]): string[] {
  return list.filter((entry) => !entry.used).map((entry) => `${entry.register[meta].name}: ${entry.why}`);
}

/** Bits that the datasheet declares: reserved ones read as zero on silicon, QEMU keeps them. */
export function declared(register: AnyReg): number {
  return Object.values(register[meta].fields).reduce(
    (all, field) => all | (field.access === 'wo' ? 0 : maskOf(field)),
    0,
  );
}

/** The registers of both chips. */
export interface Pair {
  readonly ours: Mmio;
  readonly theirs: Mmio;
}

/** Writes both. */
export function both({ ours, theirs }: Pair, register: AnyReg, value: number, index = 0): void {
  const { at, stride } = register[meta];
  for (const io of [ours, theirs]) io.write32(at + index * stride, value);
}

/** Compares one read; empty when equal or allowed. */
export function compare(pair: Pair, register: AnyReg, index: number, list: readonly Known[]): string {
  const { at, stride, name } = register[meta];
  const ours = pair.ours.read32(at + index * stride);
  const theirs = pair.theirs.read32(at + index * stride);
  let different = (ours ^ theirs) & declared(register);
  for (const entry of list) {
    if (entry.register !== register || (different & entry.mask) === 0 || entry.when?.(ours, index) === false) continue;
    entry.used = true;
    different &= ~entry.mask;
  }
  return different === 0 ? '' : `${name}[${index}]: ours ${hex(ours)}, QEMU ${hex(theirs)}, bits ${hex(different)}`;
}

/** Runs `work` on BAR 0 of our model and of QEMU's device. @param device what `-device` is given */
export async function withBoth(
  qemu: Awaited<ReturnType<typeof qemuForTests>>,
  device: string,
  model: EmulatedFunction,
  work: (pair: Pair) => void,
): Promise<void> {
  const bar = (host: PciHost): Mmio => {
    const { vendor, device: id } = model.config;
    const fn = enumerate(host).functions.find((each) => each.vendor === vendor && each.device === id)!;
    fn.enable({ memory: true, io: true });
    return fn.mapBar(0);
  };
  const host = await openQemu({ ...qemu, args: ['-device', device] });
  try {
    const machine = new Machine();
    machine.bus.add(model);
    work({ ours: bar(machine), theirs: bar(host) });
  } finally {
    await host.close();
  }
}
