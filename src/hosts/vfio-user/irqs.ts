/**
 * Interrupts over eventfds (VFIO_DEVICE_SET_IRQS). INTx is a level with automatic masking: one signal per assertion, then
 * silence until the client unmasks. MSI and MSI-X vectors are edges. Signals are latched and sent by {@link IrqTable.deliver}.
 */
import { closeSync, readlinkSync, writeSync } from 'node:fs';
import { ERRNO, type Libc } from '../native/libc.js';
import { Irq, IrqSet } from './protocol.js';

const ONE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);
const NO_FD = -1;

/** The eventfds of one connection. */
export class IrqTable {
  readonly #libc: Libc;
  /** Per index, per vector: a descriptor or -1. */
  readonly #fds: Int32Array[];
  /** Per index, per vector: 1 when a signal waits to be sent. */
  readonly #pending: Uint8Array[];
  #anyPending = false;
  #level = false;
  #masked = false;

  /** @param counts vectors per index */
  constructor(libc: Libc, counts: readonly number[]) {
    this.#libc = libc;
    this.#fds = counts.map((count) => new Int32Array(count).fill(NO_FD));
    this.#pending = counts.map((count) => new Uint8Array(count));
  }

  /** Vectors of an index; 0 for one that does not exist. */
  count(index: number): number {
    return this.#fds[index]?.length ?? 0;
  }

  /** True when the client gave an eventfd for this vector. */
  armed(index: number, vector: number): boolean {
    return (this.#fds[index]?.[vector] ?? NO_FD) !== NO_FD;
  }

  /** The device's INTx line. */
  setLevel(on: boolean): void {
    this.#level = on;
    if (on) {
      this.#signalLevel();
    } else if (this.#pending[Irq.intx]![0] === 1) {
      // Never sent, so the client will not unmask.
      this.#pending[Irq.intx]![0] = 0;
      this.#masked = false;
    }
  }

  /** The device sends message `vector` of MSI or MSI-X. A vector without an eventfd is dropped: the client has masked it. */
  message(index: number, vector: number): void {
    if (!this.armed(index, vector)) return;
    this.#pending[index]![vector] = 1;
    this.#anyPending = true;
  }

  /** Sends what waits. */
  deliver(): void {
    if (!this.#anyPending) return;
    this.#anyPending = false;
    for (let index = 0; index < this.#pending.length; index++) {
      const waiting = this.#pending[index]!;
      for (let vector = waiting.indexOf(1); vector >= 0; vector = waiting.indexOf(1, vector + 1)) {
        waiting[vector] = 0;
        this.#signal(index, vector);
      }
    }
  }

  /**
   * One SET_IRQS. Takes the descriptors over; those not kept are closed.
   * @param data the bytes after the fixed part (BOOL data)
   * @returns 0 or an errno
   */
  set(flags: number, index: number, start: number, count: number, fds: readonly number[], data: Uint8Array): number {
    const kept = new Set<number>();
    const errno = this.#set(flags, index, start, count, fds, data, kept);
    for (const fd of fds) if (!kept.has(fd)) closeSync(fd);
    return errno;
  }

  #set(
    flags: number,
    index: number,
    start: number,
    count: number,
    fds: readonly number[],
    data: Uint8Array,
    kept: Set<number>,
  ): number {
    const table = this.#fds[index];
    const what = flags & IrqSet.dataMask;
    const action = flags & IrqSet.actionMask;
    if (table === undefined || start + count > table.length || (flags & ~(IrqSet.dataMask | IrqSet.actionMask)) !== 0)
      return ERRNO.EINVAL;
    if (action === IrqSet.trigger) {
      if (what === IrqSet.eventfd) return this.#assign(index, start, count, fds, kept);
      if (what === IrqSet.none && count === 0) return this.#off(index, 0, table.length);
      if (what !== IrqSet.none && what !== IrqSet.bool) return ERRNO.EINVAL;
      if (what === IrqSet.bool && data.length < count) return ERRNO.EINVAL;
      // The client asks for a test interrupt.
      for (let i = 0; i < count; i++) if (what === IrqSet.none || data[i] !== 0) this.#signal(index, start + i);
      return 0;
    }
    if (index !== Irq.intx) return ERRNO.EINVAL;
    // A resample eventfd: refused, so that the client unmasks by message.
    if (what === IrqSet.eventfd) return ERRNO.ENOTSUP;
    if (what === IrqSet.bool && data.length < count) return ERRNO.EINVAL;
    if (count === 0 || (what === IrqSet.bool && data[0] === 0)) return 0;
    if (action === IrqSet.mask) {
      this.#masked = true;
      return 0;
    }
    if (action !== IrqSet.unmask) return ERRNO.EINVAL;
    this.#masked = false;
    if (this.#level) this.#signalLevel();
    return 0;
  }

  #assign(index: number, start: number, count: number, fds: readonly number[], kept: Set<number>): number {
    if (fds.length === 0) return this.#off(index, start, count === 0 ? this.count(index) : start + count);
    if (fds.length !== count) return ERRNO.EINVAL;
    for (const fd of fds) {
      // A descriptor on which a write may block or go elsewhere is no eventfd.
      if (!isEventfd(fd) || this.#libc.setNonBlocking(fd) < 0) return ERRNO.EINVAL;
    }
    this.#off(index, start, start + count);
    for (let i = 0; i < count; i++) {
      this.#fds[index]![start + i] = fds[i]!;
      kept.add(fds[i]!);
    }
    if (index === Irq.intx) {
      this.#masked = false;
      if (this.#level) this.#signalLevel();
    }
    return 0;
  }

  #off(index: number, from: number, to: number): number {
    const table = this.#fds[index]!;
    for (let vector = from; vector < to; vector++) {
      const fd = table[vector]!;
      if (fd === NO_FD) continue;
      table[vector] = NO_FD;
      this.#pending[index]![vector] = 0;
      closeSync(fd);
    }
    if (index === Irq.intx) this.#masked = false;
    return 0;
  }

  #signalLevel(): void {
    if (this.#masked || !this.armed(Irq.intx, 0)) return;
    this.#masked = true;
    this.#pending[Irq.intx]![0] = 1;
    this.#anyPending = true;
  }

  #signal(index: number, vector: number): void {
    const fd = this.#fds[index]![vector]!;
    if (fd === NO_FD) return;
    try {
      writeSync(fd, ONE);
    } catch {
      // EAGAIN: the counter is full, so the client has a signal that it did not take yet. That is enough.
    }
  }

  /** Closes everything. */
  clear(): void {
    for (let index = 0; index < this.#fds.length; index++) this.#off(index, 0, this.count(index));
    this.#level = false;
    this.#anyPending = false;
  }
}

function isEventfd(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventfd]';
  } catch {
    return false;
  }
}
