/**
 * The third seam: what a device model is to the host it lives in. A model knows registers, its link port and the bus it
 * was given; it does not know whether an in-process machine, QEMU over vfio-user or v86 hosts it.
 */
import type { LinkPort } from '../link/port.js';
import type { Arena } from '../platform/arena.js';
import type { Micros } from '../platform/clock.js';
import type { Finding } from '../platform/diagnostics.js';
import type { RegisterFile, RegisterMap } from '../registers/index.js';

/** 0: done. Anything else: nothing (reads give zeros) or only a part was transferred. */
export const DmaFault = { none: 0, masterOff: 1, noMemory: 2, iommu: 3 } as const;
/** One of the values of {@link DmaFault}. */
export type DmaFault = (typeof DmaFault)[keyof typeof DmaFault];

/** How eagerly a model works. */
export type Schedule =
  | 'fast' // at the doorbell, in bounded slices
  | 'timed' // at the rate of the wire
  | 'adversarial'; // late, split, reordered where the datasheet allows

/**
 * What a host gives to a function. Addresses are bus addresses below 2^53. Guest memory may change between two reads: a
 * model reads each word once. No call throws.
 */
export interface DeviceBus {
  /** Copies `bytes` from guest memory into `arena` at `at`. */
  read(address: number, arena: Arena, at: number, bytes: number): DmaFault;
  /** Copies `bytes` of `arena` at `at` to guest memory. */
  write(address: number, arena: Arena, at: number, bytes: number): DmaFault;
  /** An int32 of guest memory, little-endian; 0 after a fault, which {@link DeviceBus.fault} then tells. */
  read32(address: number): number;
  write32(address: number, value: number): DmaFault;
  read16(address: number): number;
  write16(address: number, value: number): DmaFault;
  /** Fault of the last `read16` or `read32`. */
  readonly fault: DmaFault;
  /** Memory for the model's own packet buffers; the fast paths copy within one arena. */
  readonly arena: Arena;
  /** Takes `bytes` of {@link DeviceBus.arena} for the model, for as long as it lives. */
  allocBuffer(bytes: number): number;

  /** Time of the machine. */
  readonly now: Micros;
  /** An alarm on the machine's clock. It never fires inside an access of the guest. */
  alarm(fire: () => void): ModelAlarm;
  /** How eagerly to work. */
  readonly schedule: Schedule;
  /** Adversarial schedule: a number of microseconds from 0 to `most` by which to be late; otherwise 0. */
  delay(most: Micros): Micros;
  /** Adversarial schedule: how many of `most` pieces of work to do in this slice (1 to `most`); otherwise `most`. */
  slice(most: number): number;

  /** INTx (or MSI vector 0, when the guest has enabled MSI, on each rising edge). Delivered after the current access. */
  setLevel(on: boolean): void;
  /** An MSI or MSI-X message. Delivered after the current access; masked vectors become pending. */
  message(vector: number): void;
  /** Forgets an MSI-X message that is pending because its vector is masked. */
  clearMessage(vector: number): void;
  /** True while the guest has MSI-X enabled: the model then uses `message` instead of `setLevel`. */
  readonly msixEnabled: boolean;
  /** PME#: the function wants to wake the system. */
  pme(): void;

  /** Something worth telling the driver's author. */
  report(finding: Finding): void;
}

/** An alarm of a model. */
export interface ModelAlarm {
  readonly armed: boolean;
  /** Fires at `deadline`; a time that has passed: as soon as the current access is over. */
  arm(deadline: Micros): void;
  cancel(): void;
}

/** One BAR as it is decoded. */
export interface BarDeclaration {
  /** 0 to 5; a 64-bit BAR also takes the next one. 6 is the expansion ROM. */
  readonly index: number;
  readonly kind: 'memory32' | 'memory64' | 'io';
  readonly prefetchable?: boolean;
  /** A power of two, at least 4 for I/O and 16 for memory. */
  readonly bytes: number;
  /** What lives there, for listings. */
  readonly name: string;
}

/** A capability: its bytes after ID and next pointer, and which of them the guest may change. */
export interface CapabilityDeclaration {
  /** Capability ID. */
  readonly id: number;
  /** Offset in configuration space; at least 40h (100h for extended ones), a multiple of 4. */
  readonly at: number;
  /** Bytes from offset 2 (4 for extended ones) on. */
  readonly bytes: readonly number[];
  /** Same length: ones are read-write bits. */
  readonly writable?: readonly number[];
  /** Same length: ones are write-1-to-clear bits. */
  readonly clearable?: readonly number[];
  /** For extended capabilities: their version. Makes it an extended one. */
  readonly version?: number;
}

/** Identity and layout of a function's configuration space. */
export interface ConfigDeclaration {
  readonly vendor: number;
  readonly device: number;
  readonly revision: number;
  /** Base class << 16 | sub-class << 8 | programming interface. */
  readonly classCode: number;
  readonly subsystemVendor: number;
  readonly subsystem: number;
  /** INTA# to INTD# as 1 to 4; 0 none. */
  readonly interruptPin: number;
  readonly minGrant?: number;
  readonly maxLatency?: number;
  /** Constant bits of the status register beside the capability list. */
  readonly status?: number;
  readonly bars: readonly BarDeclaration[];
  readonly capabilities: readonly CapabilityDeclaration[];
  /** MSI: number of vectors (a power of two). The shell gives the capability its behaviour. */
  readonly msi?: {
    readonly at: number;
    readonly vectors: number;
    readonly address64: boolean;
    readonly maskable?: boolean;
  };
  /** MSI-X: table and pending bits in `bar`; those ranges belong to the shell. */
  readonly msix?: {
    readonly at: number;
    readonly vectors: number;
    readonly bar: number;
    readonly tableAt: number;
    readonly pbaAt: number;
  };
  /** Power management: D3hot drops the state unless `noSoftReset`. */
  readonly pm?: { readonly at: number; readonly capabilities: number; readonly noSoftReset: boolean };
  /** 256, or 4096 for PCI Express functions. */
  readonly configBytes: 256 | 4096;
}

/** Kinds of reset. `power-on`: everything; `bus`: RST# or secondary bus reset; `flr`: function level; `d3hot`: leaving D3hot. */
export type ResetKind = 'power-on' | 'bus' | 'flr' | 'd3hot';

/** What the host tells a model about configuration space. */
export interface ConfigHooks {
  /** Instead of the stored bytes: undefined means "as stored". `at` and `width` are those of the guest's access. */
  readConfig?(at: number, width: number): number | undefined;
  /** After a read: what the guest got. For watchers; a model has no use for it. */
  configRead?(at: number, width: number, value: number): void;
  /** After bytes were stored. */
  writeConfig?(at: number, width: number, value: number): void;
}

/** Registers of a piece of a BAR: traces name and decode accesses with them. */
export interface BarMap {
  readonly bar: number;
  /** Offset in the BAR of the map's offset 0. */
  readonly at: number;
  readonly map: RegisterMap;
  /** Holds the registers of `map`; absent where none are stored. */
  readonly file?: RegisterFile;
}

/** Registers that no BAR shows: they stand behind a window, an address register with a data register. */
export interface IndirectSpace {
  /** Holds the declared ones; its map's `space` is their name. */
  readonly file: RegisterFile;
  /** Addresses at which no register is declared and that software has touched. */
  undeclared(): readonly UndeclaredAddress[];
}

/** An address that software touched and no register stands at. */
export interface UndeclaredAddress {
  readonly address: number;
  readonly read: boolean;
  readonly written: boolean;
}

/** A ring or queue of descriptors as it is now, for looking on. */
export interface RingState {
  /** As in {@link FrameDescriptor}. */
  readonly ring: string;
  /** Bus address of descriptor 0. */
  readonly address: number;
  readonly entries: number;
  /** Bytes of a descriptor. */
  readonly entryBytes: number;
  /** The next descriptor that the device takes, and the first that it may not take. */
  readonly head: number;
  readonly tail: number;
  /** Where places hold not descriptors but their numbers (a split virtqueue): bus address of the first number, 16 bits each. */
  readonly numbers?: number;
}

/**
 * The descriptor that belongs to the frame under way; captures tell it. The model writes it in place before it hands a frame
 * to its port, and before its `port.receive` returns `delivered`.
 */
export interface FrameDescriptor {
  /** Which ring or queue, in the datasheet's words with its number: `TX ring 0`. */
  ring: string;
  /** Place in the ring of the frame's last descriptor (a split virtqueue: the chain's head); -1 when the frame has none. */
  index: number;
  /** Bus address of that descriptor. */
  address: number;
}

/**
 * A device model. Every method may be called with anything a hostile guest can produce; none throws, loops without
 * bound or reads outside its memory.
 */
export interface EmulatedFunction extends ConfigHooks {
  /** Name of the chip on command lines and in reports, e.g. `82540em`. */
  readonly name: string;
  readonly config: ConfigDeclaration;
  /** Where its cable goes in; undefined for functions without one. */
  readonly port: LinkPort | undefined;
  /** Which registers lie where. Without it a trace shows offsets and numbers. */
  readonly maps?: readonly BarMap[] | undefined;
  /** The descriptor of the frame under way; see {@link FrameDescriptor}. */
  readonly descriptor?: FrameDescriptor | undefined;
  /** What stands behind its windows, once it is attached; for looking on. */
  spaces?(): readonly IndirectSpace[];
  /** Its rings as they are. Without effects. */
  rings?(): readonly RingState[];
  /** Called once, before anything else. */
  attach(bus: DeviceBus): void;
  /** The guest reads `width` bits (8, 16, 32) at byte `at` of a BAR. */
  readBar(bar: number, at: number, width: number): number;
  /** The guest writes. */
  writeBar(bar: number, at: number, width: number, value: number): void;
  reset(kind: ResetKind): void;
  /** The guest changed the power state (0 to 3). */
  powerState?(state: number): void;
}
