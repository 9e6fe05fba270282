/** What is asked of every driver of a chip in the same words. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { AnyReg } from '../../src/registers/index.js';
import { type Bench, FAR, plain } from './bench.js';

/** The doorbell gets lost for two seconds: reset, what was lost counted, and on. */
export function hangsAndGoesOn(bench: Bench, doorbell: AnyReg): void {
  const reasons: string[] = [];
  bench.nic.events.on('recovered', (reason) => reasons.push(reason));
  bench.meddler = { write: (at, _value, kind) => kind !== 'io' && at === doorbell.at };
  for (let i = 0; i < 3; i++) {
    expect(bench.nic.reserve(bench.now, bench.frame, 100)).toBe(true);
    bench.frame.arena.u8.set(plain(FAR, 100), bench.frame.offset);
    bench.nic.commit(bench.frame);
  }
  bench.nic.flush(bench.now);
  const began = bench.now;
  bench.until(() => bench.nic.statistics()['resets'] === 1, 'reset');
  expect(bench.now - began).toBeGreaterThanOrEqual(2_000_000);
  bench.meddler = {};
  bench.until(() => reasons.length === 1 && bench.nic.linkUp, 'recovery');
  expect(bench.nic.statistics()).toMatchObject({ txLost: 3, txPackets: 0, resets: 1 });
  const frame = plain(FAR, 300);
  expect(bench.send(frame)).toEqual([frame]);
  bench.inject(plain(bench.nic.mac, 300));
  expect(bench.next()).toBeDefined();
}

/** The device is pulled: one event, ever, and nothing works any more. Returns what it said. */
export function endsOnce(bench: Bench): string {
  const errors: string[] = [];
  bench.nic.events.on('failed', (error) => errors.push(error.message));
  bench.machine.remove(bench.shell);
  bench.until(() => errors.length > 0, 'failed');
  for (let i = 0; i < 10; i++) bench.nic.step(bench.now + i * 3_000_000);
  expect(errors).toHaveLength(1);
  expect(bench.nic.receive(bench.now, bench.frame)).toBe(false);
  expect(bench.nic.reserve(bench.now, bench.frame, 60)).toBe(false);
  expect(bench.nic.linkUp).toBe(false);
  bench.run(bench.nic.close());
  return errors[0]!;
}

/** A receive ring that the test writes, while `off` swallows what would turn the chip's own receiver on. */
export function survivesAnyRing(
  bench: Bench,
  base: AnyReg,
  off: (at: number, value: number) => boolean,
  largest: number,
): void {
  let ring = 0;
  bench.meddler = {
    write: (at, value) => {
      if (at === base.at) ring = value >>> 0;
      return off(at, value);
    },
  };
  bench.open({ interrupts: ['polled'], rxRing: 32 });
  const { arena } = bench.machine;
  const region = bench.machine.dma(bench.fn.address).alloc(64, 64);
  const offset = ring - (region.address - region.offset);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32 * 16, maxLength: 32 * 16 }), (bytes) => {
      arena.u8.set(bytes, offset);
      for (let i = 0; i < 40; i++) {
        if (!bench.nic.receive(bench.now, bench.frame)) break;
        expect(bench.frame.length).toBeGreaterThanOrEqual(14);
        expect(bench.frame.length).toBeLessThanOrEqual(largest);
      }
    }),
  );
}

/** Frames of these sizes both ways, byte for byte. */
export function carries(bench: Bench, sizes: readonly number[]): void {
  for (const bytes of sizes) {
    const out = plain(FAR, bytes);
    expect(bench.send(out)).toEqual([out]);
    const back = plain(bench.nic.mac, bytes, 5);
    bench.inject(back);
    expect(bench.next(), `${bytes} bytes`).toEqual(back);
  }
  expect(bench.problems()).toEqual([]);
}

/** Tags go in and come out, and a frame without one has none. Returns the frame to the NIC with its tag. */
export function tagsBothWays(bench: Bench): Uint8Array {
  const bare = plain(FAR, 200);
  const tagged = Uint8Array.from([...bare.subarray(0, 12), 0x81, 0x00, 0x61, 0x23, ...bare.subarray(12)]);
  expect(bench.send(bare, (frame) => (frame.vlan = 0x6123))).toEqual([tagged]);
  tagged.set(bench.nic.mac, 0);
  bench.inject(tagged);
  bare.set(bench.nic.mac, 0);
  expect(bench.next()).toEqual(bare);
  expect(bench.frame.vlan).toBe(0x6123);
  bench.inject(bare);
  expect(bench.next()).toEqual(bare);
  expect(bench.frame.vlan).toBe(-1);
  return tagged;
}
