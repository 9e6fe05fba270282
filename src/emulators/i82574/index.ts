/** Intel 82574L: the whole chip. Source: Intel 317694, 82574 GbE Controller Family datasheet. */
import { type FrameFate, type LinkFrame, LinkPort } from '../../link/port.js';
import { hex, i82574, meta, pick, put, type RegisterFault, RegisterFile } from '../../registers/index.js';
import type {
  BarMap,
  ConfigDeclaration,
  DeviceBus,
  EmulatedFunction,
  FrameDescriptor,
  ResetKind,
  RingState,
} from '../function.js';
import type { IntelChip } from '../intel/chip.js';
import { FilterUnit } from '../intel/filter.js';
import { FlowControl } from '../intel/flow-control.js';
import { MdiUnit } from '../intel/mdi.js';
import { StatisticsUnit } from '../intel/statistics.js';
import { TxUnit } from '../intel/tx.js';
import { WakeUnit } from '../intel/wake.js';
import { Bar, configOf } from './config.js';
import { InterruptUnit } from './interrupts.js';
import { NvmUnit, nvmImage } from './nvm.js';
import { BmPhy, speedCode } from './phy.js';
import { RxUnit } from './rx.js';
import { TimeUnit } from './time.js';
import { ChipSide, QueueSide } from './tx-side.js';

export { nvmImage, withNvmChecksum } from './nvm.js';

const { CTRL, STATUS, CTRL_EXT, SWSM, ICR, RAL, RAH, RCTL, PBA, TCTL, WUC, IOADDR, IODATA, TX_QUEUES, RX_QUEUES } =
  i82574;
const { NVM_MAC, NVM_INIT3, DESCRIPTOR_BYTES } = i82574;

/** KiB of packet buffer, for both directions. */
const PACKET_BUFFER = 40;
const MAC_LOOPBACK = 1;

const CHIP: IntelChip = {
  map: i82574,
  sections: {
    transmit: '82574 §7.2',
    context: '82574 §7.2',
    segmentation: '82574 §7.3',
    initialisation: '82574 §4.6',
  },
};

const RINGS = [
  ...TX_QUEUES.map((q, i) => ({
    ring: `TX ring ${i}`,
    low: q.TDBAL,
    high: q.TDBAH,
    bytes: q.TDLEN,
    head: q.TDH,
    tail: q.TDT,
  })),
  ...RX_QUEUES.map((q, i) => ({
    ring: `RX ring ${i}`,
    low: q.RDBAL,
    high: q.RDBAH,
    bytes: q.RDLEN,
    head: q.RDH,
    tail: q.RDT,
  })),
];

/** How a chip is made. */
export interface I82574Options {
  /** Station address, 6 bytes: what the NVM holds. */
  readonly mac?: Uint8Array;
  /** Content of the flash from its first word on, instead of a default one with `mac`; at most 2048 words. */
  readonly nvm?: Uint16Array;
  /** Name of its port in captures. */
  readonly name?: string;
}

/** The chip, as a function on a bus. */
export class I82574 implements EmulatedFunction {
  readonly name = '82574l';
  readonly config: ConfigDeclaration;
  readonly port: LinkPort;
  readonly descriptor: FrameDescriptor = { ring: '', index: -1, address: 0 };
  /** Registers of BAR 0. */
  readonly regs = new RegisterFile(i82574.bar0Map);
  readonly maps: readonly BarMap[] = [
    { bar: Bar.registers, at: 0, map: i82574.bar0Map, file: this.regs },
    { bar: Bar.io, at: 0, map: i82574.ioMap },
  ];
  readonly #ctrl = this.regs.slot(CTRL);
  readonly #rctl = this.regs.slot(RCTL);
  readonly #flash: Uint16Array;
  #bus!: DeviceBus;
  #phy!: BmPhy;
  #nvm!: NvmUnit;
  #interrupts!: InterruptUnit;
  #statistics!: StatisticsUnit;
  #flow!: FlowControl;
  #time!: TimeUnit;
  #side!: ChipSide;
  #tx!: readonly TxUnit[];
  #rx!: RxUnit;
  #wake!: WakeUnit;
  #mdi!: MdiUnit;
  #ioAddress = 0;
  #power = 0;
  #linkUp = false;
  #phyWasReset = false;

  constructor(options: I82574Options = {}) {
    const mac = options.mac ?? Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56);
    this.#flash = options.nvm ?? nvmImage(mac);
    const first = this.#flash;
    this.config = configOf(Uint8Array.from({ length: 6 }, (_, i) => first[i >> 1]! >> (8 * (i & 1))));
    this.port = new LinkPort(options.name ?? this.name);
  }

  attach(bus: DeviceBus): void {
    this.#bus = bus;
    const { regs, descriptor: slot } = this;
    regs.onFault = (fault) => this.#mistake(fault);
    this.#statistics = new StatisticsUnit(regs, i82574);
    this.#interrupts = new InterruptUnit(bus, regs, this.#statistics);
    this.#nvm = new NvmUnit(bus, regs, this.#flash);
    this.#time = new TimeUnit(bus, regs);
    this.#phy = new BmPhy(bus, this.port);
    this.#phy.phy.onChange = () => this.#linkChanged();
    this.#side = new ChipSide({
      canSend: () => (this.#linkUp || this.#macLoopback) && !this.#flow.paused && this.#mayMaster,
      speed: () => this.#phy.phy.mode?.speed ?? 1000,
      emit: (frame) => this.#emit(frame),
      stamped: () => this.#time.sent(),
      rung: () => this.#rung(),
    });
    const phy = this.#phy.phy;
    this.#flow = new FlowControl(bus, regs, i82574, this.#statistics, {
      get speed() {
        return phy.mode?.speed ?? 1000;
      },
      emit: (frame) => {
        slot.index = -1; // The chip made it: no descriptor carries it.
        this.#emit(frame);
      },
      resume: () => this.#kick(),
    });
    this.#tx = TX_QUEUES.map((ring, index) => {
      const owner = new QueueSide(this.#side, regs, index);
      return new TxUnit(bus, regs, CHIP, this.#interrupts, this.#statistics, owner, { ring, index, slot });
    });
    this.#rx = new RxUnit(bus, regs, {
      interrupts: this.#interrupts,
      statistics: this.#statistics,
      flow: this.#flow,
      time: this.#time,
      slot,
      mayMaster: () => this.#mayMaster,
    });
    this.#wake = new WakeUnit(bus, regs, i82574, new FilterUnit(regs, i82574));
    this.#mdi = new MdiUnit(bus, regs, i82574, this.#phy, () => this.#interrupts.raise(ICR.MDAC));
    this.port.receive = (frame) => this.#receive(frame);
    regs.on(CTRL, { write: (value, _index, old) => this.#control(value, old) });
    regs.on(TCTL, { write: (value, _index, old) => this.#transmitControl(value, old) });
    regs.on(STATUS, { read: () => this.#status(), write: (value) => this.#statusWritten(value) });
    regs.on(CTRL_EXT, { write: (value) => this.#controlExt(value) });
    regs.on(PBA, { write: (value) => this.#share(pick(value, PBA.RXA)) });
    regs.on(SWSM, {
      read: (stored) => {
        regs.raise(SWSM, SWSM.SMBI);
        return stored;
      },
      peek: (stored) => stored,
    });
    this.#macReset();
  }

  readBar(bar: number, at: number, width: number): number {
    if (bar === Bar.registers) return this.regs.read(at, width);
    if (bar === Bar.flash) return this.#readFlash(at, width);
    if (bar !== Bar.io) return 0;
    if (at === IOADDR.at) return this.#ioAddress;
    return at === IODATA.at ? this.regs.read(this.#ioAddress, width) : 0;
  }

  writeBar(bar: number, at: number, width: number, value: number): void {
    if (bar === Bar.registers) this.regs.write(at, width, value);
    else if (bar === Bar.flash) this.#flashWritten(at, value);
    else if (bar === Bar.io && at === IOADDR.at) this.#ioAddress = value & (i82574.bar0Map.bytes - 1);
    else if (bar === Bar.io && at === IODATA.at) this.regs.write(this.#ioAddress, width, value);
  }

  rings(): readonly RingState[] {
    const units = this.#rx.descriptorUnits;
    return RINGS.map(({ ring, low, high, bytes, head, tail }) => {
      const unit = ring.startsWith('RX') ? units : 1;
      return {
        ring,
        address: (this.regs.get(high) >>> 0) * 0x1_0000_0000 + ((this.regs.get(low) & ~15) >>> 0),
        entries: this.regs.get(bytes) / (DESCRIPTOR_BYTES * unit),
        entryBytes: DESCRIPTOR_BYTES * unit,
        head: this.regs.get(head) / unit,
        tail: this.regs.get(tail) / unit,
      };
    });
  }

  reset(kind: ResetKind): void {
    this.#ioAddress = 0;
    this.#power = 0;
    this.#phyWasReset = false;
    if (kind === 'power-on') this.#nvm.powerOn();
    this.#macReset();
    if (kind === 'power-on' || kind === 'bus') this.#phy.reset();
  }

  powerState(state: number): void {
    this.#power = state;
    if (state === 0) this.#kick();
  }

  get #macLoopback(): boolean {
    return pick(this.regs.values[this.#rctl]!, RCTL.LBM) === MAC_LOOPBACK;
  }

  get #mayMaster(): boolean {
    return (this.regs.values[this.#ctrl]! & CTRL.GIO_MASTER_DISABLE) === 0;
  }

  /** Everything but configuration space and the PHY goes back to its power-on value; the NVM is read again. */
  #macReset(): void {
    const { regs } = this;
    regs.reset();
    this.#interrupts.reset();
    for (const queue of this.#tx) queue.reset();
    this.#rx.reset();
    this.#flow.reset();
    this.#nvm.reset();
    this.#mdi.reset();
    this.#time.reset();
    this.#side.wireFree = 0;
    this.#linkUp = this.#phy.phy.mode !== undefined && (regs.get(CTRL) & CTRL.SLU) !== 0;
    this.#load();
    this.#phy.showMode();
  }

  /** Registers that the NVM sets. */
  #load(): void {
    const { words } = this.#nvm;
    const first = NVM_MAC.at / 2;
    this.regs.set(RAL, words[first]! | (words[first + 1]! << 16));
    this.regs.set(RAH, words[first + 2]! | RAH.AV);
    this.regs.set(WUC, (words[NVM_INIT3.at / 2]! & NVM_INIT3.APME) !== 0 ? WUC.APME : 0);
  }

  #control(value: number, old: number): void {
    if ((value & CTRL.RST) !== 0) {
      // The packet buffer's division is set before a reset, which puts it into effect and does not change it.
      const share = this.regs.get(PBA);
      this.#macReset();
      this.regs.set(PBA, share);
      return;
    }
    const changed = value ^ old;
    if ((changed & CTRL.PHY_RST) !== 0) {
      this.#phyWasReset = true;
      this.#phy.phy.hold((value & CTRL.PHY_RST) !== 0);
    }
    if ((changed & CTRL.SLU) !== 0) this.#linkChanged();
    if ((changed & CTRL.GIO_MASTER_DISABLE) !== 0 && this.#mayMaster) {
      this.#kick();
      this.#rx.kick();
    }
  }

  #transmitControl(value: number, old: number): void {
    if ((value & TCTL.SWXOFF) !== 0) {
      this.regs.lower(TCTL, TCTL.SWXOFF);
      this.#flow.sendXoff();
    }
    if ((value & ~old & TCTL.EN) === 0) return;
    const [first, second] = this.#tx as [TxUnit, TxUnit];
    first.enabled(!second.hasRing);
    if (second.hasRing) second.enabled(false);
  }

  #rung(): void {
    if (this.#mayMaster) return;
    this.#bus.report({
      rule: 'dma-disabled',
      register: 'CTRL',
      value: this.regs.get(CTRL),
      message: 'a transmit doorbell while GIO_MASTER_DISABLE is set',
      ref: CTRL[meta].ref,
    });
  }

  #controlExt(value: number): void {
    this.regs.lower(CTRL_EXT, CTRL_EXT.ASDCHK | CTRL_EXT.EE_RST);
    if ((value & CTRL_EXT.EE_RST) !== 0) this.#load();
  }

  #share(receive: number): void {
    this.regs.set(PBA, put(put(0, PBA.RXA, receive), PBA.TXA, Math.max(0, PACKET_BUFFER - receive)));
  }

  #status(): number {
    const { mode } = this.#phy.phy;
    const control = this.regs.values[this.#ctrl]!;
    const speed = (control & CTRL.FRCSPD) !== 0 ? pick(control, CTRL.SPEED) : speedCode(mode?.speed ?? 1000);
    const full = (control & CTRL.FRCDPX) !== 0 ? (control & CTRL.FD) !== 0 : (mode?.fullDuplex ?? true);
    return (
      put(put(0, STATUS.SPEED, speed), STATUS.ASDV, speed) |
      (full ? STATUS.FD : 0) |
      (this.#linkUp ? STATUS.LU : 0) |
      (this.#phyWasReset ? STATUS.PHYRA : 0) |
      (this.#mayMaster ? STATUS.GIO_MASTER_ENABLE : 0) |
      this.#flow.status
    );
  }

  #statusWritten(value: number): void {
    if ((value & STATUS.PHYRA) === 0) this.#phyWasReset = false;
  }

  #linkChanged(): void {
    const up = this.#phy.phy.mode !== undefined && (this.regs.get(CTRL) & CTRL.SLU) !== 0;
    this.#phy.showMode();
    if (up === this.#linkUp) return;
    this.#linkUp = up;
    this.#interrupts.raise(ICR.LSC);
    if (this.#power !== 0) this.#wake.linkChanged();
    if (up) this.#kick();
  }

  #kick(): void {
    for (const queue of this.#tx) if (queue.hasRing) queue.kick();
  }

  #emit(frame: LinkFrame): void {
    if (this.#macLoopback || this.#phy.phy.loopback) this.#rx.receive(frame);
    else this.port.transmit(frame);
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

  #readFlash(at: number, width: number): number {
    let value = 0;
    for (let i = 0; i < width / 8; i++) value |= this.#nvm.byte(at + i) << (8 * i);
    return value;
  }

  #flashWritten(at: number, value: number): void {
    this.#bus.report({
      rule: 'unmodelled',
      register: `flash ${hex(at)}`,
      value,
      message: 'the flash is written through EEWR and EEC.FLUPD only',
      ref: '82574 §3.3',
    });
  }

  #mistake(fault: RegisterFault): void {
    const info = fault.register?.[meta];
    const what = fault.write ? `${fault.width}-bit write` : `${fault.width}-bit read`;
    const ring = fault.kind === 'reserved-bits' && fault.write && RING_BASES.has(info?.name ?? '');
    this.#bus.report({
      // The self test of drivers writes all ones to every register; silicon ignores reserved bits. A ring is different.
      rule: ring ? 'ring-alignment' : fault.kind === 'reserved-bits' ? 'read-only-register' : fault.kind,
      register: info?.name ?? `offset ${hex(fault.offset, 32)}`,
      value: fault.value,
      message: ring
        ? 'a ring begins at a multiple of 16 bytes'
        : fault.kind === 'unknown-register'
          ? `${what} where the chip has no register`
          : fault.kind === 'access-width'
            ? `${what}: registers are 32 bits wide`
            : `${what} changes bits that ignore writes`,
      ref: info?.ref ?? '82574 §10.2',
    });
  }
}

const RING_BASES = new Set(['TDBAL0', 'TDBAL1', 'RDBAL0', 'RDBAL1']);
