/**
 * The internal PHY of RTL8168H and RTL8125B: a clause 22 PHY whose registers stand behind GPHY_OCP at a400h and, paged by
 * register 31, behind PHYAR. Both ways reach the same registers. What is beyond the declared ones is plain storage, and two
 * more spaces hold parameters of its processor.
 */
import type { LinkAbility, LinkMode, LinkPort, LinkSpeed } from '../../link/port.js';
import type { Micros } from '../../platform/clock.js';
import {
  type AnyReg,
  pick,
  put,
  type RegisterFile,
  type RegisterMap,
  rtl8125b,
  rtl8168h,
} from '../../registers/index.js';
import type { DeviceBus, IndirectSpace } from '../function.js';
import { MiiPhy, type PhyExtension } from '../mii/phy.js';
import { StorageSpace } from './storage.js';
import type { WindowTarget } from './windows.js';

const { BMCR, PHYSR, PHY_STATE, PAGSR, PHYCR2, PARAM_ADDR, PARAM_DATA, EEE_ADV, EEE_LPABLE } = rtl8168h;
const { PATCH_READY, PATCH_REQUEST, PHY_BASE } = rtl8168h;
const { MGBT_CTRL, MGBT_STAT, EEE_ADV2, EEE_LPABLE2, PARAM2_ADDR, PARAM2_DATA } = rtl8125b;

/** Values of PHY_STATE. */
const ON = 3;
const POWERED_DOWN = 5;
/** First clause 22 register that PAGSR chooses the page of, and the page that 0 means. */
const FIRST_PAGED = 16;
const STANDARD_PAGE = 0xa42;
const PARAMETERS = 0x1_0000;
/**
 * RTL8125B's link comes as late as 802.3 §28.3 has it even when nothing is timed. Linux resets the chip when it finds no link, in
 * a task that leaves the transmit queue to the link that comes (r8169_phylink_handler): a link that is there in the meantime, which
 * no wire can do, leaves the queue stopped.
 */
const SLOW_NEGOTIATION: Micros = 1_500_000;

/** What a chip says of its PHY. */
export interface RealtekPhyOptions {
  /** What is declared behind GPHY_OCP. */
  readonly map: RegisterMap;
  /** PHYSID1 << 16 | PHYSID2. */
  readonly id: number;
  /** It has RTL8125B's registers for 2.5GBASE-T and the second parameter space. */
  readonly multigig?: boolean;
}

/** PHYSTATUS; only chips of 2.5 Gb/s have M2500. */
type StatusBits = Pick<
  typeof rtl8168h.PHYSTATUS,
  'LINKSTS' | 'M10' | 'M100' | 'M1000' | 'FULLDUP' | 'RXFLOW' | 'TXFLOW'
> & {
  readonly M2500?: number;
};

/** The PHY. `onChange` tells the MAC that link or mode changed. */
export class RealtekPhy {
  /** What stands behind GPHY_OCP: every even address. */
  readonly ocp: WindowTarget;
  /** What stands behind PHYAR: registers 0 to 31, as their number times 2. */
  readonly clause22: WindowTarget;
  readonly #phy: MiiPhy;
  readonly #space: StorageSpace;
  readonly #parameters: Uint16Array[] = [];

  constructor(bus: DeviceBus, port: LinkPort, options: RealtekPhyOptions) {
    const { map, id, multigig = false } = options;
    this.#phy = new MiiPhy(bus, port, {
      map,
      id,
      registers: multigig ? rtl8125b : rtl8168h,
      extension: multigig ? new Multigig() : new Gigabit(),
      ...(multigig ? { negotiation: SLOW_NEGOTIATION } : {}),
    });
    const { regs } = this.#phy;
    this.#space = new StorageSpace(map, regs);
    this.ocp = this.#space;
    this.clause22 = {
      read: (address) => this.#space.read(this.#paged(address)),
      write: (address, value) => this.#space.write(this.#paged(address), value),
    };
    regs.on(PHYSR, { read: () => this.#status() });
    regs.on(PHY_STATE, {
      read: () => put(0, PHY_STATE.STATE, regs.get(BMCR) & BMCR.PDOWN ? POWERED_DOWN : ON),
    });
    // The processor of the PHY stops at once.
    regs.on(PATCH_READY, { read: () => (regs.get(PATCH_REQUEST) & PATCH_REQUEST.REQUEST ? PATCH_READY.READY : 0) });
    this.#parameterSpace(PARAM_ADDR, PARAM_DATA);
    if (multigig) this.#parameterSpace(PARAM2_ADDR, PARAM2_DATA);
  }

  /** The declared registers. */
  get regs(): RegisterFile {
    return this.#phy.regs;
  }

  /** What was settled; undefined without link. */
  get mode(): LinkMode | undefined {
    return this.#phy.mode;
  }

  /** What PHYSTATUS shows; `bits` are the chip's. */
  status(bits: StatusBits): number {
    const { mode } = this;
    if (mode === undefined) return 0;
    const { M10, M100, M1000, M2500 = 0, LINKSTS, FULLDUP, RXFLOW, TXFLOW } = bits;
    const speed = mode.speed === 2500 ? M2500 : mode.speed === 1000 ? M1000 : mode.speed === 100 ? M100 : M10;
    return LINKSTS | speed | (mode.fullDuplex ? FULLDUP : 0) | (mode.pause ? RXFLOW | TXFLOW : 0);
  }

  /** True while frames that the MAC sends come back to it. */
  get loopback(): boolean {
    return this.#phy.loopback;
  }

  /** Both ends can fall into low power idle at the speed of the link. */
  get eee(): boolean {
    const speed = this.mode?.speed;
    const both = this.regs.get(EEE_ADV) & this.regs.get(EEE_LPABLE);
    if ((this.regs.get(PHYCR2) & PHYCR2.EEE_ENABLE) === 0) return false;
    if (speed === 2500) return (this.regs.get(EEE_ADV2) & this.regs.get(EEE_LPABLE2) & EEE_ADV2.T2500) !== 0;
    return (both & (speed === 1000 ? EEE_ADV.T1000 : speed === 100 ? EEE_ADV.TX100 : 0)) !== 0;
  }

  set onChange(changed: (() => void) | undefined) {
    this.#phy.onChange = changed;
  }

  /** Reads a register behind GPHY_OCP. */
  read(ocpAddress: number): number {
    return this.#space.read(ocpAddress);
  }

  /** Writes a register behind GPHY_OCP. */
  write(ocpAddress: number, value: number): void {
    this.#space.write(ocpAddress, value);
  }

  /** Power-on. BMCR.RESET leaves storage and parameters alone: a driver loads its firmware before it resets the PHY. */
  reset(): void {
    this.#space.reset();
    for (const space of this.#parameters) space.fill(0);
    this.#phy.reset();
  }

  /** Holds the PHY in reset; letting go resets it. */
  hold(on: boolean): void {
    this.#phy.hold(on);
  }

  /** What stands behind its windows, for looking on. */
  get space(): IndirectSpace {
    return this.#space;
  }

  /** Where register n (as 2n) stands: below 16 always the standard ones, above on the page of PAGSR; 31 is PAGSR itself. */
  #paged(address: number): number {
    const at = PHY_BASE + address;
    const page = pick(this.regs.get(PAGSR), PAGSR.PAGE);
    if (address < 2 * FIRST_PAGED || at === PAGSR.at || page === 0 || page === STANDARD_PAGE) return at;
    return (page << 4) + address - 2 * FIRST_PAGED;
  }

  /** Writes to `data` go on to the next parameter, reads do not: drivers read one, change it and write it back. */
  #parameterSpace(address: AnyReg, data: AnyReg): void {
    const { regs } = this;
    const space = new Uint16Array(PARAMETERS);
    this.#parameters.push(space);
    regs.on(data, {
      read: () => space[regs.get(address)]!,
      write: (value) => {
        const at = regs.get(address);
        space[at] = value;
        regs.set(address, (at + 1) % PARAMETERS);
      },
    });
  }

  #status(): number {
    const { mode } = this;
    if (mode === undefined) return PHYSR.MDI;
    const speed = mode.speed === 2500 ? 1 : mode.speed === 1000 ? 2 : mode.speed === 100 ? 1 : 0;
    return (
      put(put(0, PHYSR.SPEED, speed), PHYSR.SPEED_HI, mode.speed === 2500 ? 1 : 0) |
      PHYSR.MDI |
      PHYSR.LINK |
      (mode.fullDuplex ? PHYSR.DUPLEX : 0) |
      (mode.speed >= 1000 ? PHYSR.MASTER : 0)
    );
  }
}

/** What both PHYs negotiate beyond clause 22: energy efficient Ethernet. */
class Gigabit implements PhyExtension {
  speeds(_regs: RegisterFile): readonly LinkSpeed[] {
    return [];
  }

  eee(regs: RegisterFile): readonly LinkSpeed[] {
    if ((regs.get(PHYCR2) & PHYCR2.EEE_ENABLE) === 0) return [];
    const adv = regs.get(EEE_ADV);
    const speeds: LinkSpeed[] = [];
    if (adv & EEE_ADV.TX100) speeds.push(100);
    if (adv & EEE_ADV.T1000) speeds.push(1000);
    return speeds;
  }

  learn(regs: RegisterFile, partner: LinkAbility | undefined): void {
    const eee = (partner?.autoNegotiates && partner.eee) || [];
    regs.set(EEE_LPABLE, (eee.includes(100) ? EEE_LPABLE.TX100 : 0) | (eee.includes(1000) ? EEE_LPABLE.T1000 : 0));
  }
}

/** And RTL8125B: 2.5GBASE-T. */
class Multigig extends Gigabit {
  override speeds(regs: RegisterFile): readonly LinkSpeed[] {
    return regs.get(MGBT_CTRL) & MGBT_CTRL.ADV2500 ? [2500] : [];
  }

  override eee(regs: RegisterFile): readonly LinkSpeed[] {
    const speeds = super.eee(regs);
    const on = (regs.get(PHYCR2) & PHYCR2.EEE_ENABLE) !== 0 && (regs.get(EEE_ADV2) & EEE_ADV2.T2500) !== 0;
    return on ? [...speeds, 2500] : speeds;
  }

  override learn(regs: RegisterFile, partner: LinkAbility | undefined): void {
    super.learn(regs, partner);
    const offers = partner?.autoNegotiates && partner.speeds.includes(2500);
    regs.set(MGBT_STAT, offers ? MGBT_STAT.LP2500 | MGBT_STAT.LOCAL_OK | MGBT_STAT.REMOTE_OK | MGBT_STAT.MASTER : 0);
    regs.set(EEE_LPABLE2, offers && partner.eee?.includes(2500) ? EEE_LPABLE2.T2500 : 0);
  }
}
