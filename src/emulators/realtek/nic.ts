/**
 * What RTL8168H and RTL8125B have in common, put together: the chips add their windows, where they keep the station address,
 * and what else is their own. Source: RTL8169 specification, and the drivers that each unit names.
 */
import { type FrameFate, type LinkFrame, LinkPort } from '../../link/port.js';
import {
  type AnyReg,
  hex,
  meta,
  pci,
  pick,
  type RegisterFault,
  RegisterFile,
  rtl8168h,
} from '../../registers/index.js';
import { ConfigSpace } from '../config-space.js';
import type {
  BarMap,
  ConfigDeclaration,
  DeviceBus,
  EmulatedFunction,
  FrameDescriptor,
  IndirectSpace,
  ResetKind,
  RingState,
} from '../function.js';
import type { RealtekChip } from './chip.js';
import { Bar } from './config.js';
import { lockConfiguration } from './config-lock.js';
import type { CsiTarget } from './csi.js';
import { EepromUnit } from './eeprom.js';
import { FilterUnit } from './filter.js';
import { FlowControl } from './flow-control.js';
import { InterruptUnit } from './interrupts.js';
import type { RealtekPhy } from './phy.js';
import { RxUnit } from './rx.js';
import type { RxRing } from './rx-ring.js';
import type { StorageSpace } from './storage.js';
import type { TallyUnit } from './tally.js';
import { TimerUnit } from './timer.js';
import { TxUnit } from './tx.js';
import type { TxRing } from './tx-ring.js';
import { VpdUnit } from './vpd.js';
import { type WakeChip, WakeUnit } from './wake.js';
import type { WindowUnit } from './windows.js';

const { CR, TCTR, TIMERINT0, MCU, RCR, TXCFG, IDR0, IDR4, DTCCR } = rtl8168h;
const { LINKCHG, TIMEOUT } = rtl8168h.ISR;
const { DESCRIPTOR_BYTES } = rtl8168h;

/** A reset by CR.RST takes so long under the timed schedule; drivers wait 10 ms at least. */
const RESET_TIME = 20;
/** Mbit/s by which times are told while there is no link. */
const USUAL_SPEED = 1000;

/** How a chip is made. */
export interface RealtekOptions {
  /** Station address, 6 bytes: what the EEPROM holds. */
  readonly mac?: Uint8Array;
  /** Content of its EEPROM, 64 words (93C46) or 256 (93C56), instead of a default one with `mac`. */
  readonly eeprom?: Uint16Array;
  /** Name of its port in captures. */
  readonly name?: string;
}

/** What a chip makes for {@link RealtekNic}. */
export interface RealtekParts {
  readonly phy: RealtekPhy;
  readonly tally: TallyUnit;
  readonly wake: WakeChip;
  /** Its own configuration space, as CSIAR reaches it. */
  readonly csi: CsiTarget;
  readonly windows: readonly WindowUnit[];
  /** What stands behind windows, beside PHY and configuration space. */
  readonly spaces: readonly StorageSpace[];
}

/** A chip, as a function on a bus. */
export abstract class RealtekNic implements EmulatedFunction {
  readonly name: string;
  readonly port: LinkPort;
  readonly descriptor: FrameDescriptor = { ring: '', index: -1, address: 0 };
  abstract readonly config: ConfigDeclaration;
  abstract readonly maps: readonly BarMap[];
  /** Registers of the memory BAR, and of the I/O BAR. */
  readonly regs: RegisterFile;
  readonly #chip: RealtekChip;
  readonly #image: Uint16Array;
  readonly #vpd: VpdUnit;
  #config!: ConfigSpace;
  #bus!: DeviceBus;
  #parts!: RealtekParts;
  #phy!: RealtekPhy;
  #tally!: TallyUnit;
  #eeprom!: EepromUnit;
  #interrupts!: InterruptUnit;
  #timer!: TimerUnit;
  #flow!: FlowControl;
  #tx!: TxUnit;
  #rx!: RxUnit;
  #wake!: WakeUnit;
  #power = 0;
  #linkUp = false;
  #resetDone = 0;

  /** @param image content of the EEPROM, kept and changed in place */
  protected constructor(chip: RealtekChip, image: Uint16Array, product: string, name = chip.name) {
    this.name = chip.name;
    this.port = new LinkPort(name);
    this.regs = new RegisterFile(chip.map);
    this.#chip = chip;
    this.#image = image;
    this.#vpd = new VpdUnit(product);
  }

  /** Makes the chip's own units, windows and registers. */
  protected abstract wire(bus: DeviceBus): RealtekParts;
  /** What only this chip has goes back to its power-on value. */
  protected resetOwn(): void {}
  /** Puts the station address where the chip keeps it beside IDR0. */
  protected abstract loadAddress(low: number, high: number): void;

  attach(bus: DeviceBus): void {
    this.#bus = bus;
    this.#config = new ConfigSpace(this.config);
    const { regs, descriptor: slot } = this;
    const chip = this.#chip;
    const { registers } = chip;
    regs.onFault = (fault) => this.#mistake(fault);
    lockConfiguration(bus, regs);
    this.#eeprom = new EepromUnit(bus, regs, this.#image, () => this.#load());
    const filter = new FilterUnit(regs, registers);
    const mitigation = chip.mitigation(bus, regs, () => this.speed);
    this.#interrupts = chip.interrupts?.(bus, regs, mitigation) ?? new InterruptUnit(bus, regs, registers, mitigation);
    const parts = this.wire(bus);
    const { phy, tally, wake } = parts;
    this.#parts = parts;
    this.#phy = phy;
    this.#tally = tally;
    this.#timer = new TimerUnit(bus, regs, TCTR, { compare: TIMERINT0, fire: () => this.#interrupts.raise(TIMEOUT) });
    this.#flow = new FlowControl(bus, regs, filter, {
      get speed() {
        return phy.mode?.speed ?? USUAL_SPEED;
      },
      agreed: () => phy.mode?.pause ?? false,
      levels: () => this.pauseLevels,
      emit: (frame) => {
        slot.index = -1; // The chip made it: no descriptor carries it.
        this.#emit(frame);
      },
      resume: () => this.#tx.kick(),
    });
    const interrupts = this.#interrupts;
    this.#tx = new TxUnit(bus, regs, chip, {
      interrupts,
      tally,
      slot,
      canSend: () => this.#carrier && !this.#stopping && !this.#flow.paused && this.#power === 0,
      speed: () => this.speed,
      descriptorBytes: () => this.txDescriptorBytes,
      emit: (frame) => this.#emit(frame),
      mayMaster: () => this.#mayMaster,
    });
    this.#rx = new RxUnit(bus, regs, chip, {
      interrupts,
      tally,
      filter,
      flow: this.#flow,
      slot,
      mayMaster: () => this.#mayMaster,
    });
    this.#wake = new WakeUnit(bus, regs, filter, wake);
    phy.onChange = () => this.#linkChanged();
    this.port.receive = (frame) => this.#receive(frame);
    regs.on(CR, {
      read: (stored) => this.#command(stored),
      write: (value, _index, old) => this.#commanded(value, old),
    });
    regs.on(registers.TXCFG, { read: (stored) => this.#transmitState(stored) });
    regs.on(registers.RCR, {
      read: (stored) => (this.#eeprom.is9356 ? stored | RCR.EE9356 : stored),
      write: (value, _index, old) => {
        this.receiverSet(value, old);
        this.#rx.kick();
      },
    });
    regs.on(MCU, { read: (stored) => this.#fifoState(stored) });
    regs.on(registers.TPPOLL, { write: (value, _index, old) => this.rung(value, old) });
    this.#load();
  }

  /** Mbit/s of the link. */
  protected get speed(): number {
    return this.#phy.mode?.speed ?? USUAL_SPEED;
  }

  /** FIFO levels of PAUSE in bytes; `high` 0: it is never sent. */
  protected abstract get pauseLevels(): { readonly high: number; readonly low: number };

  /** Bytes of a transmit descriptor, of which the first four words are the same on all chips. */
  protected get txDescriptorBytes(): number {
    return DESCRIPTOR_BYTES;
  }

  /** Bytes of a receive descriptor. */
  protected get rxDescriptorBytes(): number {
    return DESCRIPTOR_BYTES;
  }

  /** RCR was written. */
  protected receiverSet(_value: number, _old: number): void {}

  /** TPPOLL was written. */
  protected rung(value: number, old: number): void {
    this.#tx.rung(value, old);
  }

  /** Sets causes of interrupts. */
  protected raise(causes: number): void {
    this.#interrupts.raise(causes);
  }

  /** Nothing waits in the FIFO of the receiver, or of the transmitter. */
  protected get empty(): { readonly rx: boolean; readonly tx: boolean } {
    // Frames that no wire takes, or that are not fetched any more, do not wait in the FIFO: they are still in the ring.
    return { rx: this.#rx.idle, tx: this.#tx.idle || !this.#carrier || this.#stopping };
  }

  /** Its own configuration space, as CSIAR reaches it. */
  protected get configSpace(): ConfigSpace {
    return this.#config;
  }

  readBar(bar: number, at: number, width: number): number {
    if (bar === Bar.msix) return 0;
    return this.regs.read(at, width);
  }

  writeBar(bar: number, at: number, width: number, value: number): void {
    if (bar !== Bar.msix) this.regs.write(at, width, value);
  }

  readConfig(at: number, width: number): number | undefined {
    return this.#parts.csi.readConfig(at, width) ?? this.#vpd.read(at, width);
  }

  writeConfig(at: number, width: number, value: number): void {
    this.#config.write(at, width, value);
    this.#vpd.write(at, width, value);
    this.#parts.csi.writeConfig(at, width, value);
    if (at <= pci.COMMAND.at && at + width / 8 > pci.COMMAND.at && this.#mayMaster) {
      this.#rx.kick();
      this.#tx.kick();
    }
  }

  spaces(): readonly IndirectSpace[] {
    return [...this.#parts.spaces, this.#phy.space];
  }

  rings(): readonly RingState[] {
    return [
      ...this.#tx.rings.map((each) => ringState(each, this.txDescriptorBytes)),
      ...this.#rx.rings.map((each) => ringState(each, this.rxDescriptorBytes)),
    ];
  }

  reset(kind: ResetKind): void {
    this.#power = 0;
    if (kind !== 'd3hot') this.#config.reset();
    this.#vpd.reset();
    this.#eeprom.reset();
    this.#tally.reset();
    this.#wake.reset();
    this.regs.reset();
    for (const window of this.#parts.windows) window.reset();
    for (const space of this.#parts.spaces) space.reset();
    this.#parts.csi.reset();
    this.resetOwn();
    this.#rx.forget();
    // Its link goes, and with it comes a cause.
    this.#phy.reset();
    this.#stop();
    this.#timer.reset();
    this.#resetDone = 0;
    this.#load();
  }

  powerState(state: number): void {
    this.#power = state;
    if (state !== 0) return;
    this.#tx.kick();
    this.#rx.kick();
  }

  get #mayMaster(): boolean {
    return (this.#config.get(pci.COMMAND) & pci.COMMAND.MASTER) !== 0;
  }

  /** Frames can go out, or come back. */
  get #carrier(): boolean {
    return this.#linkUp || this.#looped || this.#phy.loopback;
  }

  /** CR.STOP_REQ: descriptors are not fetched any more. */
  get #stopping(): boolean {
    return (this.regs.get(CR) & CR.STOP_REQ) !== 0;
  }

  get #looped(): boolean {
    return pick(this.regs.get(this.#chip.registers.TXCFG), TXCFG.LBK) !== 0;
  }

  /** What the EEPROM holds goes to the registers. */
  #load(): void {
    const { mac } = this.#eeprom;
    const low = mac[0]! | (mac[1]! << 8) | (mac[2]! << 16) | (mac[3]! << 24);
    const high = mac[4]! | (mac[5]! << 8);
    this.regs.set(IDR0, low);
    this.regs.set(IDR4, high);
    this.loadAddress(low, high);
  }

  /** Rings, FIFOs, interrupts. */
  #stop(): void {
    this.#interrupts.reset();
    this.#tx.reset();
    this.#rx.reset();
    this.#flow.reset();
    this.#tally.stop();
  }

  /** CR as it reads: RST until the reset is over. */
  #command(stored: number): number {
    return this.#bus.now < this.#resetDone ? stored | CR.RST : stored;
  }

  #commanded(value: number, old: number): void {
    if ((value & CR.RST) !== 0) {
      this.#softReset();
      return;
    }
    if (this.#bus.now < this.#resetDone)
      this.#bus.report({
        rule: 'use-before-ready',
        register: CR[meta].name,
        value,
        message: 'written before the reset was over: RST still reads 1',
        ref: CR[meta].ref,
      });
    this.#tx.enabled(value, old);
    this.#rx.enabled(value, old);
    if ((old & ~value & CR.STOP_REQ) !== 0) this.#tx.kick();
  }

  /**
   * CR.RST: the engines stop and forget their rings. The station address, the hash, the configuration registers and what
   * stands behind the windows stay.
   */
  #softReset(): void {
    const { regs } = this;
    const { TXCFG: transmit, RCR: receive, TPPOLL } = this.#chip.registers;
    const { rings, rxRings } = this.#chip;
    const cleared: readonly AnyReg[] = [CR, transmit, receive, TPPOLL, TIMERINT0];
    for (const register of cleared) regs.set(register, register[meta].reset);
    for (const { low, high } of rings) for (const half of [low, high]) regs.set(half, 0);
    for (const { low, high, index } of rxRings) for (const half of [low, high]) regs.set(half, 0, index);
    for (const { noClose } of rings) if (noClose) regs.set(noClose.tail, 0, noClose.index);
    regs.lower(DTCCR, DTCCR.CMD | DTCCR.RESET);
    this.#stop();
    this.#timer.reset();
    const { schedule, now } = this.#bus;
    this.#resetDone = now + (schedule === 'timed' ? RESET_TIME : this.#bus.delay(RESET_TIME));
  }

  #transmitState(stored: number): number {
    return this.empty.tx ? stored | TXCFG.EMPTY : stored & ~TXCFG.EMPTY;
  }

  #fifoState(stored: number): number {
    const { rx, tx } = this.empty;
    return (
      (stored & ~(MCU.RX_EMPTY | MCU.TX_EMPTY)) | MCU.LINK_LIST_RDY | (rx ? MCU.RX_EMPTY : 0) | (tx ? MCU.TX_EMPTY : 0)
    );
  }

  #linkChanged(): void {
    const up = this.#phy.mode !== undefined;
    if (up === this.#linkUp) return;
    this.#linkUp = up;
    this.#interrupts.raise(LINKCHG);
    if (this.#power !== 0) this.#wake.linkChanged(up);
    if (up) this.#tx.kick();
  }

  #emit(frame: LinkFrame): void {
    if (this.#looped || this.#phy.loopback) this.#rx.receive(frame);
    else this.port.transmit(frame);
  }

  #receive(frame: LinkFrame): FrameFate {
    if (this.#power !== 0) {
      this.#wake.frame(frame);
      return 'power-state';
    }
    if (!this.#linkUp) return 'no-carrier';
    return this.#looped ? 'receiver-off' : this.#rx.receive(frame);
  }

  #mistake(fault: RegisterFault): void {
    const info = fault.register?.[meta];
    const what = `${fault.width}-bit ${fault.write ? 'write' : 'read'}`;
    const ring =
      fault.kind === 'reserved-bits' &&
      [...this.#chip.rings, ...this.#chip.rxRings].some(({ low }) => low === fault.register);
    const tally = fault.kind === 'reserved-bits' && fault.register === DTCCR;
    this.#bus.report({
      rule: ring ? 'ring-alignment' : fault.kind,
      register: info?.name ?? `offset ${hex(fault.offset, 16)}`,
      value: fault.value,
      message: ring
        ? 'a ring begins at a multiple of 256 bytes'
        : tally
          ? 'the counters are written to a multiple of 64 bytes'
          : fault.kind === 'unknown-register'
            ? `${what} where no driver knows a register`
            : fault.kind === 'access-width'
              ? `${what}: registers are 8 to 32 bits wide`
              : `${what} changes bits that nobody names`,
      ref: info?.ref ?? 'RTL8169 specification §registers',
    });
  }
}

/** Whose a descriptor is stands in the descriptor: nothing tells how far the device may go. */
function ringState({ registers, base, entries, index }: TxRing | RxRing, entryBytes: number): RingState {
  return { ring: registers.name, address: base, entries, entryBytes, head: index, tail: index };
}
