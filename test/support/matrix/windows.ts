/**
 * What drivers reach behind the windows of Realtek's chips where no register is declared. The models only keep it; what it is
 * for is said here, range by range, and an address outside of them is a finding.
 */
import type { IndirectSpace } from '../../../src/emulators/index.js';
import { hex } from '../../../src/registers/index.js';

/** Addresses behind a window that are known to be storage without a register. */
interface Stored {
  readonly nic: string;
  /** Name of the space: its map's. */
  readonly space: string;
  readonly from: number;
  readonly to: number;
  /** What they are for, and who says so. */
  readonly why: string;
}

const STORED: readonly Stored[] = [
  {
    nic: 'rtl8125b',
    space: 'PHY',
    from: 0xb906,
    to: 0xb906,
    why: "page b90h, register 19 of the PHY: DPDK's net_r8169 alone reads it, nobody writes it; what it says is not public",
  },
];

/** Touched addresses without a register that {@link STORED} does not explain. @param nic as in src/lab/nics.ts */
export function unexplained(nic: string, spaces: readonly IndirectSpace[]): string[] {
  return spaces.flatMap((space) => {
    const { space: name } = space.file.map;
    const known = STORED.filter((each) => each.nic === nic && each.space === name);
    return space
      .undeclared()
      .filter(({ address }) => !known.some(({ from, to }) => address >= from && address <= to))
      .map(
        ({ address, read, written }) => `${name} ${hex(address, 16)} ${read ? 'read' : ''} ${written ? 'written' : ''}`,
      );
  });
}
