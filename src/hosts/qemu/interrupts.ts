/** Interrupts of QEMU's devices: lines through intercepted I/O APIC inputs, messages as words of RAM that are polled. */

import { rootPin } from '../../pci/swizzle.js';
import type { Bdf, ConfigAccess } from '../../platform/config-access.js';
import type { DmaRegion } from '../../platform/dma.js';
import type { InterruptController, MessageTarget } from '../../platform/interrupts.js';
import type { GuestMemory } from './dma.js';
import { lineOf } from './q35.js';
import type { QtestClient } from './qtest.js';

/** Words for messages: more than any one test needs. */
const VECTORS = 256;
/** A level that nobody takes is given up after this many rounds in one poll. */
const ROUNDS = 8;

interface Vector {
  handler: (() => void) | undefined;
}

/** Collects what happened between accesses and delivers it in {@link QemuInterrupts.deliver}. */
export class QemuInterrupts implements InterruptController {
  readonly messages = true;
  readonly #client: QtestClient;
  readonly #config: ConfigAccess;
  readonly #words: DmaRegion;
  readonly #vectors: Vector[] = [];
  readonly #levels = new Map<number, boolean>();
  readonly #handlers = new Map<number, (() => boolean)[]>();
  /** Messages and line interrupts that were delivered, and lines that nobody took. */
  readonly counts = { messages: 0, lines: 0, unclaimed: 0 };

  constructor(client: QtestClient, config: ConfigAccess, memory: GuestMemory) {
    this.#client = client;
    this.#config = config;
    this.#words = memory.alloc(VECTORS * 4, 4096, 2 ** 32);
    client.ask('irq_intercept_in ioapic');
  }

  allocateMessage(handler: () => void): MessageTarget | undefined {
    let index = this.#vectors.findIndex((vector) => vector.handler === undefined);
    if (index < 0) index = this.#vectors.length;
    if (index >= VECTORS) return undefined;
    const vector: Vector = { handler };
    this.#vectors[index] = vector;
    this.#words.arena.u32[(this.#words.offset >> 2) + index] = 0;
    return {
      address: this.#words.address + index * 4,
      data: index + 1,
      release: () => {
        vector.handler = undefined;
      },
    };
  }

  attachPin(address: Bdf, pin: number, handler: () => boolean): () => void {
    const line = lineOf(rootPin(this.#config, address, pin));
    const list = this.#handlers.get(line) ?? [];
    this.#handlers.set(line, list);
    list.push(handler);
    return () => {
      const at = list.indexOf(handler);
      if (at >= 0) list.splice(at, 1);
    };
  }

  /** Calls the handlers of everything that has come. Bounded; returns how many calls were made. */
  deliver(): number {
    let calls = this.#deliverMessages();
    for (let round = 0; round < ROUNDS; round++) {
      for (const change of this.#client.takeLines()) this.#levels.set(change.line, change.level);
      let claimed = 0;
      for (const [line, list] of this.#handlers) {
        if (!this.#levels.get(line)) continue;
        let taken = false;
        for (const handler of list) taken = handler() || taken;
        calls += list.length;
        if (taken) claimed++;
        else if (list.length > 0 && round === ROUNDS - 1) this.counts.unclaimed++;
      }
      this.counts.lines += claimed;
      if (claimed === 0) break;
    }
    return calls;
  }

  #deliverMessages(): number {
    let calls = 0;
    const { u32 } = this.#words.arena;
    const first = this.#words.offset >> 2;
    for (let i = 0; i < this.#vectors.length; i++) {
      if (u32[first + i] === 0) continue;
      // Cleared before the handler looks: a message that comes meanwhile is seen by the handler or next time.
      u32[first + i] = 0;
      calls++;
      this.counts.messages++;
      this.#vectors[i]!.handler?.();
    }
    return calls;
  }
}
