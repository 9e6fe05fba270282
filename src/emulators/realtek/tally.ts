/**
 * The tally counters, and the command that writes them to memory. They survive a reset of the chip (CR.RST): r8169 takes the
 * values after a reset as a base. A counter that is full starts again at 0.
 * Source: RTL8169 specification, register 10h (DTCCR); r8169 rtl8169_do_counters.
 */
import type { Micros } from '../../platform/clock.js';
import { type AnyReg, meta, type RegisterFile, type RegisterMap, rtl8125b, rtl8168h } from '../../registers/index.js';
import type { DeviceBus, ModelAlarm } from '../function.js';

const { DTCCR, DTCCR_HI } = rtl8168h;

/** A dump is one write of 64 or 192 bytes behind what the DMA is busy with; r8169 waits 10 ms for it. */
const DUMP_TIME: Micros = 5;
const LATEST: Micros = 200;

const FCS = 4;

/** The longer dump of a chip. */
export interface ExtendedTally {
  readonly map: RegisterMap;
  /** Software asked for it. */
  on(): boolean;
}

/** Counts, and dumps by DMA. */
export class TallyUnit {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #map: RegisterMap;
  readonly #extended: ExtendedTally | undefined;
  readonly #registers: readonly AnyReg[];
  readonly #places = new Map<AnyReg, number>();
  /** Whole numbers below 2^53. */
  readonly #values: Float64Array;
  readonly #alarm: ModelAlarm;
  readonly #buffer: number;
  readonly #sent: Directions;
  readonly #received: Directions;

  /** @param map the 64 bytes that every chip dumps */
  constructor(bus: DeviceBus, regs: RegisterFile, map: RegisterMap, extended?: ExtendedTally) {
    this.#bus = bus;
    this.#regs = regs;
    this.#map = map;
    this.#extended = extended;
    this.#registers = Object.values((extended?.map ?? map).registers);
    this.#registers.forEach((register, i) => {
      this.#places.set(register, i);
    });
    this.#values = new Float64Array(this.#registers.length);
    this.#buffer = bus.allocBuffer((extended?.map ?? map).bytes);
    const place = (register: AnyReg): number => this.#places.get(register) ?? -1;
    const t = rtl8125b;
    this.#sent = {
      all: place(t.TALLY_TX_OK),
      octets: place(t.TALLY_TX_OCTETS),
      kinds: [place(t.TALLY_TX_UNICAST), place(t.TALLY_TX_MULTICAST), place(t.TALLY_TX_BROADCAST)],
      also: [-1, -1, -1],
    };
    this.#received = {
      all: place(t.TALLY_RX_OK),
      octets: place(t.TALLY_RX_OCTETS),
      kinds: [place(t.TALLY_RX_OK_PHY), place(t.TALLY_RX_OK_MUL), place(t.TALLY_RX_OK_BRD)],
      also: [-1, place(t.TALLY_RX_MULTICAST), -1],
    };
    this.#alarm = bus.alarm(() => this.#run());
    regs.on(DTCCR, { write: (value) => this.#command(value) });
  }

  /** A good frame went out. @param bytes without FCS */
  sent(bytes: number, multicast: boolean, broadcast: boolean): void {
    this.#frame(this.#sent, bytes, broadcast ? 2 : multicast ? 1 : 0);
  }

  /** A good frame came in. @param bytes without FCS */
  received(bytes: number, multicast: boolean, broadcast: boolean): void {
    this.#frame(this.#received, bytes, broadcast ? 2 : multicast ? 1 : 0);
  }

  /** Adds to a counter. One that the chip does not have is not counted. */
  count(register: AnyReg, times = 1): void {
    const place = this.#places.get(register);
    if (place !== undefined) this.#values[place]! += times;
  }

  /** A counter as it is. */
  value(register: AnyReg): number {
    return this.#values[this.#places.get(register) ?? -1] ?? 0;
  }

  /** Power-on: the counters begin at 0. */
  reset(): void {
    this.#values.fill(0);
    this.stop();
  }

  /** A reset of the chip: the command under way is forgotten, the counters stay. */
  stop(): void {
    this.#alarm.cancel();
  }

  #frame(places: Directions, bytes: number, kind: 0 | 1 | 2): void {
    const values = this.#values;
    values[places.all]!++;
    const own = places.kinds[kind];
    const also = places.also[kind];
    if (own >= 0) values[own]!++;
    if (also >= 0) values[also]!++;
    if (places.octets >= 0) values[places.octets]! += bytes + FCS;
  }

  #command(value: number): void {
    if ((value & (DTCCR.CMD | DTCCR.RESET)) === 0) return;
    if (this.#alarm.armed) {
      const { name, ref } = DTCCR[meta];
      this.#bus.report({
        rule: 'command-busy',
        register: name,
        value,
        message: 'a command was begun before the last one was done',
        ref,
      });
    }
    if (this.#bus.schedule === 'fast') this.#run();
    else this.#alarm.arm(this.#bus.now + (this.#bus.schedule === 'timed' ? DUMP_TIME : this.#bus.delay(LATEST)));
  }

  #run(): void {
    const value = this.#regs.get(DTCCR);
    if ((value & DTCCR.CMD) !== 0)
      this.#dump((this.#regs.get(DTCCR_HI) >>> 0) * 0x1_0000_0000 + ((value & DTCCR.ADDR) >>> 0));
    if ((value & DTCCR.RESET) !== 0) this.#values.fill(0);
    this.#regs.lower(DTCCR, DTCCR.CMD | DTCCR.RESET);
  }

  /** One write; the shell tells of one that may not be made, and the command ends all the same. */
  #dump(address: number): void {
    const { view } = this.#bus.arena;
    const { bytes } = this.#extended?.on() ? this.#extended.map : this.#map;
    this.#registers.forEach((register, i) => {
      const { at, width, count } = register[meta];
      if (at >= bytes) return;
      const place = this.#buffer + at;
      const value = this.#values[i]!;
      if (width === 16) view.setUint16(place, value % 0x1_0000, true);
      else view.setUint32(place, value % 0x1_0000_0000, true);
      if (count === 2) view.setUint32(place + 4, Math.floor(value / 0x1_0000_0000), true);
    });
    this.#bus.write(address, this.#bus.arena, this.#buffer, bytes);
  }
}

/** Places of what a frame counts, -1 where the chip does not; `kinds` and `also` for unicast, multicast, broadcast. */
interface Directions {
  readonly all: number;
  readonly octets: number;
  readonly kinds: readonly [number, number, number];
  readonly also: readonly [number, number, number];
}
