/**
 * A copper PHY with auto-negotiation: the clause 22 registers over a {@link LinkPort}. Chips add registers of their own.
 */
import { GIGABIT, type LinkAbility, type LinkMode, type LinkPort, type LinkSpeed, negotiate } from '../../link/port.js';
import type { Micros } from '../../platform/clock.js';
import { mii, RegisterFile, type RegisterMap } from '../../registers/index.js';
import type { DeviceBus, ModelAlarm } from '../function.js';

const { BMCR, BMSR, ADVERTISE, LPA, EXPANSION, CTRL1000, STAT1000 } = mii;

/** The clause 22 registers that this PHY works with. */
type MiiName = 'BMCR' | 'BMSR' | 'PHYSID1' | 'PHYSID2' | 'ADVERTISE' | 'LPA' | 'EXPANSION' | 'CTRL1000' | 'STAT1000';
/** The clause 22 registers where a chip has them. */
export type MiiRegisters = Pick<typeof mii, MiiName>;

/** What a PHY negotiates by registers of its own, beside clause 22. Called from the PHY's constructor on. */
export interface PhyExtension {
  /** Speeds above 1000 Mb/s that it offers now. */
  speeds(regs: RegisterFile): readonly LinkSpeed[];
  /** Speeds at which it offers energy efficient Ethernet now. */
  eee(regs: RegisterFile): readonly LinkSpeed[];
  /** The partner offered this, or is gone: sets the registers that show it. */
  learn(regs: RegisterFile, partner: LinkAbility | undefined): void;
}

/** How long auto-negotiation takes: 802.3 §28.3 allows 1 to 3 s; the fast schedule keeps the order and shortens it. */
const NEGOTIATION: Readonly<Record<'fast' | 'timed' | 'adversarial', Micros>> = {
  fast: 1_000,
  timed: 1_500_000,
  adversarial: 1_000,
};

/** What a chip says of its PHY. */
export interface PhyOptions {
  /** Clause 22 registers and the chip's own, two bytes each. */
  readonly map: RegisterMap;
  /** PHYSID1 << 16 | PHYSID2. */
  readonly id: number;
  /** The clause 22 registers as `map` declares them; default: `mii`, from byte 0 on. */
  readonly registers?: MiiRegisters;
  /** What it can do beyond clause 22. */
  readonly extension?: PhyExtension;
  /** Microseconds that auto-negotiation takes when the schedule is not `timed`; default 1,000. */
  readonly negotiation?: Micros;
}

/** The PHY. `onChange` tells the MAC that link or mode changed. */
export class MiiPhy {
  readonly regs: RegisterFile;
  /** What was settled; undefined without link. */
  mode: LinkMode | undefined;
  onChange: (() => void) | undefined;
  readonly #bus: DeviceBus;
  readonly #port: LinkPort;
  readonly #id: number;
  readonly #at: MiiRegisters;
  readonly #extension: PhyExtension | undefined;
  readonly #negotiation: Micros;
  readonly #alarm: ModelAlarm;
  #lost = true;
  #held = false;

  constructor(bus: DeviceBus, port: LinkPort, options: PhyOptions) {
    this.#bus = bus;
    this.#port = port;
    this.#id = options.id;
    this.#at = options.registers ?? mii;
    this.#extension = options.extension;
    this.#negotiation =
      bus.schedule === 'timed' ? NEGOTIATION.timed : (options.negotiation ?? NEGOTIATION[bus.schedule]);
    this.regs = new RegisterFile(options.map);
    this.#alarm = bus.alarm(() => this.#settle());
    this.regs.on(this.#at.BMSR, {
      read: (stored) => {
        const status = this.#status(stored);
        this.#lost = this.mode === undefined;
        return status;
      },
      peek: (stored) => this.#status(stored),
    });
    this.regs.on(this.#at.BMCR, { write: (value, _i, old) => this.#control(value, old) });
    port.onPartner = () => this.restart();
    this.reset();
  }

  /** Reads PHY register `register` (0 to 31). Registers the chip does not have read 0. */
  read(register: number): number {
    return this.regs.read(this.#at.BMCR.at + 2 * register, 16);
  }

  /** Writes PHY register `register`. */
  write(register: number, value: number): void {
    this.regs.write(this.#at.BMCR.at + 2 * register, 16, value);
  }

  /** Power-on or BMCR.RESET. */
  reset(): void {
    this.regs.reset();
    this.regs.set(this.#at.PHYSID1, this.#id >>> 16);
    this.regs.set(this.#at.PHYSID2, this.#id & 0xffff);
    this.restart();
  }

  /** Holds the PHY in reset (a pin or CTRL.PHY_RST); letting go resets it. */
  hold(on: boolean): void {
    if (on === this.#held) return;
    this.#held = on;
    if (on) this.restart();
    else this.reset();
  }

  /** True while frames that the MAC sends come back to it. */
  get loopback(): boolean {
    return (this.regs.get(this.#at.BMCR) & BMCR.LOOPBACK) !== 0;
  }

  /** Takes the link down and negotiates again. */
  restart(): void {
    this.#down();
    this.#alarm.cancel();
    const control = this.regs.get(this.#at.BMCR);
    if (this.#held || (control & BMCR.PDOWN) !== 0) {
      this.#port.offer(undefined);
      return;
    }
    const ability = this.#ability();
    const known = this.#port.ability;
    if (known === undefined || !sameAbility(known, ability)) this.#port.offer(ability);
    if (this.#port.partner !== undefined || this.loopback) {
      this.#alarm.arm(this.#bus.now + (this.loopback ? 1 : this.#negotiation) + this.#bus.delay(50_000));
    }
  }

  #ability(): LinkAbility {
    const control = this.regs.get(this.#at.BMCR);
    const advertise = this.regs.get(this.#at.ADVERTISE);
    const gigabit = this.regs.get(this.#at.CTRL1000);
    if ((control & BMCR.ANENABLE) === 0) {
      const speed: LinkSpeed = control & BMCR.SPEED1000 ? 1000 : control & BMCR.SPEED100 ? 100 : 10;
      const full = (control & BMCR.FULLDPLX) !== 0;
      return {
        speeds: full ? [speed] : [],
        half: full ? [] : [speed],
        pause: false,
        asymmetricPause: false,
        autoNegotiates: false,
      };
    }
    const list = (pairs: readonly (readonly [number, LinkSpeed])[]): LinkSpeed[] =>
      pairs.filter(([on]) => on !== 0).map(([, speed]) => speed);
    return {
      speeds: list([
        [advertise & ADVERTISE.FULL10, 10],
        [advertise & ADVERTISE.FULL100, 100],
        [gigabit & CTRL1000.FULL, 1000],
      ]).concat(this.#extension?.speeds(this.regs) ?? []),
      half: list([
        [advertise & ADVERTISE.HALF10, 10],
        [advertise & ADVERTISE.HALF100, 100],
        [gigabit & CTRL1000.HALF, 1000],
      ]),
      pause: (advertise & ADVERTISE.PAUSE) !== 0,
      asymmetricPause: (advertise & ADVERTISE.ASM_DIR) !== 0,
      autoNegotiates: true,
      eee: this.#extension?.eee(this.regs) ?? [],
    };
  }

  #settle(): void {
    const own = this.#ability();
    const partner = this.loopback
      ? { ...GIGABIT, autoNegotiates: own.autoNegotiates, speeds: own.speeds, half: own.half, eee: [] }
      : this.#port.partner;
    if (partner === undefined) return;
    const mode = this.loopback && !own.autoNegotiates ? forcedMode(own) : negotiate(own, partner);
    if (own.autoNegotiates) this.#learn(partner);
    if (mode === undefined) return;
    this.mode = mode;
    this.onChange?.();
  }

  /** Fills the registers that show what the partner offered. */
  #learn(partner: LinkAbility): void {
    const has = (list: readonly LinkSpeed[], speed: LinkSpeed, mask: number): number =>
      list.includes(speed) ? mask : 0;
    const auto = partner.autoNegotiates;
    this.regs.set(
      this.#at.LPA,
      has(partner.half, 10, LPA.HALF10) |
        has(partner.speeds, 10, auto ? LPA.FULL10 : LPA.HALF10) |
        has(partner.half, 100, LPA.HALF100) |
        has(partner.speeds, 100, auto ? LPA.FULL100 : LPA.HALF100) |
        (auto ? 1 | LPA.LPACK | (partner.pause ? LPA.PAUSE : 0) | (partner.asymmetricPause ? LPA.ASM_DIR : 0) : 0),
    );
    this.regs.set(
      this.#at.EXPANSION,
      EXPANSION.ENABLENPAGE | (auto ? EXPANSION.NWAY | EXPANSION.LCWP | EXPANSION.NPCAPABLE : 0),
    );
    const gigabit = auto && (partner.speeds.includes(1000) || partner.half.includes(1000));
    this.regs.set(
      this.#at.STAT1000,
      gigabit
        ? STAT1000.LOCALRXOK |
            STAT1000.REMRXOK |
            STAT1000.MASTER |
            has(partner.speeds, 1000, STAT1000.LP_FULL) |
            has(partner.half, 1000, STAT1000.LP_HALF)
        : 0,
    );
    this.regs.raise(this.#at.BMSR, BMSR.ANEGCOMPLETE);
    this.#extension?.learn(this.regs, partner);
  }

  #down(): void {
    this.regs.set(this.#at.LPA, 0);
    this.regs.set(this.#at.STAT1000, 0);
    this.regs.set(this.#at.EXPANSION, EXPANSION.ENABLENPAGE);
    this.regs.lower(this.#at.BMSR, BMSR.ANEGCOMPLETE);
    this.#extension?.learn(this.regs, undefined);
    if (this.mode === undefined) return;
    this.mode = undefined;
    this.#lost = true;
    this.onChange?.();
  }

  /** LSTATUS is latched low: after a loss it reads 0 once even if the link is back (802.3 §22.2.4.2.13). */
  #status(stored: number): number {
    const up = this.mode !== undefined && !this.#lost;
    return (stored & ~BMSR.LSTATUS) | (up ? BMSR.LSTATUS : 0);
  }

  #control(value: number, old: number): void {
    if ((value & BMCR.RESET) !== 0) {
      this.reset();
      return;
    }
    this.regs.lower(this.#at.BMCR, BMCR.ANRESTART | BMCR.RESET);
    const mode = BMCR.ANENABLE | BMCR.PDOWN | BMCR.LOOPBACK | BMCR.FULLDPLX | BMCR.SPEED100 | BMCR.SPEED1000;
    if ((value & BMCR.ANRESTART) !== 0 || ((value ^ old) & mode) !== 0) this.restart();
  }
}

function forcedMode(own: LinkAbility): LinkMode | undefined {
  const speed = own.speeds[0] ?? own.half[0];
  return speed === undefined ? undefined : { speed, fullDuplex: own.speeds.length > 0, pause: false };
}

function sameAbility(a: LinkAbility, b: LinkAbility): boolean {
  const same = (x: readonly number[], y: readonly number[]): boolean =>
    x.length === y.length && x.every((v, i) => v === y[i]);
  return (
    same(a.speeds, b.speeds) &&
    same(a.half, b.half) &&
    same(a.eee ?? [], b.eee ?? []) &&
    a.pause === b.pause &&
    a.asymmetricPause === b.asymmetricPause &&
    a.autoNegotiates === b.autoNegotiates
  );
}
