/** Intel 82540EM: the whole chip. Source: Intel 317453, PCI/PCI-X Family of Gigabit Ethernet Controllers (8254x SDM). */
import { type FrameFate, type LinkFrame, LinkPort } from '../../link/port.js';
import { hex, i82540em, meta, pick, put, type RegisterFault, RegisterFile } from '../../registers/index.js';
import type { BarMap, DeviceBus, EmulatedFunction, FrameDescriptor, ResetKind, RingState } from '../function.js';
import type { IntelChip } from '../intel/chip.js';
import { FilterUnit } from '../intel/filter.js';
import { FlowControl } from '../intel/flow-control.js';
import { MdiUnit } from '../intel/mdi.js';
import { StatisticsUnit } from '../intel/statistics.js';
import { TxUnit } from '../intel/tx.js';
import { WakeUnit } from '../intel/wake.js';
import { MiiPhy } from '../mii/phy.js';
import { config } from './config.js';
import { EepromUnit, eepromImage } from './eeprom.js';
import { InterruptUnit } from './interrupts.js';
import { RxUnit } from './rx.js';

export { eepromImage, withChecksum } from './eeprom.js';

const { CTRL, STATUS, CTRL_EXT, ICR, RAL, RAH, RCTL, PBA, TCTL, WUC } = i82540em;

const chip: IntelChip = {
  map: i82540em,
  sections: {
    transmit: '8254x §3.3',
    context: '8254x §3.3.6',
    segmentation: '8254x §3.5',
    initialisation: '8254x §14.5',
  },
};

/** The internal PHY, a Marvell 88E1011 revision 4. */
const PHY_ID = 0x0141_0c24;

const { TDBAL, TDBAH, TDLEN, TDH, TDT, RDBAL, RDBAH, RDLEN, RDH, RDT } = i82540em;
const RINGS = [
  { ring: 'TX ring 0', low: TDBAL, high: TDBAH, bytes: TDLEN, head: TDH, tail: TDT },
  { ring: 'RX ring 0', low: RDBAL, high: RDBAH, bytes: RDLEN, head: RDH, tail: RDT },
] as const;

/** How a chip is made. */
export interface I82540emOptions {
  /** Station address, 6 bytes: what the EEPROM holds. */
  readonly mac?: Uint8Array;
  /** Content of the EEPROM, 64 or 256 words, instead of a default one with `mac`. */
  readonly nvm?: Uint16Array;
  /** Name of its port in captures. */
  readonly name?: string;
}

/** The chip, as a function on a bus. */
export class I82540em implements EmulatedFunction {
  readonly name = '82540em';
  readonly config = config;
  readonly port: LinkPort;
  readonly descriptor: FrameDescriptor = { ring: '', index: -1, address: 0 };
  /** Registers of BAR 0. */
  readonly regs = new RegisterFile(i82540em.bar0Map);
  readonly maps: readonly BarMap[] = [
    { bar: 0, at: 0, map: i82540em.bar0Map, file: this.regs },
    { bar: 2, at: 0, map: i82540em.ioMap },
  ];
  readonly #ctrl = this.regs.slot(CTRL);
  readonly #rctl = this.regs.slot(RCTL);
  readonly #nvm: Uint16Array;
  #bus!: DeviceBus;
  #phy!: MiiPhy;
  #eeprom!: EepromUnit;
  #interrupts!: InterruptUnit;
  #statistics!: StatisticsUnit;
  #flow!: FlowControl;
  #tx!: TxUnit;
  #rx!: RxUnit;
  #wake!: WakeUnit;
  #owner!: Owner;
  #mdi!: MdiUnit;
  #ioAddress = 0;
  #power = 0;
  #linkUp = false;

  constructor(options: I82540emOptions = {}) {
    this.#nvm = options.nvm ?? eepromImage(options.mac ?? Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56));
    this.port = new LinkPort(options.name ?? this.name);
  }

  attach(bus: DeviceBus): void {
    this.#bus = bus;
    const regs = this.regs;
    regs.onFault = (fault) => this.#mistake(fault);
    this.#interrupts = new InterruptUnit(bus, regs);
    this.#statistics = new StatisticsUnit(regs, i82540em);
    this.#eeprom = new EepromUnit(bus, regs, this.#nvm);
    this.#phy = new MiiPhy(bus, this.port, { map: i82540em.phyMap, id: PHY_ID });
    this.#phy.onChange = () => this.#linkChanged();
    const ownerWith = (emit: (frame: LinkFrame) => void): Owner =>
      new Owner(
        () => (this.#linkUp || this.#macLoopback) && !this.#flow.paused,
        () => this.#phy.mode?.speed ?? 1000,
        emit,
        () => this.#tx.kick(),
      );
    this.#owner = ownerWith((frame) => this.#emit(frame));
    this.#flow = new FlowControl(
      bus,
      regs,
      i82540em,
      this.#statistics,
      ownerWith((frame) => this.#emitOwn(frame)),
    );
    this.#tx = new TxUnit(bus, regs, chip, this.#interrupts, this.#statistics, this.#owner, {
      ring: i82540em,
      index: 0,
      slot: this.descriptor,
    });
    this.#rx = new RxUnit(bus, regs, this.#interrupts, this.#statistics, this.#flow, this.descriptor);
    this.#wake = new WakeUnit(bus, regs, i82540em, new FilterUnit(regs, i82540em));
    this.#mdi = new MdiUnit(bus, regs, i82540em, this.#phy, () => this.#interrupts.raise(ICR.MDAC));
    this.port.receive = (frame) => this.#receive(frame);
    regs.on(CTRL, { write: (value, _i, old) => this.#control(value, old) });
    regs.on(TCTL, { write: (value, _i, old) => this.#transmitControl(value, old) });
    regs.on(STATUS, { read: () => this.#status() });
    regs.on(CTRL_EXT, { write: (value) => this.#controlExt(value) });
    regs.on(PBA, {
      write: (value) =>
        regs.set(PBA, put(put(0, PBA.RXA, pick(value, PBA.RXA)), PBA.TXA, Math.max(0, 64 - pick(value, PBA.RXA)))),
    });
    this.#macReset();
  }

  readBar(bar: number, at: number, width: number): number {
    if (bar === 0) return this.regs.read(at, width);
    if (at === i82540em.IOADDR.at) return this.#ioAddress;
    if (at !== i82540em.IODATA.at) return 0;
    return this.regs.read(this.#ioAddress, width);
  }

  writeBar(bar: number, at: number, width: number, value: number): void {
    if (bar === 0) this.regs.write(at, width, value);
    else if (at === i82540em.IOADDR.at) this.#ioAddress = value & 0x1ffff;
    else if (at === i82540em.IODATA.at) this.regs.write(this.#ioAddress, width, value);
  }

  rings(): readonly RingState[] {
    return RINGS.map(({ ring, low, high, bytes, head, tail }) => ({
      ring,
      address: (this.regs.get(high) >>> 0) * 0x1_0000_0000 + ((this.regs.get(low) & ~15) >>> 0),
      entries: this.regs.get(bytes) / i82540em.DESCRIPTOR_BYTES,
      entryBytes: i82540em.DESCRIPTOR_BYTES,
      head: this.regs.get(head),
      tail: this.regs.get(tail),
    }));
  }

  reset(kind: ResetKind): void {
    this.#ioAddress = 0;
    this.#power = 0;
    this.#macReset();
    if (kind === 'power-on' || kind === 'bus') this.#phy.reset();
  }

  powerState(state: number): void {
    this.#power = state;
    if (state === 0) this.#tx.kick();
  }

  get #macLoopback(): boolean {
    return pick(this.regs.values[this.#rctl]!, RCTL.LBM) === 1;
  }

  /** Everything but configuration space and the PHY goes back to its power-on value; the EEPROM is read again. */
  #macReset(): void {
    const { regs } = this;
    regs.reset();
    this.#interrupts.reset();
    this.#tx.reset();
    this.#rx.reset();
    this.#flow.reset();
    this.#owner.wireFree = 0;
    this.#eeprom.reset();
    this.#mdi.reset();
    this.#linkUp = this.#phy.mode !== undefined && (regs.get(CTRL) & CTRL.SLU) !== 0;
    const words = this.#eeprom.eeprom.words;
    regs.set(RAL, words[0]! | (words[1]! << 16));
    regs.set(RAH, words[2]! | RAH.AV);
    // Initialization control 3, bit 10: APM enable (8254x §5.6.12).
    regs.set(WUC, (words[0x24] ?? 0) & 0x0400 ? WUC.APME : 0);
    if (this.#phy.mode) this.#resolved();
  }

  #control(value: number, old: number): void {
    if ((value & CTRL.RST) !== 0) {
      // The packet buffer's division is set before a reset, which puts it into effect and does not change it (8254x §13.4.16).
      const share = this.regs.get(PBA);
      this.#macReset();
      this.regs.set(PBA, share);
      return;
    }
    if (((value ^ old) & CTRL.PHY_RST) !== 0) this.#phy.hold((value & CTRL.PHY_RST) !== 0);
    if (((value ^ old) & CTRL.SLU) !== 0) this.#linkChanged();
  }

  #transmitControl(value: number, old: number): void {
    if ((value & TCTL.SWXOFF) !== 0) {
      this.regs.lower(TCTL, TCTL.SWXOFF);
      this.#flow.sendXoff();
    }
    if ((value & ~old & TCTL.EN) !== 0) this.#tx.enabled(true);
  }

  #controlExt(value: number): void {
    this.regs.lower(CTRL_EXT, CTRL_EXT.ASDCHK | CTRL_EXT.EE_RST);
    if ((value & CTRL_EXT.EE_RST) === 0) return;
    const words = this.#eeprom.eeprom.words;
    this.regs.set(RAL, words[0]! | (words[1]! << 16));
    this.regs.set(RAH, words[2]! | RAH.AV);
  }

  #status(): number {
    const mode = this.#phy.mode;
    const control = this.regs.values[this.#ctrl]!;
    const speed = (control & CTRL.FRCSPD) !== 0 ? pick(control, CTRL.SPEED) : mode ? speedCode(mode.speed) : 2;
    const full = (control & CTRL.FRCDPX) !== 0 ? (control & CTRL.FD) !== 0 : (mode?.fullDuplex ?? true);
    return (
      put(put(0, STATUS.SPEED, speed), STATUS.ASDV, speed) |
      (full ? STATUS.FD : 0) |
      (this.#linkUp ? STATUS.LU : 0) |
      this.#flow.status
    );
  }

  #linkChanged(): void {
    const up = this.#phy.mode !== undefined && (this.regs.get(CTRL) & CTRL.SLU) !== 0;
    this.#resolved();
    if (up === this.#linkUp) return;
    this.#linkUp = up;
    this.#interrupts.raise(ICR.LSC);
    if (this.#power !== 0) this.#wake.linkChanged();
    if (up) this.#tx.kick();
  }

  /** The PHY's own view of the settled mode. */
  #resolved(): void {
    const mode = this.#phy.mode;
    const { M88_PSSR } = i82540em;
    this.#phy.regs.set(
      M88_PSSR,
      mode
        ? put(
            M88_PSSR.LINK | M88_PSSR.SPD_DPLX_RESOLVED | (mode.fullDuplex ? M88_PSSR.DPLX : 0),
            M88_PSSR.SPEED,
            speedCode(mode.speed),
          )
        : put(0, M88_PSSR.SPEED, 2),
    );
  }

  #emit(frame: LinkFrame): void {
    if (this.#macLoopback || this.#phy.loopback) this.#rx.receive(frame);
    else this.port.transmit(frame);
  }

  /** A frame that the chip made itself: no descriptor carries it. */
  #emitOwn(frame: LinkFrame): void {
    this.descriptor.index = -1;
    this.#emit(frame);
  }

  #receive(frame: LinkFrame): FrameFate {
    if (this.#power !== 0) {
      this.#wake.frame(frame);
      return 'power-state';
    }
    if (!this.#linkUp) return 'no-carrier';
    if (this.#macLoopback) return 'receiver-off';
    return this.#rx.receive(frame);
  }

  #mistake(fault: RegisterFault): void {
    const name = fault.register?.[meta].name ?? `offset ${hex(fault.offset, 32)}`;
    const what = fault.write ? `${fault.width}-bit write` : `${fault.width}-bit read`;
    // The self test of drivers writes all ones to every register; the datasheet asks for zeros in reserved bits (§13.1),
    // and silicon ignores them.
    this.#bus.report({
      rule: fault.kind === 'reserved-bits' ? 'read-only-register' : fault.kind,
      register: name,
      value: fault.value,
      message:
        fault.kind === 'unknown-register'
          ? `${what} where the chip has no register`
          : fault.kind === 'access-width'
            ? `${what}: registers are 32 bits wide`
            : `${what} changes bits that ignore writes`,
      ref: fault.register?.[meta].ref ?? '8254x §13.2',
    });
  }
}

/** What the units ask of the chip. */
class Owner {
  readonly #canSend: () => boolean;
  readonly #speed: () => number;
  readonly emit: (frame: LinkFrame) => void;
  readonly resume: () => void;
  wireFree = 0;
  /** The chip takes no time stamps. */
  readonly stampMask = 0;

  constructor(canSend: () => boolean, speed: () => number, emit: (frame: LinkFrame) => void, resume: () => void) {
    this.#canSend = canSend;
    this.#speed = speed;
    this.emit = emit;
    this.resume = resume;
  }

  rung(): void {}

  stamped(): void {}

  get canSend(): boolean {
    return this.#canSend();
  }

  get speed(): number {
    return this.#speed();
  }
}

/** A speed in Mbit/s as STATUS and the PHY show it (8254x §13.4.2). */
function speedCode(speed: number): number {
  return speed === 1000 ? 2 : speed === 100 ? 1 : 0;
}
