/** An RTL8168H or RTL8125B on a bench: windows, rings and descriptors by hand. */
import { Rtl8125b, Rtl8168h } from '../../src/emulators/index.js';
import { type LinkAbility, MULTIGIG } from '../../src/link/index.js';
import type { DmaRegion } from '../../src/platform/dma.js';
import type { Mmio } from '../../src/platform/mmio.js';
import { readReg, writeReg } from '../../src/platform/task.js';
import { type AnyReg, pick, rtl8125b, rtl8168h as shared } from '../../src/registers/index.js';
import { MAC, Rig } from './rig.js';

export type RealtekName = 'rtl8168h' | 'rtl8125b';
export type RigOptions = ConstructorParameters<typeof Rig>[1] & {
  entries?: number;
  /** Bytes of a receive buffer. */
  buffer?: number;
  /** What the other end of the cable offers. */
  far?: LinkAbility;
};

const { TXD_OPTS1, TXD_OPTS2, RXD_COMMAND, RXD_OPTS1, CR, CFG9346, MISC } = shared;
const { OWN, EOR, FS, LS } = TXD_OPTS1;

/** A frame as the guest finds it, and the last descriptor's words. */
export interface Got {
  /** Without FCS. */
  readonly bytes: Uint8Array;
  readonly opts1: number;
  readonly opts2: number;
}

const make = (name: RealtekName) =>
  name === 'rtl8168h' ? new Rtl8168h({ mac: Uint8Array.from(MAC) }) : new Rtl8125b({ mac: Uint8Array.from(MAC) });

export class RealtekRig extends Rig<Rtl8168h | Rtl8125b> {
  readonly chip: typeof shared | typeof rtl8125b;
  readonly io: Mmio;
  readonly entries: number;
  readonly buffer: number;
  readonly tx: DmaRegion;
  readonly rx: DmaRegion;
  readonly buffers: DmaRegion;
  readonly data: DmaRegion;
  /** Bytes of a transmit descriptor. */
  txBytes: number = shared.DESCRIPTOR_BYTES;
  #tail = 0;
  #next = 0;

  constructor(name: RealtekName, options: RigOptions = {}) {
    super(make(name), options);
    this.chip = name === 'rtl8168h' ? shared : rtl8125b;
    this.far.offer(options.far ?? MULTIGIG);
    this.entries = options.entries ?? 16;
    this.buffer = options.buffer ?? 2048;
    this.io = this.fn.mapBar(2);
    this.tx = this.fn.dma.alloc(2 * shared.DESCRIPTOR_BYTES * this.entries, 256);
    this.rx = this.fn.dma.alloc(shared.DESCRIPTOR_BYTES * this.entries, 256);
    this.buffers = this.fn.dma.alloc(this.buffer * this.entries, 4096);
    this.data = this.fn.dma.alloc(0x2_0000, 4096);
  }

  read(register: AnyReg, index = 0): number {
    return readReg(this.io, register, index);
  }

  write(register: AnyReg, value: number, index = 0): void {
    writeReg(this.io, register, value, index);
  }

  set(register: AnyReg, bits: number): void {
    this.write(register, this.read(register) | bits);
  }

  clear(register: AnyReg, bits: number): void {
    this.write(register, this.read(register) & ~bits);
  }

  /** A register behind OCPDR. */
  ocp(register: AnyReg, value?: number): number {
    const { OCPDR } = shared;
    const command = (register.at / 2) << 16;
    if (value === undefined) {
      this.write(OCPDR, command);
      return this.read(OCPDR) & OCPDR.DATA;
    }
    this.write(OCPDR, OCPDR.WRITE | command | value);
    return value;
  }

  /** A register of the PHY, through GPHY_OCP. */
  phy(register: AnyReg, value?: number): number {
    const { GPHY_OCP } = shared;
    const command = (register.at / 2) << 16;
    this.write(GPHY_OCP, value === undefined ? command : GPHY_OCP.FLAG | command | value);
    const done = value === undefined ? GPHY_OCP.FLAG : 0;
    for (let i = 0; i < 20 && (this.read(GPHY_OCP) & GPHY_OCP.FLAG) !== done; i++) this.wait(10);
    return this.read(GPHY_OCP) & GPHY_OCP.DATA;
  }

  /** CONFIG registers and station address may be written during `work`. */
  unlocked(work: () => void): void {
    this.write(CFG9346, CFG9346.EEM);
    work();
    this.write(CFG9346, 0);
  }

  /** Link up, rings set, both units on, everything received. @param control instead of that, bits of RCR */
  start(control?: number): this {
    const { RCR, RMS, IMR } = this.chip;
    this.wait(2_000_000);
    this.rings();
    this.write(RMS, 0x4000 - 1);
    this.write(CR, CR.TE | CR.RE);
    this.write(RCR, control ?? RCR.AAP | RCR.APM | RCR.AM | RCR.AB);
    this.write(IMR, 0);
    return this;
  }

  /** Both rings from their beginning; every receive descriptor is the NIC's. */
  rings(): void {
    const { u8 } = this.tx.arena;
    u8.fill(0, this.tx.offset, this.tx.offset + this.tx.bytes);
    this.#tail = this.#next = 0;
    for (let i = 0; i < this.entries; i++) this.post(i);
    for (const [region, low, high] of [
      [this.tx, shared.TNPDS_LO, shared.TNPDS_HI],
      [this.rx, shared.RDSAR_LO, shared.RDSAR_HI],
    ] as const) {
      this.write(high, Math.floor(region.address / 2 ** 32));
      this.write(low, region.address | 0);
    }
  }

  /** Gives a receive descriptor to the NIC. */
  post(i: number, size = this.buffer): void {
    const { view } = this.rx.arena;
    const place = this.rx.offset + shared.DESCRIPTOR_BYTES * i;
    const address = this.buffers.address + this.buffer * i;
    view.setBigUint64(place + shared.RXD_ADDR_LO.at, BigInt(address), true);
    view.setInt32(place + shared.RXD_OPTS2.at, 0, true);
    const end = i === this.entries - 1 ? RXD_COMMAND.EOR : 0;
    view.setInt32(place, RXD_COMMAND.OWN | end | size, true);
  }

  /** A place in DMA memory that holds `bytes`. */
  place(bytes: Uint8Array, offset = 0): number {
    this.data.arena.u8.set(bytes, this.data.offset + offset);
    return this.data.address + offset;
  }

  /** Writes one transmit descriptor; OWN and EOR are added. @returns its number */
  descriptor(address: number, opts1: number, opts2 = 0): number {
    const { view } = this.tx.arena;
    const i = this.#tail;
    const place = this.tx.offset + this.txBytes * i;
    this.#tail = (i + 1) % this.entries;
    view.setBigUint64(place + shared.TXD_ADDR_LO.at, BigInt(address), true);
    view.setInt32(place + TXD_OPTS2.at, opts2, true);
    view.setInt32(place, opts1 | OWN | (this.#tail === 0 ? EOR : 0), true);
    return i;
  }

  /** First word of a transmit descriptor. */
  status(i: number): number {
    return this.tx.arena.view.getInt32(this.tx.offset + this.txBytes * i, true);
  }

  /** Sends `bytes` in one descriptor, and lets it go out. @returns its number */
  send(bytes: Uint8Array, opts2 = 0, opts1 = 0): number {
    const i = this.descriptor(this.place(bytes), FS | LS | opts1 | bytes.length, opts2);
    this.doorbell();
    return i;
  }

  doorbell(time = 500): void {
    const { TPPOLL } = this.chip;
    this.write(TPPOLL, 'Q0' in TPPOLL ? TPPOLL.Q0 : TPPOLL.NPQ);
    this.wait(time);
  }

  /** The next received frame, or undefined. */
  received(): Got | undefined {
    const { view, u8 } = this.rx.arena;
    const parts: number[] = [];
    let left = 0;
    for (let i = this.#next; ; i = (i + 1) % this.entries) {
      const place = this.rx.offset + shared.DESCRIPTOR_BYTES * i;
      const opts1 = view.getInt32(place, true);
      if ((opts1 & RXD_COMMAND.OWN) !== 0) return undefined;
      const last = (opts1 & RXD_OPTS1.LS) !== 0;
      // On RTL8168H the last one has the length of the whole frame.
      const whole = last && this.chip === shared;
      const bytes = pick(opts1, RXD_OPTS1.LEN) - (whole ? left : 0);
      const from = this.buffers.offset + this.buffer * i;
      parts.push(...u8.subarray(from, from + bytes));
      left += bytes;
      const opts2 = view.getInt32(place + shared.RXD_OPTS2.at, true);
      this.post(i);
      if (!last) continue;
      this.#next = (i + 1) % this.entries;
      return { bytes: Uint8Array.from(parts.slice(0, parts.length - 4)), opts1, opts2 };
    }
  }

  /** Messages of findings that are errors or warnings, with their register. */
  get findings(): string[] {
    return this.machine.diagnostics.problems().map((d) => `${d.rule} ${d.register}`);
  }

  /** RXDV gate shut or open. */
  gate(shut: boolean): void {
    if (shut) this.set(MISC, MISC.RXDV_GATED_EN);
    else this.clear(MISC, MISC.RXDV_GATED_EN);
  }
}
