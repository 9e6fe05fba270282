/** The NICs of the matrix: one line for each chip. What Linux drivers have in common stands once for each driver. */
import type { Hideable } from '../../../src/lab/hide.js';
import type { RuleName } from '../../../src/platform/diagnostics.js';
import type { WireCounts } from './wire.js';

/** Kinds of interrupt. */
export type Mode = 'intx' | 'msi' | 'msix';

/** What a driver and its chip can do; a row that needs what is not here is left out. */
export type Feature =
  | 'negotiates' // speed and duplex are negotiated and shown
  | 'tx' // transmit checksum can be switched
  | 'tso'
  | 'rx' // receive checksum can be switched
  | 'rx-valid' // good checksums are vouched for
  | 'sg'
  | 'rxvlan'
  | 'txvlan'
  | 'vlan-filter' // the driver switches it on; e1000e fills the table and leaves RCTL.VFE off
  | 'rx-fcs'
  | 'rx-all'
  | 'rxhash'
  | 'selftest'
  | 'rings'
  | 'coalesce'
  | 'pause'
  | 'jumbo'
  | 'pm-reset'; // a reset method that sysfs offers

/** A finding of the model that is right: what the driver does on purpose. */
export interface Explained {
  readonly rule: RuleName;
  readonly register: RegExp;
  readonly why: string;
}

/** How the numbers of `ethtool -S` (and, as `sysfs/…`, of the interface) follow from what passed on the cable. */
export type StatisticsMap = Readonly<Record<string, (out: WireCounts, come: WireCounts) => number>>;

/** What chips of one Linux driver share. */
export interface LinuxDriver {
  /** Name as sysfs shows it. */
  readonly name: string;
  /** A line of shell that loads it so that it uses `mode`. */
  load(mode: Mode): string;
  /** Capabilities to hide so that it uses `mode`. */
  hides(mode: Mode): readonly Hideable[];
  /** The module to unload. */
  readonly unload: string;
  readonly statistics: StatisticsMap;
  /** Descriptors of the smallest rings that the driver takes. */
  readonly smallestRings?: number;
  /** Lines of the kernel's log that do not tell of a fault of the model's. */
  readonly complaints?: readonly { readonly line: RegExp; readonly why: string }[];
  /** `rx-usecs` that it takes at most, what it has by itself, and whether a single frame waits that long. */
  readonly coalesce?: { readonly slow: number; readonly usual: number; readonly delays?: boolean };
  /** A line of shell that switches on what the driver can and leaves off by itself. */
  readonly switchOn?: string;
  /** Why it cannot let go of a device that answers with ones. */
  readonly holdsOn?: string;
}

/** One NIC. */
export interface Chip {
  /** Its name in src/lab/nics.ts. */
  readonly nic: string;
  readonly driver: LinuxDriver;
  /** Mbit/s; 0: the driver does not tell. */
  readonly speed: number;
  /** The first one gets all rows. */
  readonly modes: readonly Mode[];
  readonly features: ReadonlySet<Feature>;
  readonly explained: readonly Explained[];
  /** QEMU's own device of the kind. */
  readonly control?: {
    readonly device: Readonly<Record<string, unknown>> & { readonly driver: string };
    /** Properties that take MSI-X away. */
    readonly withoutMsix: Readonly<Record<string, unknown>>;
  };
}

/** e1000 and e1000e before sleep and restart. */
const WAKES: readonly Explained[] = [
  {
    rule: 'ring-length',
    register: /^RDLEN$/,
    why: 'before sleep and restart the driver enables the receiver for wake-up frames only, without a ring',
  },
];

/** e1000e before sleep and restart, on any chip. */
const LPIC: Explained = {
  rule: 'unknown-register',
  register: /^offset 0x000000fc$/,
  why: 'the driver prints the low-power idle timer, a register of later chips (e1000e_flush_lpic), whatever the chip',
};

/** MACs that count what the standard names: e1000 and e1000e show them under the same words. */
const INTEL_STATISTICS: StatisticsMap = {
  rx_packets: (_out, come) => come.frames,
  tx_packets: (out) => out.frames,
  rx_bytes: (_out, come) => come.bytes,
  tx_bytes: (out) => out.bytes,
  rx_broadcast: (_out, come) => come.broadcast,
  tx_broadcast: (out) => out.broadcast,
  rx_multicast: (_out, come) => come.multicast,
  tx_multicast: (out) => out.multicast,
  rx_crc_errors: (_out, come) => come.badFcs,
  rx_length_errors: (_out, come) => come.short + come.long,
};

const e1000: LinuxDriver = {
  name: 'e1000',
  load: () => 'ins e1000',
  hides: () => [],
  unload: 'e1000',
  statistics: INTEL_STATISTICS,
  smallestRings: 80,
};

const INT_MODES: Readonly<Record<Mode, number>> = { intx: 0, msi: 1, msix: 2 };

const e1000e: LinuxDriver = {
  name: 'e1000e',
  // A number for each device probed after loading. A driver that is there has been loaded for this mode.
  load: (mode) =>
    `test -d /sys/module/e1000e || { for m in $(grep -v ^e1000e$ /modules/e1000e.order); do ins $m || insmod /modules/$m.ko; done; insmod /modules/e1000e.ko IntMode=${Array(8).fill(INT_MODES[mode]).join()}; }`,
  hides: () => [],
  unload: 'e1000e',
  statistics: INTEL_STATISTICS,
  smallestRings: 64,
  coalesce: { slow: 10_000, usual: 3 },
};

const virtio: LinuxDriver = {
  name: 'virtio_net',
  load: () => 'ins virtio_net',
  hides: (mode) => (mode === 'msix' ? [] : ['msix']),
  unload: 'virtio_net',
  holdsOn: 'vp_reset() waits without limit for a device status of 0',
  // Counts of packets in memory, without FCS; a virtual wire has no shortest and, with merged buffers, no longest frame.
  statistics: {
    'sysfs/rx_packets': (_out, come) => come.frames + come.short + come.long,
    'sysfs/rx_bytes': (_out, come) => come.bytes + come.oddBytes - 4 * (come.frames + come.short + come.long),
    'sysfs/tx_packets': (out) => out.frames,
    'sysfs/tx_bytes': (out) => out.bytes - 4 * out.frames,
  },
};

/** Linux takes the best kind of interrupt that the device shows. */
const HIDDEN: Readonly<Record<Mode, readonly Hideable[]>> = { msix: [], msi: ['msix'], intx: ['msix', 'msi'] };

const r8169: LinuxDriver = {
  name: 'r8169',
  load: () => 'ins r8169',
  hides: (mode) => HIDDEN[mode],
  unload: 'r8169',
  complaints: [
    {
      line: /[Ff]irmware.*rtl_nic\/rtl8(168h|125b)-2\.fw|irmware: failed to load rtl_nic/,
      why: 'the parameters of the PHY are not free software and not in the guest; the driver goes on without them',
    },
    { line: /Rx ERROR\. status/, why: 'the driver tells of each damaged frame that it is given' },
  ],
  // 15 units of 160 us at 1 Gbit/s.
  coalesce: { slow: 2_400, usual: 0, delays: true },
  switchOn: 'ethtool -K $N sg on tso on',
  // The tally counters.
  statistics: {
    // RMS is 16 KiB whatever the MTU: long frames are good ones.
    rx_packets: (_out, come) => come.frames + come.long,
    tx_packets: (out) => out.frames,
    rx_errors: (_out, come) => come.badFcs + come.short,
    unicast: (_out, come) => come.frames + come.long - come.broadcast - come.multicast,
    broadcast: (_out, come) => come.broadcast,
    multicast: (_out, come) => come.multicast,
  },
};

/** Features of the Intel MACs that e1000 and e1000e drive. */
const INTEL: readonly Feature[] = [
  ...(['negotiates', 'tx', 'tso', 'rx', 'rx-valid', 'sg', 'rxvlan', 'txvlan', 'rx-fcs', 'rx-all', 'selftest'] as const),
  ...(['rings', 'pause', 'jumbo'] as const),
];

/** Features of Realtek's chips that every driver has, and what r8169 adds. */
const REALTEK: readonly Feature[] = ['negotiates', 'tx', 'tso', 'rx', 'rx-valid', 'sg', 'rxvlan', 'txvlan', 'jumbo'];
const REALTEK_R8169: readonly Feature[] = ['rx-fcs', 'rx-all', 'pause'];

/** All of them. */
export const CHIPS: readonly Chip[] = [
  {
    nic: '82540em',
    driver: e1000,
    speed: 1000,
    modes: ['intx'],
    features: new Set([...INTEL, 'vlan-filter']),
    explained: WAKES,
    control: { device: { driver: 'e1000' }, withoutMsix: {} },
  },
  {
    nic: '82574l',
    driver: e1000e,
    speed: 1000,
    modes: ['msix', 'msi', 'intx'],
    features: new Set([...INTEL, 'rxhash', 'coalesce']),
    explained: [...WAKES, LPIC],
    control: { device: { driver: 'e1000e' }, withoutMsix: {} },
  },
  {
    nic: 'rtl8168h',
    driver: r8169,
    speed: 1000,
    modes: ['msix', 'msi', 'intx'],
    features: new Set([...REALTEK, ...REALTEK_R8169, 'coalesce']),
    explained: [],
  },
  {
    nic: 'rtl8125b',
    driver: r8169,
    speed: 2500,
    modes: ['msix', 'msi', 'intx'],
    features: new Set([...REALTEK, ...REALTEK_R8169]),
    explained: [],
  },
  {
    nic: 'virtio-net',
    driver: virtio,
    speed: 0,
    modes: ['msix', 'intx'],
    features: new Set(['tx', 'tso', 'rx-valid', 'sg', 'vlan-filter']),
    explained: [],
    control: { device: { driver: 'virtio-net-pci', 'disable-legacy': 'on' }, withoutMsix: { vectors: 0 } },
  },
];

/** Realtek's own driver of a chip, as its Makefile builds it. */
const vendor = (name: string): LinuxDriver => ({
  name,
  load: () => `ins ${name}`,
  hides: (mode) => HIDDEN[mode],
  unload: name,
  complaints: [
    {
      line: /Copyright|ABSOLUTELY NO WARRANTY|free software|taints kernel/,
      why: 'what it says of itself when it is loaded',
    },
    { line: /Device reseting!/, why: 'it sets the chip up again after a resume and after a reset of the function' },
  ],
  // RMS follows the MTU: long frames are bad ones.
  statistics: {
    ...r8169.statistics,
    rx_packets: (_out, come) => come.frames,
    rx_errors: (_out, come) => come.badFcs + come.short + come.long,
    unicast: (_out, come) => come.frames - come.broadcast - come.multicast,
  },
});

/** Chips with the drivers of those who made them. */
export const VENDOR_CHIPS: readonly Chip[] = [
  {
    nic: 'rtl8168h',
    driver: vendor('r8168'),
    speed: 1000,
    modes: ['msi'],
    features: new Set(REALTEK),
    explained: [],
  },
  {
    nic: 'rtl8125b',
    driver: vendor('r8125'),
    speed: 2500,
    modes: ['msix'],
    features: new Set(REALTEK),
    explained: [
      {
        rule: 'dma-disabled',
        register: /^COMMAND$/,
        why: 'r8125 has the counters dumped whenever somebody reads them, also while the interface is down and it may not',
      },
    ],
  },
];
