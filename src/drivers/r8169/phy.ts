/** The internal PHY: power, parameters, what it offers its partner (802.3 clauses 22, 28, 40, 45; r8169 and its PHY drivers). */
import { NicError } from '../../platform/errors.js';
import { sleep, type Task } from '../../platform/task.js';
import { type AnyReg, explainFields, meta } from '../../registers/define.js';
import type { Access } from './access.js';
import type { Rtl } from './chip.js';

/** 802.3 §22.2.4.1.1: a reset is over after half a second. */
const RESET_US = 500_000;
/** OpenBSD rge_set_phy_power, DPDK rtl_wait_phy_ups_resume: 100 looks, a millisecond apart. */
const AWAKE_US = 100_000;
const AWAKE = 3;
const LOOK_US = 1_000;
const SELECTOR_8023 = 1;
const NOBODY = 0xffff;

/** Brings the PHY up and starts auto-negotiation; the link comes later. @throws NicError `unsupported`, `timeout`, `gone` */
export function* startPhy(access: Access, rtl: Rtl, eee: boolean, pause: boolean): Task<void> {
  const { ADVERTISE, BMCR, PHYSID1 } = rtl.map;
  const id = yield* access.readPhy(PHYSID1);
  if (id === 0 || id === NOBODY)
    throw new NicError('unsupported', 'no PHY answers', {
      device: access.device,
      register: PHYSID1[meta].name,
      value: id,
      ref: PHYSID1[meta].ref,
    });
  yield* powerUp(access, rtl);
  yield* access.run(rtl.phy);
  yield* rtl.tunePhy(access);
  yield* access.changePhy(BMCR, 0, BMCR.RESET);
  yield* phyIs(access, BMCR, BMCR.RESET, 0, RESET_US);
  yield* access.run(eee ? rtl.eee.on : rtl.eee.off);
  yield* access.writePhy(ADVERTISE, yield* offer(access, rtl, pause));
  yield* offerGigabit(access, rtl);
  yield* access.writePhy(BMCR, BMCR.ANENABLE | BMCR.ANRESTART);
}

/** A PHY that was powered down takes a moment. */
function* powerUp(access: Access, rtl: Rtl): Task<void> {
  const { BMCR, PHY_STATE } = rtl.map;
  yield* access.writePhy(BMCR, BMCR.ANENABLE);
  yield* phyIs(access, PHY_STATE, PHY_STATE.STATE, AWAKE, AWAKE_US);
}

/** All that BMSR says it can do at 10 and 100 Mb/s, and PAUSE. */
function* offer(access: Access, rtl: Rtl, pause: boolean): Task<number> {
  const { ADVERTISE, BMSR } = rtl.map;
  const status = yield* access.readPhy(BMSR);
  let word = SELECTOR_8023;
  if ((status & BMSR.HALF10) !== 0) word |= ADVERTISE.HALF10;
  if ((status & BMSR.FULL10) !== 0) word |= ADVERTISE.FULL10;
  if ((status & BMSR.HALF100) !== 0) word |= ADVERTISE.HALF100;
  if ((status & BMSR.FULL100) !== 0) word |= ADVERTISE.FULL100;
  return pause ? word | ADVERTISE.PAUSE | ADVERTISE.ASM_DIR : word;
}

function* offerGigabit(access: Access, rtl: Rtl): Task<void> {
  const { map } = rtl;
  const { BMSR, CTRL1000, ESTATUS } = map;
  let gigabit = false;
  if (((yield* access.readPhy(BMSR)) & BMSR.ESTATEN) !== 0)
    gigabit = ((yield* access.readPhy(ESTATUS)) & ESTATUS.FULL1000T) !== 0;
  yield* access.changePhy(CTRL1000, CTRL1000.HALF | CTRL1000.FULL, gigabit ? CTRL1000.FULL : 0);
  if (!('MGBT_CTRL' in map)) return;
  const { MGBT_CTRL, PMA_SPEED } = map;
  const fast = ((yield* access.readPhy(PMA_SPEED)) & PMA_SPEED.S2500) !== 0;
  yield* access.changePhy(MGBT_CTRL, MGBT_CTRL.ADV2500, fast ? MGBT_CTRL.ADV2500 : 0);
}

/** Puts the PHY to sleep (802.3 §22.2.4.1.5). @throws NicError `timeout`, `gone` */
export function* stopPhy(access: Access, rtl: Rtl): Task<void> {
  const { BMCR } = rtl.map;
  yield* access.run(rtl.phyDown);
  yield* access.changePhy(BMCR, 0, BMCR.PDOWN);
}

/** Waits for bits of a register of the PHY. @throws NicError `timeout`, `gone` */
function* phyIs(access: Access, register: AnyReg, mask: number, wanted: number, within: number): Task<void> {
  const start = yield 0;
  let value = yield* access.readPhy(register);
  for (let now = start; (value & mask) !== wanted; ) {
    if (now - start > within)
      throw new NicError(
        'timeout',
        `PHY ${register[meta].name} & ${explainFields(register, mask)} did not become ${wanted} within ${within} us`,
        {
          device: access.device,
          register: register[meta].name,
          value,
          ref: register[meta].ref,
        },
      );
    yield* sleep(LOOK_US);
    now = yield 0;
    value = yield* access.readPhy(register);
  }
}
