/**
 * Differential test: seeded scripts of register accesses, run on our 82574L and on QEMU's e1000e. What is read must be equal in
 * every bit that the datasheet declares, except where an entry below says why not; an entry that no run needs fails.
 */
import { describe, expect, test } from 'vitest';
import { I82574 } from '../../src/emulators/index.js';
import { Random } from '../../src/platform/random.js';
import { type AnyReg, i82574 as c, hex, meta } from '../../src/registers/index.js';
import { cases } from '../lab/support.js';
import { proved } from '../support/results.js';
import { both, compare, type Known, known, type Pair, unused, withBoth } from './differ.js';
import { qemuForTests } from './support.js';

const qemu = await qemuForTests();
const STRANGER = "QEMU's e1000e, register by register";

/** Registers that QEMU's e1000e does not have: it reads 0. Checked: one that answers belongs into the scripts. */
const ABSENT: readonly AnyReg[] = [c.TXCW, c.TIDV];

const KNOWN = [
  known(
    c.PBA,
    c.PBA.TXA,
    'the transmit part follows from the receive part (82574 §10.2.2); QEMU stores what is written',
  ),
  ...[c.TARC0, c.TARC1].map((register) =>
    known(
      register,
      c.TARC0.ERRATA | c.TARC0.BIT31,
      'storage: e1000e sets bit 26 and reads the register back to change it (82574 §10.2.6); QEMU reads 0',
    ),
  ),
  known(
    c.FTFT,
    -1,
    'a table of 256 words (82574 §5.4); QEMU has 255',
    (_ours, index) => index === c.FTFT[meta].count - 1,
  ),
  known(c.WUC, c.WUC.PME_STATUS, 'cleared by writing 1 (82574 §5.4); QEMU stores it'),
];

/** Registers that are plain storage in the datasheet, so that a script may write anything to them at any time. */
const SCRIPTED: readonly AnyReg[] = [
  c.FCAL,
  c.FCAH,
  c.FCT,
  c.FCTTV,
  c.FCRTV,
  c.FCRTL,
  c.FCRTH,
  c.VET,
  c.PBA,
  c.PBS,
  c.LEDCTL,
  c.EXTCNF_SIZE,
  c.FUNCTAG,
  c.GSCL,
  c.GCR2,
  c.MFVAL,
  c.MFUTP01,
  c.MFUTP23,
  c.MANC2H,
  c.MAVTV,
  c.MDEF,
  c.EIAC,
  c.IAM,
  c.IVAR,
  c.ITR,
  c.EITR,
  c.RSRPD,
  c.RAID,
  c.RADV,
  c.TADV,
  c.RDTR,
  c.PSRCTL,
  c.RXCSUM,
  c.RFCTL,
  c.MRQC,
  c.RETA,
  c.RSSRK,
  c.TIPG,
  c.AIT,
  ...c.RX_QUEUES.flatMap((queue) => [queue.RDBAL, queue.RDBAH, queue.RDLEN, queue.RDH, queue.RDT]),
  ...c.TX_QUEUES.flatMap((queue) => [queue.TDBAL, queue.TDBAH, queue.TDLEN, queue.TDH, queue.TDT, queue.TXDCTL]),
  c.TARC0,
  c.TARC1,
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
  c.FTFT,
  c.RDFH,
  c.RDFT,
  c.RDFHS,
  c.RDFTS,
  c.TDFH,
  c.TDFT,
  c.TDFHS,
  c.TDFTS,
  c.TIMADJL,
  c.RXCFGL,
  c.RXUDP,
];

/** Differences of power-on values. */
const AT_RESET = [
  ...[c.FCAL, c.FCAH, c.FCT].map((register) =>
    known(register, -1, 'starts as the address and type of PAUSE frames (82574 §10.2.2); QEMU starts with 0'),
  ),
];

/** Registers whose value after power-on both must know. */
const RESETS: readonly AnyReg[] = SCRIPTED.filter((register) => !register[meta].volatile);

const chip = (work: (pair: Pair) => void): Promise<void> =>
  withBoth(qemu, 'e1000e,mac=52:54:00:12:34:56', new I82574(), work);

describe.skipIf(!qemu)("82574L against QEMU's e1000e", () => {
  test('power-on values and scripts of register accesses read the same', async () => {
    await chip((pair) => {
      const wrong = RESETS.map((register) => compare(pair, register, 0, AT_RESET)).filter(Boolean);
      expect(wrong).toEqual([]);
      for (const { register } of AT_RESET) both(pair, register, 0);
      // Address 0 comes from QEMU's option and from our NVM.
      for (const register of [c.RAL, c.RAH, c.WUC]) both(pair, register, 0);
      for (let seed = 0; seed < cases(300); seed++) {
        const random = new Random(`differential 82574 ${seed}`);
        const script: string[] = [];
        for (let i = 0; i < 24; i++) {
          const register = SCRIPTED[random.below(SCRIPTED.length)]!;
          const { count, name } = register[meta];
          const index = random.below(count);
          if (random.chance(0.6)) {
            const value = random.chance(0.3) ? [0, -1, 0x5a5a5a5a, 0x80][random.below(4)]! : random.u32() | 0;
            script.push(`${name}[${index}] = ${hex(value)}`);
            both(pair, register, value, index);
          }
          const found = compare(pair, register, index, KNOWN);
          expect(found, `seed ${seed} after\n${script.join('\n')}`).toBe('');
        }
      }
    });
    expect(unused([...AT_RESET, ...KNOWN])).toEqual([]);
    proved({ nic: '82574l', side: 'model', stranger: STRANGER, what: `${cases(300)} seeded scripts` });
  });

  test('interrupt causes, mask, set, clear and auto-mask behave the same', async () => {
    const asserted = known(
      c.ICR,
      c.ICR.INT_ASSERTED,
      'set when the chip interrupts because of an enabled cause (82574 §10.2.4); QEMU sets it with any cause',
      (ours) => (ours & c.ICR.INT_ASSERTED) === 0,
    );
    const kept = known(
      c.ICR,
      -1,
      'reading does not clear while something is enabled and nothing enabled is set (82574 §10.2.4); QEMU clears outside MSI-X',
      (ours) => ours !== 0,
    );
    const masked = known(
      c.IMS,
      -1,
      'with CTRL_EXT.IAME an acknowledged interrupt masks what IAM says (82574 §10.2.4); QEMU masks outside MSI-X only on writes, and then also without an enabled cause',
    );
    await chip((pair) => {
      // What both have: TXDW, TXQE, LSC, RXDMT0, RXO, RXT0, MDAC, TXD_LOW, SRPD, ACK, MNG and the queues.
      const all = 0x01f7_82d7;
      for (let seed = 0; seed < cases(200); seed++) {
        const random = new Random(`causes 82574 ${seed}`);
        const script: string[] = [];
        const write = (register: AnyReg, value: number): void => {
          script.push(`${register[meta].name} = ${hex(value)}`);
          both(pair, register, value);
        };
        const check = (register: AnyReg, list: readonly Known[]): void => {
          const found = compare(pair, register, 0, list);
          expect(found, `seed ${seed} after\n${script.join('\n')}`).toBe('');
          script.push(`read ${register[meta].name}`);
        };
        const iame = random.chance(0.3);
        const iam = random.u32() & all;
        write(c.CTRL_EXT, iame ? c.CTRL_EXT.IAME : 0);
        write(c.IAM, iam);
        for (let i = 0; i < 16; i++) {
          const register = [c.ICS, c.IMS, c.IMC, c.ICR][random.below(4)]!;
          write(register, random.u32() & all);
          const reads = random.chance(0.3);
          if (reads) {
            check(c.ICR, [asserted]);
            check(c.ICR, [asserted, kept]);
            // From here on both have the same causes again.
            write(c.ICR, all);
          }
          check(c.IMS, iame && (reads || register === c.ICR) ? [masked] : []);
          if (iame && (reads || register === c.ICR)) write(c.IMC, iam);
        }
      }
    });
    const list = [asserted, kept, masked];
    expect(unused(list)).toEqual([]);
    proved({ nic: '82574l', side: 'model', stranger: STRANGER, what: `${cases(200)} scripts of causes and masks` });
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
