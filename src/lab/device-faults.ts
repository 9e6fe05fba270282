/**
 * Broken hardware by name and seed: a model that hangs, loses interrupts, writes late, or is not all there. What a driver
 * does about it is what separates one that works from one that works on the author's desk.
 */
import {
  type DeviceBus,
  DmaFault,
  type EmulatedFunction,
  type ModelAlarm,
  type ResetKind,
} from '../emulators/index.js';
import { type Arena, arenaOver } from '../platform/arena.js';
import type { Micros } from '../platform/clock.js';
import type { Random } from '../platform/random.js';
import { i82540em, i82574, meta, at as offsetOf, pick, put, rtl8168h } from '../registers/index.js';
import { WrappedBus, WrappedFunction } from './wrap.js';

/** What can be wrong, by name. */
export const DEVICE_FAULTS = {
  'hung-transmitter': 'doorbells of the transmitter do nothing for some seconds, or until its ring is set up again',
  'lost-interrupt': 'interrupts get lost, several in a row',
  'late-dma':
    "what the device writes arrives late, but in order, before the next register read, and before an interrupt's message",
  'link-flap': 'the cable goes out and in again',
  'bad-nvm': 'a bit of the NVM reads wrong',
  'silent-phy': 'accesses to the PHY never end',
  removal: 'the device is pulled out: everything reads all ones, nothing is written any more',
} as const;

/** One of {@link DEVICE_FAULTS}. */
export type DeviceFault = keyof typeof DEVICE_FAULTS;

/** Something that can be pulled and plugged: a cable. */
export interface Pluggable {
  pull(): void;
  plug(): void;
}

/** Options of {@link breakDevice}. */
export interface DeviceFaultOptions {
  /** When faults begin and end, and what they hit. */
  readonly random: Random;
  /** For `link-flap`. */
  readonly cable?: () => Pluggable | undefined;
}

/** A device that can be broken. Until {@link BrokenDevice.begin} it is whole. */
export interface BrokenDevice {
  /** To be plugged in instead of the model. */
  readonly model: EmulatedFunction;
  /**
   * Breaks it. `bad-nvm`, `silent-phy` and `removal` stay until {@link BrokenDevice.end}; the others come within 20 ms, pass
   * and come again, `rounds` times. One fault at a time: another ends the one before.
   * @throws RangeError for a fault that the chip cannot have ({@link faultsOf})
   */
  begin(fault: DeviceFault, rounds?: number): void;
  /** Whole again; what was removed is back, as after a power cycle. */
  end(): void;
  /** No more faults will come. */
  readonly over: boolean;
  /** How often it did something wrong. */
  readonly count: number;
}

/** Registers that faults concern, by chip and name. */
interface Points {
  /** Doorbells of the transmitter; with a value, only writes of that value are. */
  readonly doorbells: readonly string[];
  readonly doorbell?: number;
  /** A write to it sets the transmitter up anew. */
  readonly setUp: string;
  /** PHY access: its bit that says that it has ended; with `turns` the bit says so by being the opposite of what was written. */
  readonly phy?: { readonly register: string; readonly ready: number; readonly turns?: true };
  /** NVM access: the field with the word. */
  readonly nvm?: { readonly register: string; readonly data: number };
}

/** Both Realtek chips. Their station address has no checksum: a wrong bit of it is another address. */
const REALTEK: Points = {
  doorbells: ['TPPOLL'],
  setUp: 'TNPDS_LO',
  phy: { register: 'GPHY_OCP', ready: rtl8168h.GPHY_OCP.FLAG, turns: true },
};

const POINTS: Readonly<Record<string, Points>> = {
  '82540em': {
    doorbells: ['TDT'],
    setUp: 'TDLEN',
    phy: { register: 'MDIC', ready: i82540em.MDIC.R },
    nvm: { register: 'EERD', data: i82540em.EERD.DATA },
  },
  '82574l': {
    doorbells: ['TDT0', 'TDT1'],
    setUp: 'TDLEN0',
    phy: { register: 'MDIC', ready: i82574.MDIC.R },
    nvm: { register: 'EERD', data: i82574.EERD.DATA },
  },
  rtl8168h: REALTEK,
  rtl8125b: REALTEK,
  // Queue 1 is the transmitter's (virtio 1.2 §5.1.2).
  virtio: { doorbells: ['NOTIFY'], doorbell: 1, setUp: 'QUEUE_ENABLE' },
};

/** By the chip of its registers; a model's own name is its user's choice. */
function pointsOf(fn: EmulatedFunction): Points | undefined {
  return POINTS[fn.maps?.[0]?.map.chip ?? ''];
}

/** Faults that a chip can have. */
export function faultsOf(fn: EmulatedFunction): DeviceFault[] {
  const points = pointsOf(fn);
  const all = Object.keys(DEVICE_FAULTS) as DeviceFault[];
  return all.filter((fault) => {
    if (fault === 'hung-transmitter') return points !== undefined;
    if (fault === 'silent-phy') return points?.phy !== undefined;
    return fault === 'bad-nvm' ? points?.nvm !== undefined : true;
  });
}

/** Wraps a model so that it can be broken. */
export function breakDevice(fn: EmulatedFunction, options: DeviceFaultOptions): BrokenDevice {
  return new Broken(fn, options);
}

const ROUNDS = 3;
const FIRST: Micros = 20_000;
const BETWEEN: Micros = 30_000;
/** Longer than watchdogs of drivers sleep. */
const HANG: Micros = 3_000_000;
const LOSSES = 4;
const LATE: Micros = 60;
const FLAP: Micros = 200_000;
/** Writes that are held back at most; then they arrive. */
const HELD = 256;

class Broken extends WrappedFunction implements BrokenDevice {
  #fault: DeviceFault | undefined;
  readonly #random: Random;
  readonly #cable: DeviceFaultOptions['cable'];
  readonly #points: Points | undefined;
  #bus: FaultyBus | undefined;
  #alarm: ModelAlarm | undefined;
  #rounds = 0;
  #active = false;
  #removed = false;
  /** Last command to the PHY. */
  #asked = 0;
  count = 0;

  constructor(fn: EmulatedFunction, options: DeviceFaultOptions) {
    super(fn);
    this.#random = options.random;
    this.#cable = options.cable;
    this.#points = pointsOf(fn);
  }

  override attach(bus: DeviceBus): void {
    this.#bus = new FaultyBus(bus, this.#random, () => void this.count++);
    this.#alarm = bus.alarm(() => this.#turn());
    this.fn.attach(this.#bus);
  }

  get model(): EmulatedFunction {
    return this;
  }

  begin(fault: DeviceFault, rounds = ROUNDS): void {
    if (!faultsOf(this.fn).includes(fault)) throw new RangeError(`${this.name} cannot have the fault ${fault}`);
    this.end();
    this.#fault = fault;
    if (fault === 'bad-nvm' || fault === 'silent-phy') return;
    this.#rounds = fault === 'removal' ? 1 : rounds;
    this.#arm(this.#random.below(FIRST));
  }

  end(): void {
    this.#alarm?.cancel();
    if (this.#active) this.#heal();
    this.#rounds = 0;
    this.#fault = undefined;
    this.#removed = false;
    if (this.#bus) this.#bus.gone = false;
  }

  get over(): boolean {
    return this.#rounds === 0 && !this.#active;
  }

  #arm(wait: Micros): void {
    this.#alarm!.arm(this.#bus!.now + wait);
  }

  /** A fault begins or ends. */
  #turn(): void {
    const random = this.#random;
    if (this.#active) {
      this.#heal();
      if (this.#rounds > 0) this.#arm(random.below(BETWEEN));
      return;
    }
    if (this.#rounds === 0) return;
    this.#rounds--;
    this.#active = true;
    switch (this.#fault) {
      case 'hung-transmitter':
        this.#arm(HANG + random.below(HANG));
        break;
      case 'lost-interrupt':
        this.#bus!.losing += 1 + random.below(LOSSES);
        this.#arm(random.below(BETWEEN));
        break;
      case 'late-dma':
        this.#bus!.late = true;
        this.#arm(random.below(BETWEEN));
        break;
      case 'link-flap':
        this.count++;
        this.#cable?.()?.pull();
        this.#arm(random.below(FLAP));
        break;
      case 'removal':
        this.count++;
        // Its power is gone, and its state with it: whatever comes back knows no ring of a driver that has gone.
        this.fn.reset('power-on');
        this.#removed = true;
        this.#bus!.gone = true;
        this.#active = false;
        break;
      default:
        this.#active = false;
    }
  }

  /** The fault passes. */
  #heal(): void {
    this.#active = false;
    if (this.#fault === 'link-flap') this.#cable?.()?.plug();
    this.#bus!.losing = 0;
    if (this.#fault === 'late-dma') {
      this.#bus!.late = false;
      this.#bus!.settle();
    }
  }

  override readBar(bar: number, at: number, width: number): number {
    if (this.#removed) return ones(width);
    // What was written before a read arrives before its answer (PCI 3.0 §3.2.5).
    this.#bus?.settle();
    const value = this.fn.readBar(bar, at, width);
    const { phy, nvm } = this.#points ?? {};
    if (this.#fault === 'silent-phy' && phy && this.#is(bar, at, phy.register)) {
      this.count++;
      return (value & ~phy.ready) | (phy.turns ? this.#asked & phy.ready : 0);
    }
    if (this.#fault === 'bad-nvm' && nvm && this.#is(bar, at, nvm.register)) {
      this.count++;
      return put(value, nvm.data, pick(value, nvm.data) ^ 1);
    }
    return value;
  }

  override writeBar(bar: number, at: number, width: number, value: number): void {
    if (this.#removed) return;
    const points = this.#points;
    if (points?.phy && this.#is(bar, at, points.phy.register)) this.#asked = value;
    if (this.#active && this.#fault === 'hung-transmitter' && points) {
      if (this.#is(bar, at, points.setUp)) this.#active = false;
      else if (
        points.doorbells.some((name) => this.#is(bar, at, name)) &&
        (points.doorbell === undefined || points.doorbell === (value & 0xffff))
      ) {
        this.count++;
        return;
      }
    }
    this.fn.writeBar(bar, at, width, value);
  }

  override readConfig(at: number, width: number): number | undefined {
    return this.#removed ? ones(width) : this.fn.readConfig?.(at, width);
  }

  override writeConfig(at: number, width: number, value: number): void {
    if (!this.#removed) this.fn.writeConfig?.(at, width, value);
  }

  override reset(kind: ResetKind): void {
    this.#bus?.settle();
    this.fn.reset(kind);
  }

  /** Is there an element of the register called `name` at this place? */
  #is(bar: number, at: number, name: string): boolean {
    for (const map of this.maps ?? []) {
      const register = map.bar === bar ? map.map.registers[name] : undefined;
      if (register === undefined) continue;
      for (let i = 0; i < register[meta].count; i++) if (map.at + offsetOf(register, i) === at) return true;
    }
    return false;
  }
}

interface HeldWrite {
  readonly address: number;
  readonly copy: Arena;
  readonly bytes: number;
}

/** A bus that loses interrupts, holds writes back, or has nobody on it any more. */
class FaultyBus extends WrappedBus {
  /** Interrupts that will get lost. */
  losing = 0;
  late = false;
  gone = false;
  #held: HeldWrite[] = [];
  #level = false;
  readonly #random: Random;
  readonly #wrong: () => void;
  readonly #alarm: ModelAlarm;
  readonly #scratch: number;

  constructor(bus: DeviceBus, random: Random, wrong: () => void) {
    super(bus);
    this.#random = random;
    this.#wrong = wrong;
    this.#alarm = bus.alarm(() => this.settle());
    this.#scratch = bus.allocBuffer(4);
  }

  /** Everything that was held back arrives. */
  settle(): void {
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    this.#alarm.cancel();
    if (this.gone) return;
    for (const { address, copy, bytes } of held) this.bus.write(address, copy, 0, bytes);
  }

  override write(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    if (this.gone) return DmaFault.masterOff;
    if (!this.late) return this.bus.write(address, arena, at, bytes);
    this.#wrong();
    const copy = arenaOver(new ArrayBuffer(Math.ceil(bytes / 4) * 4));
    copy.u8.set(arena.u8.subarray(at, at + bytes));
    this.#held.push({ address, copy, bytes });
    if (this.#held.length >= HELD) this.settle();
    else if (!this.#alarm.armed) this.#alarm.arm(this.now + this.#random.below(LATE));
    return DmaFault.none;
  }

  override write32(address: number, value: number): DmaFault {
    if (!this.late && !this.gone) return this.bus.write32(address, value);
    this.arena.view.setInt32(this.#scratch, value, true);
    return this.write(address, this.arena, this.#scratch, 4);
  }

  override write16(address: number, value: number): DmaFault {
    if (!this.late && !this.gone) return this.bus.write16(address, value);
    this.arena.view.setUint16(this.#scratch, value, true);
    return this.write(address, this.arena, this.#scratch, 2);
  }

  override read(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    this.settle();
    if (this.gone) return DmaFault.masterOff;
    return this.bus.read(address, arena, at, bytes);
  }

  override read32(address: number): number {
    this.settle();
    return this.gone ? 0 : this.bus.read32(address);
  }

  override read16(address: number): number {
    this.settle();
    return this.gone ? 0 : this.bus.read16(address);
  }

  override get fault(): DmaFault {
    return this.gone ? DmaFault.masterOff : this.bus.fault;
  }

  override setLevel(on: boolean): void {
    if (this.gone) return;
    const rises = on && !this.#level;
    this.#level = on;
    if (rises && this.#lost()) return;
    this.bus.setLevel(on);
  }

  override message(vector: number): void {
    if (this.gone || this.#lost()) return;
    // A message is a write like any other: it does not overtake (PCI 3.0 §6.8.1).
    this.settle();
    this.bus.message(vector);
  }

  #lost(): boolean {
    if (this.losing === 0) return false;
    this.losing--;
    this.#wrong();
    return true;
  }
}

function ones(width: number): number {
  return width === 32 ? -1 : 2 ** width - 1;
}
