/**
 * Differential test, frames: seeded sends (legacy, checksummed, segmented, tagged) and receptions on our 82540EM and on QEMU's
 * e1000. What goes on the wire must be equal byte for byte; descriptors are compared when all is quiet.
 */
import { describe, expect, test } from 'vitest';
import { I82540em } from '../../src/emulators/index.js';
import { Random } from '../../src/platform/random.js';
import { i82540em as c, hex, pick, put } from '../../src/registers/index.js';
import { ethernet, MAC } from '../emulators/rig.js';
import { cases } from '../lab/support.js';
import { proved } from '../support/results.js';
import { type Chip, difference, onBench, packets, turn } from './frame-bench.js';
import { qemuForTests } from './support.js';

const { DD, EOP, VP } = c.RXD_STATUS;
const qemu = await qemuForTests();
const { RCTL } = c;

const CHIP: Chip = {
  device: 0x100e,
  qemu: 'e1000',
  make: () => new I82540em({ mac: Uint8Array.from(MAC) }),
  map: c,
  /** Length, status and tag, bytes. */
  received(view, place, bytes) {
    const status = view.getInt32(place + c.RXD_STATUS.at, true);
    if ((status & DD) === 0) return undefined;
    const length = view.getInt32(place + c.RXD_LENGTH.at, true) & c.RXD_LENGTH.LENGTH;
    const tag = (status & VP) !== 0 ? pick(status, c.RXD_STATUS.SPECIAL) : 0;
    return `${length} ${hex(status & (DD | EOP | VP), 8)} ${hex(tag, 16)} ${bytes(length)}`;
  },
};

/** A line of `received` with a unicast address that is not the chip's. */
const FOREIGN = /^\S+ \S+ \S+ 02/;

describe.skipIf(!qemu)("frames of 82540EM and QEMU's e1000", () => {
  test(`${cases(60)} scripts of sends`, { timeout: 120_000 }, async () => {
    await onBench(qemu, CHIP, async ({ ours, theirs, ourFrames, theirFrames, settle }) => {
      for (let seed = 0; seed < cases(60); seed++) {
        const list = packets(new Random(`frames ${seed}`));
        ourFrames.length = theirFrames.length = 0;
        for (const side of [ours, theirs]) {
          side.begin();
          for (const packet of list) packet(side);
          side.doorbell();
        }
        settle();
        for (let i = 0; i < 2000 && (!theirs.idle || theirFrames.length < ourFrames.length); i++) await turn();
        expect(ours.idle && theirs.idle, `seed ${seed}`).toBe(true);
        expect(theirFrames.length, `seed ${seed}`).toBe(ourFrames.length);
        for (const [i, bytes] of ourFrames.entries())
          expect(difference(bytes, theirFrames[i]!), `seed ${seed} frame ${i}`).toBe('');
        expect(ours.statuses(), `seed ${seed}`).toEqual(theirs.statuses());
      }
    });
    proved({
      nic: '82540em',
      side: 'model',
      stranger: "QEMU's e1000, register by register",
      what: `${cases(60)} scripts of sends, byte for byte`,
    });
  });

  test(`${cases(8)} filters, a hundred receptions each`, { timeout: 120_000 }, async () => {
    await onBench(qemu, CHIP, async ({ ours, theirs, settle, inject }) => {
      for (let seed = 0; seed < cases(8); seed++) {
        const random = new Random(`receptions ${seed}`);
        const group = [0x01, 0x00, 0x5e, random.below(128), random.below(256), random.below(256)];
        const flags = [RCTL.UPE, RCTL.MPE, RCTL.BAM, RCTL.VFE].reduce(
          (all, flag) => all | (random.chance(0.4) ? flag : 0),
          0,
        );
        const control = put(RCTL.EN | RCTL.SECRC | flags, RCTL.MO, random.below(4));
        const table = Array.from({ length: 128 }, () => (random.chance(0.5) ? random.u32() | 0 : 0));
        for (const side of [ours, theirs]) {
          side.io.write32(RCTL.at, control);
          table.forEach((word, i) => {
            side.io.write32(c.MTA.at + 4 * i, word);
            side.io.write32(c.VFTA.at + 4 * i, word);
          });
        }
        for (let round = 0; round < 10; round++) {
          const from = [ours, theirs].map((side) => {
            side.repost();
            return side.rxHead;
          });
          for (let i = 0; i < 10; i++) {
            const to = [MAC, [255, 255, 255, 255, 255, 255], group, [2, 0, 0, 0, 0, random.below(8)]][random.below(4)]!;
            const frame = ethernet(to, 64 + random.below(1400), random.chance(0.3) ? 0x8100 : 0x88b5);
            if (frame[12] === 0x81) frame.set([random.below(16), random.below(256), 0x88, 0xb5], 14);
            inject(frame);
          }
          // The last one gets in whatever the filters are: when it is there, all before it were looked at.
          inject(ethernet(MAC, 99));
          settle();
          const expected = ours.received(from[0]!);
          // The multicast table is for group addresses (8254x §3.2.1 and §13.5.1); QEMU lets foreign unicast through it, too.
          const theirList = (): string[] =>
            theirs.received(from[1]!).filter((line) => (control & RCTL.UPE) !== 0 || !FOREIGN.test(line));
          // QEMU takes no frame for a second after RCTL was written.
          for (let i = 0; i < 4000 && theirList().length < expected.length; i++) await turn();
          expect(theirList(), `seed ${seed} round ${round}`).toEqual(expected);
        }
      }
    });
    proved({
      nic: '82540em',
      side: 'model',
      stranger: "QEMU's e1000, register by register",
      what: `${cases(8)} filters, a hundred receptions each`,
    });
  });
});
