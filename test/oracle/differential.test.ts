/**
 * Differential test: seeded scripts of register accesses, run on our 82540EM and on QEMU's e1000. What is read must be equal in
 * every bit that the datasheet declares, except where an entry below says why not; an entry that no run needs fails.
 */
import { describe, expect, test } from 'vitest';
import { I82540em } from '../../src/emulators/index.js';
import { Random } from '../../src/platform/random.js';
import { type AnyReg, i82540em as c, hex, meta } from '../../src/registers/index.js';
import { cases } from '../lab/support.js';
import { proved } from '../support/results.js';
import { both, compare, type Known, known, type Pair, unused, withBoth } from './differ.js';
import { qemuForTests } from './support.js';

const qemu = await qemuForTests();

/** Registers that QEMU's e1000 does not have: it reads 0 and drops writes. Checked: one that answers belongs into the scripts. */
const ABSENT: readonly AnyReg[] = [
  c.FLA,
  c.FCAL,
  c.FCAH,
  c.FCT,
  c.FCTTV,
  c.TXCW,
  c.FCRTL,
  c.FCRTH,
  c.RXDCTL,
  c.RSRPD,
  c.TIPG,
  c.TIDV,
  c.TXDMAC,
  c.TSPMT,
  c.RXCSUM,
];

const KNOWN: readonly Known[] = [
  known(
    c.PBA,
    c.PBA.TXA,
    'the transmit part follows from the receive part (8254x §13.4.16); QEMU stores what is written',
  ),
  known(c.WUC, c.WUC.PME_STATUS, 'cleared by writing 1 (8254x §13.6.1); QEMU stores it'),
];

/** Registers that are plain storage in the datasheet, so that a script may write anything to them at any time. */
const SCRIPTED: readonly AnyReg[] = [
  c.VET,
  c.PBA,
  c.LEDCTL,
  c.RDTR,
  c.RADV,
  c.TADV,
  c.ITR,
  c.RDBAL,
  c.RDBAH,
  c.RDLEN,
  c.TDBAL,
  c.TDBAH,
  c.TDLEN,
  c.TXDCTL,
  c.MTA,
  c.RAL,
  c.RAH,
  c.VFTA,
  c.WUC,
  c.WUFC,
  c.IPAV,
  c.IP4AT,
  c.IP6AT,
  c.FFLT,
  c.FFMT,
  c.FFVT,
  c.AIT,
  c.RDFH,
  c.RDFT,
  c.RDFHS,
  c.RDFTS,
  c.TDFH,
  c.TDFT,
  c.TDFHS,
  c.TDFTS,
];

const chip = (work: (pair: Pair) => void): Promise<void> =>
  withBoth(qemu, 'e1000,mac=52:54:00:12:34:56', new I82540em(), work);

describe.skipIf(!qemu)("82540EM against QEMU's e1000", () => {
  test(`${cases(300)} scripts of register accesses read the same`, async () => {
    await chip((pair) => {
      // QEMU's LEDs start otherwise than 8254x §13.4.15 says, its MAC with address 0 of the option: scripts start from zeros.
      for (const register of [c.LEDCTL, c.RAL, c.RAH])
        for (const io of [pair.ours, pair.theirs]) io.write32(register[meta].at, 0);
      for (let seed = 0; seed < cases(300); seed++) {
        const random = new Random(`differential ${seed}`);
        const script: string[] = [];
        for (let i = 0; i < 24; i++) {
          const register = SCRIPTED[random.below(SCRIPTED.length)]!;
          const { at, stride, count, name } = register[meta];
          const index = random.below(count);
          if (random.chance(0.6)) {
            const value = random.chance(0.3) ? [0, -1, 0x5a5a5a5a, 0x80][random.below(4)]! : random.u32() | 0;
            script.push(`${name}[${index}] = ${hex(value)}`);
            for (const io of [pair.ours, pair.theirs]) io.write32(at + index * stride, value);
          }
          const wrong = compare(pair, register, index, KNOWN);
          expect(wrong, `seed ${seed} after\n${script.join('\n')}`).toBe('');
        }
      }
    });
    expect(unused(KNOWN)).toEqual([]);
    proved({
      nic: '82540em',
      side: 'model',
      stranger: "QEMU's e1000, register by register",
      what: `${cases(300)} seeded scripts`,
    });
  });

  test('interrupt causes, mask, set and clear behave the same', async () => {
    await chip((pair) => {
      for (let seed = 0; seed < cases(200); seed++) {
        const random = new Random(`causes ${seed}`);
        for (let i = 0; i < 12; i++) {
          // TXDW, TXQE, LSC, RXSEQ, RXDMT0, RXO, RXT0: what the datasheet names and both have.
          const causes = random.u32() & 0xdf;
          both(pair, [c.ICS, c.IMS, c.IMC][random.below(3)]!, causes);
          if (random.chance(0.3))
            expect(pair.ours.read32(c.IMS.at) & 0xdf, `seed ${seed}`).toBe(pair.theirs.read32(c.IMS.at) & 0xdf);
          if (random.chance(0.3))
            expect(pair.ours.read32(c.ICR.at) & 0xdf, `seed ${seed}`).toBe(pair.theirs.read32(c.ICR.at) & 0xdf);
        }
      }
    });
  });

  test('the registers that QEMU lacks are still the ones listed', async () => {
    await chip(({ theirs, ours }) => {
      for (const register of ABSENT) {
        const { at, name } = register[meta];
        theirs.write32(at, -1);
        ours.write32(at, -1);
        expect([name, theirs.read32(at)]).toEqual([name, 0]);
        expect(ours.read32(at), name).not.toBe(0);
      }
    });
  });
});
