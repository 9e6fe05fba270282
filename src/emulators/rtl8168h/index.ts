/**
 * Realtek RTL8168H/8111H: the chip. No document of it is public; the sources are the RTL8169 specification, which describes the
 * family's core, and what Linux r8169, iPXE, FreeBSD re and OpenBSD re expect. See docs/faithfulness/rtl8168h.md.
 */
import { pick, rtl8168h } from '../../registers/index.js';
import type { BarMap, ConfigDeclaration, DeviceBus } from '../function.js';
import type { RealtekChip } from '../realtek/chip.js';
import { Bar, configOf, latency, serialNumber, substates, virtualChannel } from '../realtek/config.js';
import { CsiTarget } from '../realtek/csi.js';
import { eepromImage } from '../realtek/eeprom.js';
import { RealtekNic, type RealtekOptions, type RealtekParts } from '../realtek/nic.js';
import { RealtekPhy } from '../realtek/phy.js';
import { StorageSpace } from '../realtek/storage.js';
import { TallyUnit } from '../realtek/tally.js';
import { wakesOnLink } from '../realtek/wake.js';
import { WindowUnit } from '../realtek/windows.js';
import { IntrMitigate } from './mitigation.js';

const { PCI_ID, WINDOWS, MSIX_BAR, TPPOLL, PHYSTATUS, ERI_MAC0, ERI_MAC4, ERI_FILTER } = rtl8168h;
const { ERI_PAUSE_HIGH, ERI_PAUSE_LOW, ERI_WAKE_MASK, ERI_WAKE_CRC, WAKE_PATTERNS, WAKE_PATTERN_BYTES } = rtl8168h;

/** Bytes of the receive FIFO, and the unit of the PAUSE thresholds: not public, see the page of the chip. */
const FIFO_BYTES = 48 * 1024;
const PAUSE_UNIT = 512;
/** The subsystem of Realtek's own boards. */
const BOARD = { vendor: 0x10ec, device: 0x0123 } as const;

const CHIP: RealtekChip = {
  name: 'rtl8168h',
  map: rtl8168h.bar2Map,
  registers: rtl8168h,
  rings: [
    { name: 'TX ring of high priority', low: rtl8168h.THPDS_LO, high: rtl8168h.THPDS_HI, poll: TPPOLL.HPQ, queue: 0 },
    { name: 'TX ring of normal priority', low: rtl8168h.TNPDS_LO, high: rtl8168h.TNPDS_HI, poll: TPPOLL.NPQ, queue: 0 },
  ],
  rxRings: [{ name: 'RX ring', low: rtl8168h.RDSAR_LO, high: rtl8168h.RDSAR_HI, index: 0 }],
  // FreeBSD re_rxeof, OpenBSD re_rxeof: the last descriptor has the length of the whole frame.
  rxFormat: { wide: 0, pieces: false, otherIp: 3 },
  strip: { register: rtl8168h.CPCR, mask: rtl8168h.CPCR.RXVLAN },
  fifoBytes: FIFO_BYTES,
  // r8169 rtl_jumbo_max: JUMBO_9K.
  mostFrame: 9216,
  mitigation: (_bus, regs, speed) => new IntrMitigate(regs, speed),
};

/** The chip, as a function on a bus. */
export class Rtl8168h extends RealtekNic {
  readonly config: ConfigDeclaration;
  readonly maps: readonly BarMap[];
  readonly #levels = { high: 0, low: 0 };
  #eri!: StorageSpace;

  constructor(options: RealtekOptions = {}) {
    const mac = options.mac ?? Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56);
    const image =
      options.eeprom ??
      eepromImage({
        mac,
        vendor: PCI_ID.vendor,
        device: PCI_ID.device,
        subsystemVendor: BOARD.vendor,
        subsystem: BOARD.device,
      });
    super(CHIP, image, 'RTL8168H', options.name);
    this.config = configOf({
      device: PCI_ID.device,
      revision: PCI_ID.revision,
      subsystemVendor: BOARD.vendor,
      subsystem: BOARD.device,
      bytes: rtl8168h.bar2Map.bytes,
      msix: MSIX_BAR,
      speed: 1,
      extended: [virtualChannel(0x140), serialNumber(0x160), latency(0x170), substates(0x178)],
    });
    this.maps = [
      { bar: Bar.registers, at: 0, map: rtl8168h.bar2Map, file: this.regs },
      { bar: Bar.io, at: 0, map: rtl8168h.ioMap },
    ];
  }

  protected wire(bus: DeviceBus): RealtekParts {
    const { regs } = this;
    this.#eri = new StorageSpace(rtl8168h.eriMap);
    const ocp = new StorageSpace(rtl8168h.ocpMap);
    const ephy = new StorageSpace(rtl8168h.ephyMap);
    const csi = new CsiTarget(bus, this.configSpace, rtl8168h.csiMap, rtl8168h.CSI_ASPM, rtl8168h.CSIAR);
    const phy = new RealtekPhy(bus, this.port, { map: rtl8168h.phyMap, id: rtl8168h.PHY_ID });
    const windows = [
      new WindowUnit(bus, regs, WINDOWS.eri, this.#eri),
      new WindowUnit(bus, regs, WINDOWS.phyar, phy.clause22),
      new WindowUnit(bus, regs, WINDOWS.gphy, phy.ocp),
      new WindowUnit(bus, regs, WINDOWS.ocp, ocp),
      new WindowUnit(bus, regs, WINDOWS.ephy, ephy),
      new WindowUnit(bus, regs, WINDOWS.csi, csi),
    ];
    regs.on(PHYSTATUS, { read: () => phy.status(PHYSTATUS) });
    const eri = this.#eri.regs;
    return {
      phy,
      csi,
      windows,
      spaces: [this.#eri, ocp, ephy],
      tally: new TallyUnit(bus, regs, rtl8168h.tallyMap),
      wake: {
        magic: () => (eri.get(ERI_FILTER) & ERI_FILTER.MAGIC) !== 0,
        link: () => wakesOnLink(regs),
        patterns: {
          count: WAKE_PATTERNS,
          bytes: WAKE_PATTERN_BYTES,
          mask: (p, i) => eri.get(ERI_WAKE_MASK, 2 * i + (p >> 2)) >>> (8 * (p & 3)),
          crc: (p) => (eri.get(ERI_WAKE_CRC, p >> 1) >>> (16 * (p & 1))) & 0xffff,
        },
      },
    };
  }

  protected loadAddress(low: number, high: number): void {
    this.#eri.regs.set(ERI_MAC0, low);
    this.#eri.regs.set(ERI_MAC4, high);
  }

  protected get pauseLevels(): { readonly high: number; readonly low: number } {
    const eri = this.#eri.regs;
    this.#levels.high = PAUSE_UNIT * pick(eri.get(ERI_PAUSE_HIGH), ERI_PAUSE_HIGH.THRESHOLD);
    this.#levels.low = PAUSE_UNIT * pick(eri.get(ERI_PAUSE_LOW), ERI_PAUSE_LOW.THRESHOLD);
    return this.#levels;
  }

  protected override rung(value: number, old: number): void {
    if ((value & TPPOLL.FSWINT) !== 0) {
      this.regs.lower(TPPOLL, TPPOLL.FSWINT);
      this.raise(rtl8168h.ISR.SWINT);
    }
    super.rung(value, old);
  }
}
