/** What NICs have in common that are chips: a register of interrupt causes, and a reset that gets a hung transmitter going. */
import type { PciFunction } from '../pci/function.js';
import type { Micros } from '../platform/clock.js';
import type { PhyCapabilities } from '../platform/phy.js';
import type { Task } from '../platform/task.js';
import { BoundNic, type TransmitSide } from './base.js';
import type { DriverOptions, InterruptMode, LinkState } from './driver.js';
import { DEFAULT_INTERRUPTS } from './interrupts.js';
import type { DmaSet } from './ring.js';

const HANG_US: Micros = 2_000_000;
const LINK_POLL_US: Micros = 250_000;
const WATCHDOG_US: Micros = 2_000_000;

/**
 * What a chip can do that sums, segments and has tags, as far as `options` want it.
 * @param sums the transmitter sums, and so segments, frames of this MTU
 */
export function chipCapabilities(
  options: DriverOptions,
  mtu: number,
  maxSegmentBytes: number,
  sums: boolean,
): PhyCapabilities {
  const rxChecksum = options.checksum ?? true;
  const txChecksum = rxChecksum && sums;
  const tso6 = txChecksum && (options.segmentation ?? true);
  const vlan = options.vlan ?? true;
  return { mtu, maxSegmentBytes: tso6 ? maxSegmentBytes : 0, tso6, txChecksum, rxChecksum, vlan };
}

/** A bound NIC that is a chip. */
export abstract class ChipNic extends BoundNic {
  /** The interrupt cause of a change of the link. */
  protected abstract readonly linkCause: number;
  /** `pending`: frames or parts of frames that the chip has. */
  protected abstract override readonly tx: TransmitSide & { readonly pending: boolean };
  /** Causes seen by a handler and not yet by `step`. */
  #causes = 0;

  constructor(fn: PciFunction, name: string, mac: Uint8Array, set: DmaSet) {
    super(fn, name, mac, set, HANG_US);
  }

  /** Enables the first mode that works; its handlers call {@link ChipNic.message}. */
  protected abstract enableInterrupts(modes: readonly InterruptMode[]): InterruptMode;

  /** Lets the causes through that are of interest. */
  protected abstract unmask(): void;

  /** Looks at link and device. Returns how much there was. */
  protected abstract look(now: Micros): number;

  /** Starts the chip, then interrupts. The NIC is quiet and holds no memory if that fails. @throws NicError */
  protected *bringUp(start: Task<void>, modes: readonly InterruptMode[] = DEFAULT_INTERRUPTS): Task<void> {
    try {
      yield* start;
      this.mode = this.enableInterrupts(modes);
      this.#arm();
    } catch (error) {
      this.release();
      throw error;
    }
    this.running = true;
  }

  #arm(): void {
    if (this.armed || this.mode === 'polled') return;
    this.armed = true;
    this.unmask();
  }

  /** An interrupt because of `causes`, which are masked until `step` has looked: a burst of frames is one interrupt. */
  protected message(causes: number): void {
    this.counts.interrupts++;
    this.armed = false;
    this.#causes |= causes;
    this.onReady?.();
  }

  step(now: Micros): number {
    if (!this.running) return 0;
    let work = this.tx.reclaim();
    if (this.hang.hangs(now, work > 0, this.tx.pending, this.linkUp)) this.hung();
    const causes = this.#causes;
    this.#causes = 0;
    if (this.running && ((causes & this.linkCause) !== 0 || now >= this.nextLook)) work += this.look(now);
    if (this.running) this.#arm();
    return work;
  }

  /** Takes notice of the link and says when to look again. True when it changed. */
  protected looked(now: Micros, link: LinkState): boolean {
    this.nextLook = now + (this.mode === 'polled' || !link.up ? LINK_POLL_US : WATCHDOG_US);
    return this.notice(link);
  }

  /** Pending descriptors have not moved for two seconds although there is a link. */
  protected hung(): void {
    this.recover('the transmitter did not move for 2 s');
  }
}
