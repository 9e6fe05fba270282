/** The PHY behind MDIC: access, auto-negotiation, PAUSE (8254x §13.4.7, chapter 8; 82574 §10.2.2; 802.3 clauses 22, 28, 40). */
import { NicError } from '../../platform/errors.js';
import type { Mmio } from '../../platform/mmio.js';
import { sleep, type Task, until } from '../../platform/task.js';
import { type AnyReg, meta, pick, put } from '../../registers/define.js';
import { M88_PSCR } from '../../registers/i82540em/index.js';
import { ADVERTISE, BMCR, BMSR, CTRL1000, ESTATUS, LPA, PHYSID1, PHYSID2 } from '../../registers/mii.js';
import type { IntelChip } from './family.js';

/** The internal PHY's address. */
const PHY_ADDRESS = 1;
const OP_WRITE = 1;
const OP_READ = 2;
const MDI_US = 5_000;
const RESET_US = 500_000;
/** Marvell's OUI and model without the revision: 88E1011. */
const M88E1011 = 0x0141_0c20;
const REVISION_BITS = 0xf;
const SELECTOR_8023 = 1;
const MDIX_AUTO = 3;

/** Reads a PHY register; `at` of a register is twice its number. @throws NicError `timeout`, `bad-device` */
export function* readPhy(io: Mmio, chip: IntelChip, register: AnyReg): Task<number> {
  io.write32(chip.MDIC.at, command(chip, OP_READ, register, 0));
  return pick(yield* done(io, chip, register), chip.MDIC.DATA);
}

/** Writes a PHY register. @throws NicError `timeout`, `bad-device` */
export function* writePhy(io: Mmio, chip: IntelChip, register: AnyReg, value: number): Task<void> {
  io.write32(chip.MDIC.at, command(chip, OP_WRITE, register, value));
  yield* done(io, chip, register);
}

function command(chip: IntelChip, op: number, register: AnyReg, value: number): number {
  const { MDIC } = chip;
  let word = put(0, MDIC.OP, op);
  word = put(word, MDIC.PHYADD, PHY_ADDRESS);
  word = put(word, MDIC.REGADD, register.at >> 1);
  return put(word, MDIC.DATA, value);
}

function* done(io: Mmio, chip: IntelChip, register: AnyReg): Task<number> {
  const { MDIC } = chip;
  const value = yield* until(io, MDIC, MDIC.R, MDIC.R, { within: MDI_US, ref: MDIC[meta].ref, every: 50 });
  if ((value & MDIC.E) !== 0)
    throw new NicError('bad-device', `the PHY did not answer at register ${register.at >> 1}`, {
      register: 'MDIC',
      value,
      ref: MDIC[meta].ref,
    });
  return value;
}

/** The PHY's identity: both words. @throws NicError `unsupported` when nobody is there */
export function* identifyPhy(io: Mmio, chip: IntelChip): Task<number> {
  const id = ((yield* readPhy(io, chip, PHYSID1)) << 16) | (yield* readPhy(io, chip, PHYSID2));
  if (id === 0 || id === -1) throw new NicError('unsupported', 'no PHY answers', { register: 'PHYSID1', value: id });
  return id;
}

/** True for the PHY that the 82540EM has. */
export function isM88E1011(id: number): boolean {
  return (id & ~REVISION_BITS) === M88E1011;
}

/**
 * Resets the PHY and starts auto-negotiation, offering all it can and PAUSE. Returns at once: the link comes later.
 * @throws NicError `timeout` when the reset does not end
 */
export function* startNegotiation(io: Mmio, chip: IntelChip, id: number, pause: boolean): Task<void> {
  if (isM88E1011(id)) {
    const control = yield* readPhy(io, chip, M88_PSCR);
    // Crossover on its own, polarity correction on (88E1011 register 16); both take effect with the reset below.
    const wanted = put(control, M88_PSCR.MDI_X_MODE, MDIX_AUTO) & ~M88_PSCR.POLARITY_REVERSAL;
    yield* writePhy(io, chip, M88_PSCR, wanted | M88_PSCR.ASSERT_CRS_ON_TX);
  }
  yield* writePhy(io, chip, BMCR, (yield* readPhy(io, chip, BMCR)) | BMCR.RESET);
  yield* resetOver(io, chip);
  const status = yield* readPhy(io, chip, BMSR);
  let offer = put(0, ADVERTISE.SELECTOR, SELECTOR_8023);
  if ((status & BMSR.HALF10) !== 0) offer |= ADVERTISE.HALF10;
  if ((status & BMSR.FULL10) !== 0) offer |= ADVERTISE.FULL10;
  if ((status & BMSR.HALF100) !== 0) offer |= ADVERTISE.HALF100;
  if ((status & BMSR.FULL100) !== 0) offer |= ADVERTISE.FULL100;
  if (pause) offer |= ADVERTISE.PAUSE | ADVERTISE.ASM_DIR;
  yield* writePhy(io, chip, ADVERTISE, offer);
  // The 88E1011 is known to do gigabit; another PHY says so in its extended status (802.3 §22.2.4.4).
  let gigabit = isM88E1011(id);
  if (!gigabit && (status & BMSR.ESTATEN) !== 0)
    gigabit = ((yield* readPhy(io, chip, ESTATUS)) & ESTATUS.FULL1000T) !== 0;
  if (gigabit) yield* writePhy(io, chip, CTRL1000, CTRL1000.FULL);
  yield* writePhy(io, chip, BMCR, BMCR.ANENABLE | BMCR.ANRESTART);
}

/** BMCR.RESET clears itself within half a second (802.3 §22.2.4.1.1). */
function* resetOver(io: Mmio, chip: IntelChip): Task<void> {
  const start = yield 0;
  let now = start;
  let control = yield* readPhy(io, chip, BMCR);
  while ((control & BMCR.RESET) !== 0) {
    if (now - start > RESET_US)
      throw new NicError('timeout', `BMCR.RESET did not clear within ${RESET_US} us`, {
        register: 'BMCR',
        value: control,
        ref: '802.3 §22.2.4.1.1',
      });
    yield* sleep(1_000);
    now = yield 0;
    control = yield* readPhy(io, chip, BMCR);
  }
}

/** What both ends settled about PAUSE. */
export interface PauseResolution {
  readonly receive: boolean;
  readonly send: boolean;
}

/** 802.3 table 28B-3, from what was offered and what the partner offers. */
export function resolvePause(offer: number, partner: number): PauseResolution {
  const [pause, asym] = [(offer & ADVERTISE.PAUSE) !== 0, (offer & ADVERTISE.ASM_DIR) !== 0];
  const [theirs, theirAsym] = [(partner & LPA.PAUSE) !== 0, (partner & LPA.ASM_DIR) !== 0];
  if (pause && theirs) return { receive: true, send: true };
  if (!pause && asym && theirs && theirAsym) return { receive: false, send: true };
  if (pause && asym && !theirs && theirAsym) return { receive: true, send: false };
  return { receive: false, send: false };
}

/** Reads both offers and resolves them. */
export function* readPause(io: Mmio, chip: IntelChip): Task<PauseResolution> {
  return resolvePause(yield* readPhy(io, chip, ADVERTISE), yield* readPhy(io, chip, LPA));
}

/** Puts the PHY to sleep (802.3 §22.2.4.1.5). */
export function* powerDownPhy(io: Mmio, chip: IntelChip): Task<void> {
  yield* writePhy(io, chip, BMCR, (yield* readPhy(io, chip, BMCR)) | BMCR.PDOWN);
}
