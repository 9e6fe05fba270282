/** The receive unit of Intel's gigabit chips: its rings, taken in turn, and which frames it lets through. */
import type { Mmio } from '../../platform/mmio.js';
import type { Frame } from '../../platform/phy.js';
import { put } from '../../registers/define.js';
import type { ReceiveFilter } from '../base.js';
import type { DmaSet } from '../ring.js';
import type { IntelChip } from './family.js';
import { IntelRx, type RxParts } from './rx.js';

const USUAL_FRAME = 1522;
const LINK_BYTES = 22;
const HALF = 0;
/** Frames taken from one ring before another has its turn. */
const BURST = 16;

/** All rings of a NIC. */
export class IntelReceiver {
  readonly #io: Mmio;
  readonly #chip: IntelChip;
  readonly #rings: readonly IntelRx[];
  readonly #long: boolean;
  #running = false;
  #turn = 0;
  #burst = 0;

  /** @param queues rings to use, at most as many as the chip has */
  constructor(io: Mmio, parts: RxParts, set: DmaSet, queues: number, size: number, mtu: number) {
    this.#io = io;
    this.#chip = parts.chip;
    this.#rings = Array.from({ length: queues }, (_, queue) => new IntelRx(io, parts, queue, set, size));
    this.#long = mtu + LINK_BYTES > USUAL_FRAME;
  }

  /** Programs the rings, turns the unit on and gives it buffers (8254x §14.4, 82574 §4.6.5). */
  start(filter: ReceiveFilter): void {
    const { RADV, RDTR } = this.#chip;
    this.#io.write32(RDTR.at, 0);
    this.#io.write32(RADV.at, 0);
    for (const ring of this.#rings) ring.program();
    this.#running = true;
    this.setFilter(filter);
    for (const ring of this.#rings) ring.open();
  }

  /** Changes what passes, without touching the rings. */
  setFilter(filter: ReceiveFilter): void {
    const { RCTL } = this.#chip;
    let control = RCTL.EN | RCTL.BAM | RCTL.SECRC | put(0, RCTL.RDMTS, HALF);
    if (filter.promiscuous) control |= RCTL.UPE | RCTL.MPE;
    if (filter.allMulticast) control |= RCTL.MPE;
    if (this.#long) control |= RCTL.LPE;
    if (this.#running) this.#io.write32(RCTL.at, control);
  }

  /** Fills `frame` with the next good frame of any ring. */
  receive(frame: Frame): boolean {
    const rings = this.#rings;
    for (let i = 0; i < rings.length; i++) {
      if (rings[this.#turn]!.receive(frame)) {
        if (++this.#burst >= BURST) this.#next();
        return true;
      }
      this.#next();
    }
    return false;
  }

  #next(): void {
    this.#burst = 0;
    this.#turn = this.#turn + 1 < this.#rings.length ? this.#turn + 1 : 0;
  }

  /** Hands the buffers given back to the chip. */
  tell(): void {
    for (let i = 0; i < this.#rings.length; i++) this.#rings[i]!.tell();
  }

  /** No more register writes: the device is gone or closed. */
  stop(): void {
    this.#running = false;
    for (const ring of this.#rings) ring.stop();
  }

  /** Sums over all rings, and the frames of each when there are several. */
  statistics(): Readonly<Record<string, number>> {
    const sum = (of: (ring: IntelRx) => number): number => this.#rings.reduce((all, ring) => all + of(ring), 0);
    const each = this.#rings.length > 1 ? this.#rings.map((ring, i) => [`rxPackets.${i}`, ring.packets] as const) : [];
    return {
      rxPackets: sum((ring) => ring.packets),
      rxBytes: sum((ring) => ring.bytes),
      rxDamaged: sum((ring) => ring.damaged),
      rxMalformed: sum((ring) => ring.malformed),
      ...Object.fromEntries(each),
    };
  }
}
