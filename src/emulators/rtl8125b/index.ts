/**
 * Realtek RTL8125B: the chip. No document of it is public; the sources are what Linux r8169, OpenBSD rge, DPDK's r8169 and
 * Realtek's own r8125 expect, and the RTL8169 specification for the family's core. See docs/faithfulness/rtl8125b.md.
 */
import { type AnyReg, meta, rtl8125b } from '../../registers/index.js';
import type { BarMap, ConfigDeclaration, DeviceBus } from '../function.js';
import type { RealtekChip } from '../realtek/chip.js';
import { Bar } from '../realtek/config.js';
import { CsiTarget } from '../realtek/csi.js';
import { eepromImage } from '../realtek/eeprom.js';
import { McuMemory } from '../realtek/mcu.js';
import { RealtekNic, type RealtekOptions, type RealtekParts } from '../realtek/nic.js';
import { RealtekPhy } from '../realtek/phy.js';
import { StorageSpace } from '../realtek/storage.js';
import { TallyUnit } from '../realtek/tally.js';
import { TimerUnit } from '../realtek/timer.js';
import { wakesOnLink } from '../realtek/wake.js';
import { WindowUnit } from '../realtek/windows.js';
import { config } from './config.js';
import { mitigation, VectorUnit } from './interrupts.js';
import { RssUnit } from './rss.js';

const { PCI_ID, WINDOWS, TPPOLL, PHYSTATUS, FIFO_STATUS, RCR, BACKUP_ADDR0, BACKUP_ADDR1 } = rtl8125b;
const { TALLY_CTRL, TX_FORMAT, WAKE_MAGIC, WAKE_LINK, TXCFG, CR } = rtl8125b;
const { DESCRIPTOR_BYTES, TX_DESCRIPTOR_NEW_BYTES, RX_DESCRIPTOR_V3_BYTES } = rtl8125b;
const { TCTR1, TCTR2, TCTR3, TIMERINT1, TIMERINT2, TIMERINT3 } = rtl8125b;

/** Bytes of the receive FIFO, and the levels of PAUSE in it: not public, see the page of the chip. */
const FIFO_BYTES = 64 * 1024;
const PAUSE_LEVELS = { high: (FIFO_BYTES * 3) / 4, low: FIFO_BYTES / 2 } as const;

const noClose = (index: number) => ({
  mask: TXCFG.TX_NO_CLOSE,
  index,
  tail: rtl8125b.SW_TAIL_PTR,
  closed: rtl8125b.HW_CLO_PTR,
});

const CHIP: RealtekChip = {
  name: 'rtl8125b',
  map: rtl8125b.bar2Map,
  registers: rtl8125b,
  rings: [
    {
      name: 'TX ring 0',
      low: rtl8125b.TNPDS_LO,
      high: rtl8125b.TNPDS_HI,
      poll: TPPOLL.Q0,
      queue: 0,
      noClose: noClose(0),
    },
    {
      name: 'TX ring 1',
      low: rtl8125b.TNPDS_Q1_LO,
      high: rtl8125b.TNPDS_Q1_HI,
      poll: TPPOLL.Q1,
      queue: 1,
      noClose: noClose(1),
    },
  ],
  rxRings: [
    { name: 'RX ring', low: rtl8125b.RDSAR_LO, high: rtl8125b.RDSAR_HI, index: 0 },
    ...[1, 2, 3].map((queue) => ({
      name: `RX ring ${queue}`,
      low: rtl8125b.RDSAR_Q1_LO,
      high: rtl8125b.RDSAR_Q1_HI,
      index: queue - 1,
    })),
  ],
  // Lengths: r8125 with ENABLE_RX_PACKET_FRAGMENT, DPDK rtl_recv_scattered_pkts, OpenBSD rge_rxeof. PID: the same drivers take its
  // two bits for TCP and UDP, and vouch for a frame that has either.
  rxFormat: { wide: RCR.RXDESC_V3, pieces: true, otherIp: 0 },
  strip: { register: RCR, mask: RCR.VLAN_INNER | RCR.VLAN_OUTER },
  fifoBytes: FIFO_BYTES,
  // r8169 rtl_jumbo_max: JUMBO_16K.
  mostFrame: 16_384,
  mitigation: (_bus, regs) => mitigation(regs),
  interrupts: (bus, regs, times) => new VectorUnit(bus, regs, times),
  spreading: (bus, regs) => new RssUnit(bus, regs),
};

/** The chip, as a function on a bus. */
export class Rtl8125b extends RealtekNic {
  readonly config: ConfigDeclaration = config;
  readonly maps: readonly BarMap[];
  #ocp!: StorageSpace;
  #mcu!: McuMemory;
  #bus!: DeviceBus;
  #timers: readonly TimerUnit[] = [];

  constructor(options: RealtekOptions = {}) {
    const image =
      options.eeprom ??
      eepromImage({
        mac: options.mac ?? Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56),
        vendor: PCI_ID.vendor,
        device: PCI_ID.device,
        subsystemVendor: config.subsystemVendor,
        subsystem: config.subsystem,
      });
    super(CHIP, image, 'RTL8125B', options.name);
    this.maps = [
      { bar: Bar.registers, at: 0, map: rtl8125b.bar2Map, file: this.regs },
      { bar: Bar.io, at: 0, map: rtl8125b.ioMap },
    ];
  }

  protected wire(bus: DeviceBus): RealtekParts {
    const { regs } = this;
    this.#bus = bus;
    this.#ocp = new StorageSpace(rtl8125b.ocpMap);
    const ephy = new StorageSpace(rtl8125b.ephyMap);
    this.#mcu = new McuMemory(this.#ocp.regs);
    const csi = new CsiTarget(bus, this.configSpace, rtl8125b.csiMap, rtl8125b.CSI_ASPM, rtl8125b.CSIAR);
    const phy = new RealtekPhy(bus, this.port, { map: rtl8125b.phyMap, id: rtl8125b.PHY_ID, multigig: true });
    const windows = [
      new WindowUnit(bus, regs, WINDOWS.phyar, phy.clause22),
      new WindowUnit(bus, regs, WINDOWS.gphy, phy.ocp),
      new WindowUnit(bus, regs, WINDOWS.ocp, this.#ocp),
      new WindowUnit(bus, regs, WINDOWS.ephy, ephy),
      new WindowUnit(bus, regs, WINDOWS.csi, csi),
    ];
    regs.on(PHYSTATUS, { read: () => phy.status(PHYSTATUS) });
    // Three more counts as TCTR is one. No driver waits for them, and what they set when they reach TIMERINT1 to 3 is not public.
    this.#timers = [TCTR1, TCTR2, TCTR3].map((count) => new TimerUnit(bus, regs, count));
    for (const compare of [TIMERINT1, TIMERINT2, TIMERINT3])
      regs.on(compare, { write: (value) => this.#unmodelled(compare, value, 'the cause that this timer sets') });
    regs.on(FIFO_STATUS, { read: () => this.#fifoStatus() });
    const ocp = this.#ocp.regs;
    return {
      phy,
      csi,
      windows,
      spaces: [this.#ocp, ephy],
      tally: new TallyUnit(bus, regs, rtl8125b.tallyMap, {
        map: rtl8125b.tallyExtendedMap,
        on: () => (ocp.get(TALLY_CTRL) & TALLY_CTRL.EXTENDED) === TALLY_CTRL.EXTENDED,
      }),
      wake: {
        magic: () => (ocp.get(WAKE_MAGIC) & WAKE_MAGIC.EN) !== 0,
        link: () => wakesOnLink(regs) || (ocp.get(WAKE_LINK) & WAKE_LINK.EVENTS) !== 0,
      },
    };
  }

  protected override resetOwn(): void {
    this.#mcu.reset();
    for (const timer of this.#timers) timer.reset();
  }

  protected loadAddress(low: number, high: number): void {
    this.regs.set(BACKUP_ADDR0, low);
    this.regs.set(BACKUP_ADDR1, high);
  }

  protected get pauseLevels(): { readonly high: number; readonly low: number } {
    return PAUSE_LEVELS;
  }

  protected override get txDescriptorBytes(): number {
    return (this.#ocp.regs.get(TX_FORMAT) & TX_FORMAT.NEW) !== 0 ? TX_DESCRIPTOR_NEW_BYTES : DESCRIPTOR_BYTES;
  }

  protected override get rxDescriptorBytes(): number {
    return (this.regs.get(RCR) & RCR.RXDESC_V3) !== 0 ? RX_DESCRIPTOR_V3_BYTES : DESCRIPTOR_BYTES;
  }

  protected override receiverSet(value: number, old: number): void {
    if (((value ^ old) & RCR.RXDESC_V3) === 0 || (this.regs.get(CR) & CR.RE) === 0) return;
    const { name, ref } = RCR[meta];
    const message = 'RXDESC_V3 was changed while CR.RE is set: the descriptors of a ring have one form';
    this.#bus.report({ rule: 'ring-while-enabled', register: name, value, message, ref });
  }

  /** Says what was asked for, when something was, and is not there. The registers keep what is written. */
  #unmodelled(register: AnyReg, asked: number, what: string): void {
    if (asked === 0) return;
    const { name, ref } = register[meta];
    const value = this.regs.get(register);
    this.#bus.report({ rule: 'unmodelled', register: name, value, message: `${what}: not modelled`, ref });
  }

  #fifoStatus(): number {
    const { rx, tx } = this.empty;
    return rx && tx ? FIFO_STATUS.EMPTY0 | FIFO_STATUS.EMPTY1 | FIFO_STATUS.EMPTY8 : 0;
  }
}
