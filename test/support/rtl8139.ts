/**
 * QEMU has no RTL8168, but its RTL8139 has the C+ mode from which the family's rings come. This shim stands between that model and
 * our unchanged driver of the RTL8168H: what is equal in both chips goes through, what only moved is moved, and what the RTL8139
 * has not is answered here. {@link TABLE} says which is which, register by register, so that nobody takes the last kind for judged.
 * Sources: RTL8139C+ datasheet rev. 1.6; which bits QEMU's model keeps: QEMU hw/net/rtl8139.c.
 */
import { LOW_MEMORY } from '../../src/hosts/qemu/dma.js';
import type { QemuHost } from '../../src/hosts/qemu/index.js';
import type { PciHost } from '../../src/pci/index.js';
import type { Arena } from '../../src/platform/arena.js';
import type { Bdf, ConfigAccess } from '../../src/platform/config-access.js';
import type { Mmio } from '../../src/platform/mmio.js';
import { readReg, writeReg } from '../../src/platform/task.js';
import { meta } from '../../src/registers/define.js';
import {
  type AnyReg,
  bit,
  bits,
  rtl8168h as map,
  mii,
  pci,
  pick,
  put,
  type RegisterMap,
  reg,
  registerAt,
  word,
} from '../../src/registers/index.js';

/** For the matrix: who judges, and how far. */
export const STRANGER = "rings on QEMU's RTL8139 in C+ mode, behind a shim of its other registers";
/** Descriptors after which QEMU's transmitter begins again, whatever EOR says: the datasheet's limit. */
export const MOST_TRANSMIT = 64;

const REF = 'RTL8139C+ datasheet rev. 1.6, register';
const w8 = { width: 8 } as const;
const w16 = { width: 16 } as const;
/** PCI identity of the chip that is there. */
const REAL = { vendor: 0x10ec, device: 0x8139 } as const;

/** What the RTL8139 has elsewhere. */
const MODEL = {
  MSR: reg(
    'MSR',
    0x58,
    { ...w8, doc: 'Media status', ref: `${REF} 58h` },
    { LINKB: bit(2, 'ro', 'No link'), SPEED_10: bit(3, 'ro', '10 Mb/s') },
  ),
  BMCR: word('BMCR', 0x62, 'rw', { ...w16, doc: 'Register 0 of the PHY', ref: `${REF} 62h` }),
  BMSR: word('BMSR', 0x64, 'ro', { ...w16, doc: 'Register 1 of the PHY', ref: `${REF} 64h` }),
  ANAR: word('ANAR', 0x66, 'rw', { ...w16, doc: 'Register 4 of the PHY', ref: `${REF} 66h` }),
  ANLPAR: word('ANLPAR', 0x68, 'ro', { ...w16, doc: 'Register 5 of the PHY', ref: `${REF} 68h` }),
  ANER: word('ANER', 0x6a, 'ro', { ...w16, doc: 'Register 6 of the PHY', ref: `${REF} 6Ah` }),
  TPPOLL: word('TPPOLL', 0xd9, 'wo', { ...w8, doc: 'The doorbell, bit by bit as on RTL8168H', ref: `${REF} D9h` }),
} as const;

/** First word of a transmit descriptor, where the RTL8139C+ has the checksum bits and the segment size. */
const OLD_OPTS1 = reg(
  'OLD_OPTS1',
  0,
  { doc: 'Transmit: length and command', ref: 'RTL8139C+ datasheet rev. 1.6, C+ mode, Tx descriptor' },
  {
    LEN: bits(15, 0, 'rw', 'Bytes in the buffer'),
    TCPCS: bit(16, 'rw', 'Insert the TCP checksum'),
    UDPCS: bit(17, 'rw', 'Insert the UDP checksum'),
    IPCS: bit(18, 'rw', 'Insert the IPv4 header checksum'),
    LGSEN: bit(27, 'rw', 'Segment'),
    LS: bit(28, 'rw', 'Last segment of its frame'),
    FS: bit(29, 'rw', 'First segment of its frame'),
    EOR: bit(30, 'rw', 'End of ring'),
    OWN: bit(31, 'rw', 'The NIC owns it'),
  },
);
const OLD_MSS = reg(
  'OLD_MSS',
  0,
  { doc: 'The same word with LGSEN', ref: 'RTL8139C+ datasheet rev. 1.6, C+ mode, Tx descriptor' },
  { MSS: bits(26, 16, 'rw', 'Payload bytes of a segment') },
);

/** Who answers: QEMU's model alone, the model with help, or the shim alone, which judges nothing. */
export type By = 'model' | 'both' | 'shim';

/** One register that the driver touches, and what becomes of it. */
export interface Row {
  readonly register: AnyReg;
  readonly by: By;
  readonly how: string;
  readonly read?: (shim: Rtl8139Shim) => number;
  readonly write?: (shim: Rtl8139Shim, value: number) => void;
}

const same = (register: AnyReg, how: string): Row => ({
  register,
  by: 'model',
  how,
  read: ({ model }) => readReg(model, register),
  write: ({ model }, value) => writeReg(model, register, value),
});

/** Kept and given back. @param always bits that read 1 */
const kept = (register: AnyReg, how: string, always = 0): Row => ({
  register,
  by: 'shim',
  how,
  read: (shim) => shim.recall(register) | always,
  write: (shim, value) => shim.keep(register, value),
});

/** Goes to another place with its bytes the other way round. */
const turned = (register: AnyReg, place: AnyReg): Row => ({
  register,
  by: 'both',
  how: `the model has these bytes in ${place[meta].name}, the other way round: only PCI Express chips swap them`,
  read: ({ model }) => turn(readReg(model, place)),
  write: ({ model }, value) => writeReg(model, place, turn(value)),
});

/** A window whose registers are kept here, but for those that `there` finds in the model. */
function window(
  space: RegisterMap,
  command: AnyReg & { readonly DATA?: number },
  flag: number,
  offsetOf: (value: number) => number,
  how: string,
  there: (offset: number) => AnyReg | undefined = () => undefined,
  waits = true,
): Row {
  const data = command.DATA;
  return {
    register: command,
    by: data !== undefined && command === map.GPHY_OCP ? 'both' : 'shim',
    how,
    read: (shim) => shim.recall(command),
    write: (shim, value) => {
      const offset = offsetOf(value);
      const place = there(offset);
      const key = `${space.space} ${offset}`;
      if ((value & flag) !== 0) {
        const content = data === undefined ? shim.recall(map.ERIDR) : pick(value, data);
        if (place) writeReg(shim.model, place, content);
        else shim.behind.set(key, content);
        shim.keep(command, value & ~flag);
        return;
      }
      const content = place
        ? readReg(shim.model, place)
        : (shim.behind.get(key) ?? registerAt(space, offset)?.register[meta].reset ?? 0);
      if (data === undefined) shim.keep(map.ERIDR, content);
      const answer = waits ? value | flag : value;
      shim.keep(command, data === undefined ? answer : put(answer, data, content));
    },
  };
}

const PHY: ReadonlyMap<number, AnyReg> = new Map([
  [map.BMCR.at, MODEL.BMCR],
  [map.BMSR.at, MODEL.BMSR],
  [map.ADVERTISE.at, MODEL.ANAR],
  [map.LPA.at, MODEL.ANLPAR],
  [map.EXPANSION.at, MODEL.ANER],
]);
const XID = map.TXCFG.XID_HI | map.TXCFG.XID_LO;
const IDENTITY = map.TXCFG[meta].reset & XID;

/** Every register that the driver touches. */
export const TABLE: readonly Row[] = [
  same(map.IDR0, 'station address'),
  same(map.IDR4, 'station address'),
  turned(map.MAR0, map.MAR4),
  turned(map.MAR4, map.MAR0),
  {
    ...same(map.DTCCR, 'tally dump; the model has no RESET, which is cut off: its reset has cleared the counters'),
    by: 'both',
    write: ({ model }, value) => writeReg(model, map.DTCCR, value & ~map.DTCCR.RESET),
  },
  same(map.DTCCR_HI, 'address of the tally dump'),
  same(map.TNPDS_LO, 'transmit ring'),
  same(map.TNPDS_HI, 'transmit ring'),
  same(map.CR, 'reset, receiver and transmitter on'),
  {
    register: map.TPPOLL,
    by: 'both',
    how: 'the doorbell is at D9h in the model',
    write: (shim, value) => shim.doorbell(value),
  },
  same(map.IMR, 'interrupt mask'),
  same(map.ISR, 'interrupt status, the link among its causes'),
  {
    ...same(map.TXCFG, 'the identity is that of RTL8168H, and EMPTY reads 1: the model has no such bit'),
    by: 'both',
    read: ({ model }) => {
      const value = readReg(model, map.TXCFG);
      return value === -1 ? value : (value & ~XID) | IDENTITY | map.TXCFG.EMPTY;
    },
  },
  same(map.RCR, 'what is accepted'),
  same(map.CFG9346, 'lock of the configuration registers'),
  kept(map.CONFIG2, 'wake-up and power saving: not of the RTL8139'),
  kept(map.CONFIG3, 'at 59h in the model, where it does nothing'),
  kept(map.CONFIG5, 'at D8h in the model, where it does nothing'),
  {
    register: map.PHYSTATUS,
    by: 'both',
    how: 'made of the model’s MSR and of what both ends of its link offer',
    read: ({ model }) => {
      const status = readReg(model, MODEL.MSR);
      if (status === 0xff || (status & MODEL.MSR.LINKB) !== 0) return 0;
      const both = readReg(model, MODEL.ANAR) & readReg(model, MODEL.ANLPAR);
      const slow = (status & MODEL.MSR.SPEED_10) !== 0;
      const full = (both & (slow ? mii.ADVERTISE.FULL10 : mii.ADVERTISE.FULL100)) !== 0;
      const { LINKSTS, M10, M100, FULLDUP } = map.PHYSTATUS;
      return LINKSTS | (slow ? M10 : M100) | (full ? FULLDUP : 0);
    },
  },
  kept(map.PMCH, 'power of the clock: not of the RTL8139'),
  kept(map.ERIDR, 'window'),
  window(map.WINDOWS.eri.map, map.ERIAR, map.ERIAR.FLAG, (value) => pick(value, map.ERIAR.ADDR), 'plain storage'),
  window(
    map.WINDOWS.ephy.map,
    map.EPHYAR,
    map.EPHYAR.FLAG,
    (value) => 2 * pick(value, map.EPHYAR.REG),
    'plain storage',
  ),
  window(
    map.WINDOWS.ocp.map,
    map.OCPDR,
    map.OCPDR.WRITE,
    (value) => 2 * pick(value, map.OCPDR.REG),
    'plain storage',
    undefined,
    false,
  ),
  window(
    map.WINDOWS.gphy.map,
    map.GPHY_OCP,
    map.GPHY_OCP.FLAG,
    (value) => 2 * pick(value, map.GPHY_OCP.REG),
    'registers 0, 1, 4, 5 and 6 of the PHY are at 62h to 6Ah in the model; all others are plain storage',
    (offset) => PHY.get(offset),
  ),
  kept(map.DLLPR, 'power saving: not of the RTL8139'),
  kept(map.MCU, 'FIFOs and descriptor list', map.MCU.RX_EMPTY | map.MCU.TX_EMPTY | map.MCU.LINK_LIST_RDY),
  kept(map.RMS, 'the model takes any length that fits the buffer'),
  {
    register: map.CPCR,
    by: 'both',
    how: 'bits 1 and 0 are kept: in the model they turn C+ mode on, which they always do; tags and checksums are the model’s',
    read: (shim) => (readReg(shim.model, map.CPCR) & ~map.CPCR.INTT) | (shim.recall(map.CPCR) & map.CPCR.INTT),
    write: (shim, value) => {
      shim.keep(map.CPCR, value);
      writeReg(shim.model, map.CPCR, value | map.CPCR.INTT);
    },
  },
  kept(map.INTRMITIGATE, 'the model mitigates nothing'),
  same(map.RDSAR_LO, 'receive ring'),
  same(map.RDSAR_HI, 'receive ring'),
  kept(map.MTPS, 'no limit in the model'),
  kept(map.MISC, 'gate of the receiver: not of the RTL8139'),
];

function turn(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

/** The BAR as the driver of RTL8168H sees it. */
export class Rtl8139Shim implements Mmio {
  readonly bytes: number;
  readonly model: Mmio;
  /** Names of the rows that were used. */
  readonly touched = new Set<string>();
  /** Accesses for which there is no row, or whose width is another; what cannot be told in the old layout. */
  readonly problems: string[] = [];
  /** What stands behind windows. */
  readonly behind = new Map<string, number>();
  /** Doorbells get lost. */
  deaf = false;
  readonly #arena: Arena;
  readonly #translates: boolean;
  readonly #kept = new Map<AnyReg, number>();
  /** The transmit ring, and the descriptor that the model looks at next. */
  #ring = 0;
  #next = 0;

  constructor(arena: Arena, model: Mmio, translates: boolean) {
    this.#arena = arena;
    this.#translates = translates;
    this.model = model;
    this.bytes = model.bytes;
  }

  recall(register: AnyReg): number {
    return this.#kept.get(register) ?? register[meta].reset;
  }

  keep(register: AnyReg, value: number): void {
    this.#kept.set(register, value);
  }

  #row(at: number, width: number): Row | undefined {
    const row = TABLE.find(({ register }) => register.at === at && register[meta].width === width);
    if (row) this.touched.add(row.register[meta].name);
    else this.problems.push(`${width} bits at ${at.toString(16)}h are in no row`);
    return row;
  }

  #read(at: number, width: number): number {
    return this.#row(at, width)?.read?.(this) ?? 0;
  }

  #write(at: number, width: number, value: number): void {
    this.#row(at, width)?.write?.(this, value);
    if (at === map.TNPDS_LO.at) this.#ring = value >>> 0;
    // The model begins at the first descriptor again when a unit is turned on.
    if (at === map.CR.at && (value & map.CR.TE) !== 0) this.#next = 0;
  }

  read8(at: number): number {
    return this.#read(at, 8) & 0xff;
  }

  read16(at: number): number {
    return this.#read(at, 16) & 0xffff;
  }

  read32(at: number): number {
    return this.#read(at, 32) | 0;
  }

  write8(at: number, value: number): void {
    this.#write(at, 8, value & 0xff);
  }

  write16(at: number, value: number): void {
    this.#write(at, 16, value & 0xffff);
  }

  write32(at: number, value: number): void {
    this.#write(at, 32, value | 0);
  }

  /** What is new in the ring is told in the old layout, if it is to be, then the model's bell rings. */
  doorbell(value: number): void {
    if (this.deaf) return;
    if (this.#translates) this.#translate();
    writeReg(this.model, MODEL.TPPOLL, value);
    // The model takes whatever comes while it is at it: it has sent all before the driver can add what was not translated.
    if (this.#translates) readReg(this.model, map.CR);
  }

  #translate(): void {
    const { view } = this.#arena;
    for (let looked = 0; looked < MOST_TRANSMIT; looked++) {
      const at = this.#ring - LOW_MEMORY + this.#next * map.DESCRIPTOR_BYTES;
      const opts1 = view.getInt32(at, true);
      if ((opts1 & OLD_OPTS1.OWN) === 0) break;
      const opts2 = view.getInt32(at + map.TXD_OPTS2.at, true);
      const [first, second] = this.#older(opts1, opts2);
      view.setInt32(at + map.TXD_OPTS2.at, second, true);
      view.setInt32(at, first, true);
      this.#next = (opts1 & OLD_OPTS1.EOR) !== 0 ? 0 : (this.#next + 1) % MOST_TRANSMIT;
    }
  }

  #older(opts1: number, opts2: number): [number, number] {
    const { GTSENV4, GTSENV6, LEN, LS, FS, EOR, OWN } = map.TXD_OPTS1;
    const { IPV4_CS, IPV6_CS, TCP_CS, UDP_CS, TAGC, VLAN_TAG } = map.TXD_OPTS2;
    let first = opts1 & (LEN | LS | FS | EOR | OWN);
    if ((opts1 & GTSENV6) !== 0) this.problems.push('a segmentation of IPv6, which the model cannot do');
    if ((opts1 & GTSENV4) !== 0) {
      first = put(first | OLD_OPTS1.LGSEN, OLD_MSS.MSS, pick(opts2, map.TXD_OPTS2_GTS.MSS));
    } else {
      if ((opts2 & IPV6_CS) !== 0) this.problems.push('a checksum over IPv6, which the model cannot do');
      if ((opts2 & IPV4_CS) !== 0) first |= OLD_OPTS1.IPCS;
      if ((opts2 & TCP_CS) !== 0) first |= OLD_OPTS1.TCPCS;
      if ((opts2 & UDP_CS) !== 0) first |= OLD_OPTS1.UDPCS;
    }
    return [first, opts2 & (TAGC | VLAN_TAG)];
  }
}

/** Configuration space in which the RTL8139 says that it is an RTL8168H. */
class Disguise implements ConfigAccess {
  readonly configBytes: number;
  readonly #config: ConfigAccess;

  constructor(config: ConfigAccess) {
    this.configBytes = config.configBytes;
    this.#config = config;
  }

  #identity(address: Bdf, at: number, bytes: number, value: number): number {
    const { vendor, device } = map.PCI_ID;
    if (at > pci.DEVICE_ID.at + 1) return value;
    const seen = this.#config.read32(address, pci.VENDOR_ID.at);
    if ((seen & 0xffff) !== REAL.vendor || seen >>> 16 !== REAL.device) return value;
    const shown = (vendor | (device << 16)) >>> (8 * at);
    return bytes === 4 ? shown | 0 : shown & (2 ** (8 * bytes) - 1);
  }

  read8(address: Bdf, at: number): number {
    return this.#identity(address, at, 1, this.#config.read8(address, at));
  }

  read16(address: Bdf, at: number): number {
    return this.#identity(address, at, 2, this.#config.read16(address, at));
  }

  read32(address: Bdf, at: number): number {
    return this.#identity(address, at, 4, this.#config.read32(address, at));
  }

  write8(address: Bdf, at: number, value: number): void {
    this.#config.write8(address, at, value);
  }

  write16(address: Bdf, at: number, value: number): void {
    this.#config.write16(address, at, value);
  }

  write32(address: Bdf, at: number, value: number): void {
    this.#config.write32(address, at, value);
  }
}

/** A host of QEMU's on which each RTL8139 is seen as an RTL8168H. */
export class Rtl8139Host implements PciHost {
  readonly config: ConfigAccess;
  readonly resources: PciHost['resources'];
  readonly lastBus: number;
  readonly interrupts: PciHost['interrupts'];
  readonly scheduler: PciHost['scheduler'];
  /** Of the chip, once its driver has mapped it. */
  shim!: Rtl8139Shim;
  readonly #host: QemuHost;
  readonly #translates: boolean;

  /** @param checksums the driver asks for checksums or segments, whose bits are to be told in the old layout */
  constructor(host: QemuHost, checksums: boolean) {
    this.#host = host;
    this.#translates = checksums;
    this.config = new Disguise(host.config);
    this.resources = host.resources;
    this.lastBus = host.lastBus;
    this.interrupts = host.interrupts;
    this.scheduler = host.scheduler;
  }

  map(...[address, bytes, kind]: Parameters<PciHost['map']>): Mmio {
    const io = this.#host.map(address, bytes, kind);
    if (kind === 'io') return io;
    return (this.shim ??= new Rtl8139Shim(this.#host.memory.arena, io, this.#translates));
  }

  dma(): ReturnType<QemuHost['dma']> {
    return this.#host.dma();
  }
}
