/** RTL8125B: interrupts in both forms, their delays, its timer, MSI with mask bits. Offsets are those of drivers. */
import { expect, test } from 'vitest';
import { pci } from '../../src/registers/index.js';
import { RealtekRig, type RigOptions } from './realtek-rig.js';
import { ethernet, MAC } from './rig.js';
import { frameOf, QueueRig } from './rtl8125b-queues-rig.js';

const rig = (options?: RigOptions): RealtekRig => new RealtekRig('rtl8125b', options);

const ROK = 1;

test('first form: mask and status of 32 bits at 38h and 3ch, MSI-X vector 0', () => {
  const r = rig();
  const taken: number[] = [];
  r.fn.enableMsix(Array.from({ length: 32 }, (_, i) => () => taken.push(i)));
  r.start();
  r.io.write32(0x3c, -1);
  r.inject(ethernet(MAC));
  r.wait(10);
  expect(r.io.read32(0x3c)).toBe(ROK);
  expect(taken).toEqual([]);
  r.io.write32(0x38, ROK);
  r.wait(10);
  expect(taken).toEqual([0]);
  r.io.write32(0x38, 0);
  r.io.write32(0x3c, ROK);
  r.io.write32(0x38, ROK);
  r.wait(10);
  expect(taken).toEqual([0]);
});

/** As Realtek's r8125: a vector for what is received, for what is sent, and for the link. */
function second(options?: RigOptions) {
  const r = rig(options);
  const taken: number[] = [];
  r.fn.enableMsix(Array.from({ length: 32 }, (_, i) => () => taken.push(i)));
  r.start();
  r.io.write8(0x34, 1);
  r.io.write32(0xd00, -1);
  r.io.write32(0xd04, -1);
  return { r, taken };
}

test('second form: cause n is vector n; set, clear and acknowledge by ones', () => {
  const { r, taken } = second();
  r.io.write32(0xd0c, 1 | (1 << 16));
  r.io.write32(0xd0c, 1 << 21);
  expect([r.io.read32(0xd0c), r.io.read32(0xd00)]).toEqual([0x21_0001, 0x21_0001]);
  r.inject(ethernet(MAC));
  r.wait(10);
  expect(taken).toEqual([0]);
  r.inject(ethernet(MAC));
  r.wait(10);
  expect(taken).toEqual([0]);
  r.send(ethernet(MAC));
  expect(taken).toEqual([0, 16]);
  r.far.offer(undefined);
  r.wait(10);
  expect(taken).toEqual([0, 16, 21]);
  expect(r.io.read32(0xd04)).toBe(0x21_0001);
  r.io.write32(0xd00, 1);
  r.io.write32(0xd04, 1);
  expect(r.io.read32(0xd04)).toBe(0x21_0000);
  expect(r.io.read32(0xd00)).toBe(0x21_0000);
  expect(r.io.read32(0x3c) & ROK).toBe(0);
  expect(r.findings).toEqual([]);
});

test('second form: a masked cause goes when it is unmasked', () => {
  const { r, taken } = second();
  r.inject(ethernet(MAC));
  r.wait(10);
  expect(taken).toEqual([]);
  r.io.write32(0xd0c, 1);
  r.wait(10);
  expect(taken).toEqual([0]);
});

test('the line follows the form that is on, not the registers of the other one', () => {
  const r = rig().start();
  const level = (): boolean => (r.fn.read16(pci.STATUS.at) & pci.STATUS.INTX) !== 0;
  r.io.write32(0x3c, -1);
  r.io.write8(0x34, 1);
  r.io.write32(0xd00, -1);
  r.io.write32(0xd04, -1);
  r.io.write32(0xd0c, 1);
  r.inject(ethernet(MAC));
  r.wait(10);
  expect(level()).toBe(true);
  r.io.write32(0x38, 0);
  expect(level()).toBe(true);
  r.io.write8(0x34, 0);
  expect(level()).toBe(false);
  r.io.write8(0x34, 1);
  expect(level()).toBe(true);
});

test.each([
  ['first', 0],
  ['second', 1],
])('%s form: INT_MITI delays by 2.048 us a unit, and the status shows the cause at once', (_name, enable) => {
  const { r, taken } = second();
  r.io.write8(0x34, enable);
  r.io.write32(0x38, ROK);
  r.io.write32(0xd0c, 1);
  r.io.write32(0xa00, 0x26);
  r.io.write32(0x3c, -1);
  r.inject(ethernet(MAC));
  expect(r.io.read32(enable ? 0xd04 : 0x3c) & ROK).toBe(ROK);
  r.wait(77);
  expect(taken).toEqual([]);
  r.wait(1);
  expect(taken).toEqual([0]);
  r.io.write32(0x3c, -1);
  r.io.write32(0xd04, -1);
  r.io.write8(0x34, enable | 4);
  r.inject(ethernet(MAC));
  r.wait(1);
  expect(taken).toEqual([0, 0]);
});

/** Four receive queues, all frames of a flow to the queue that `to` says. */
function queues() {
  const r = new QueueRig({ entries: 64 }).spread(4);
  const taken: number[] = [];
  r.fn.enableMsix(Array.from({ length: 32 }, (_, i) => () => taken.push(i)));
  const to = (queue: number): void => {
    r.table(() => queue);
    r.inject(frameOf({ from: [10, 0, 0, 1], to: [10, 0, 0, 2] }));
  };
  r.io.write32(0x3c, -1);
  return { r, taken, to };
}

test('second form: each receive queue has its cause and vector, and its element of INT_MITI', () => {
  const { r, taken, to } = queues();
  r.io.write8(0x34, 1);
  r.io.write32(0xd04, -1);
  r.io.write32(0xd0c, 0x0f);
  for (const queue of [2, 0, 3, 1]) {
    to(queue);
    r.wait(10);
  }
  expect(taken).toEqual([2, 0, 3, 1]);
  expect(r.io.read32(0xd04)).toBe(0x0f);
  r.io.write32(0xd04, 0x0a);
  expect(r.io.read32(0xd04)).toBe(0x05);
  expect([0x802, 0x806, 0x80a].map((at) => r.io.read16(at))).toEqual([0, 0, 0]);
  r.io.write32(0xd04, -1);
  r.io.write8(0xa00 + 8 * 3, 0x26);
  taken.length = 0;
  to(3);
  to(2);
  expect(r.io.read32(0xd04)).toBe(0x0c);
  r.wait(76);
  expect(taken).toEqual([2]);
  r.wait(2);
  expect(taken).toEqual([2, 3]);
  // Acknowledged while it waits: no interrupt comes of it.
  r.io.write32(0xd04, -1);
  to(3);
  r.wait(10);
  r.io.write32(0xd04, 8);
  r.wait(200);
  expect(taken).toEqual([2, 3]);
  expect(r.findings).toEqual([]);
});

test('first form: a mask and a status for each further queue; all interrupt by vector 0', () => {
  const { r, taken, to } = queues();
  r.io.write32(0x38, 0);
  for (const queue of [1, 2, 3]) to(queue);
  r.wait(10);
  expect([0x802, 0x806, 0x80a].map((at) => r.io.read16(at))).toEqual([1, 1, 1]);
  expect([r.io.read32(0x3c) & ROK, r.io.read32(0xd04)]).toEqual([0, 0]);
  expect(taken).toEqual([]);
  r.io.write16(0x804, 3);
  r.wait(10);
  expect(taken).toEqual([0]);
  r.io.write16(0x806, 1);
  to(1);
  r.wait(10);
  expect([taken, r.io.read16(0x806)]).toEqual([[0], 0]);
  r.io.write16(0xa10, 0x26);
  to(2);
  expect(r.io.read16(0x806)).toBe(1);
  r.wait(77);
  expect(taken).toEqual([0]);
  r.wait(1);
  expect(taken).toEqual([0, 0]);
  r.io.write32(0x38, ROK);
  to(0);
  r.wait(10);
  // It is asserted still.
  expect([taken, r.io.read32(0x3c) & ROK]).toEqual([[0, 0], ROK]);
  expect(r.findings).toEqual([]);
});

test('first form: a lack of descriptors is bit 1 of the queue, and interrupts; the line follows', () => {
  const r = new QueueRig({ entries: 2 }).spread(2);
  r.io.write32(0x38, 0);
  r.io.write32(0x3c, -1);
  r.io.write16(0x800, 2);
  r.table(() => 1);
  const level = (): boolean => (r.fn.read16(pci.STATUS.at) & pci.STATUS.INTX) !== 0;
  const frame = frameOf({ from: [10, 0, 0, 1], to: [10, 0, 0, 2] });
  for (let i = 0; i < 2; i++) r.inject(frame);
  r.wait(10);
  expect([r.io.read16(0x802), level()]).toEqual([1, false]);
  r.inject(frame);
  expect([r.io.read16(0x802), level()]).toEqual([3, true]);
  r.io.write16(0x802, 2);
  expect([r.io.read16(0x802), level()]).toEqual([1, false]);
  r.io.write8(0x37, 0x10);
  r.wait(1_000);
  expect([0x800, 0x802].map((at) => r.io.read16(at))).toEqual([0, 0]);
});

test('second form: each transmit queue has its cause and vector; in the first one both are TOK', () => {
  const { r, taken } = second();
  r.io.write32(0xd0c, 0x5_0000);
  r.io.write8(0xa0a, 0x26);
  const ring = r.fn.dma.alloc(4096, 256);
  r.io.write32(0x2104, Math.floor(ring.address / 2 ** 32));
  r.io.write32(0x2100, ring.address | 0);
  const { view } = ring.arena;
  const send = (i: number): void => {
    view.setBigUint64(ring.offset + 16 * i + 8, BigInt(r.place(ethernet(MAC), 4096)), true);
    view.setInt32(ring.offset + 16 * i, (0xb000_0000 | 0) + 60, true);
    r.io.write16(0x90, 2);
  };
  send(0);
  r.wait(70);
  expect([taken, r.io.read32(0xd04)]).toEqual([[], 1 << 18]);
  r.wait(20);
  expect(taken).toEqual([18]);
  r.send(ethernet(MAC));
  expect(taken).toEqual([18, 16]);
  r.io.write8(0x34, 0);
  r.io.write32(0x3c, -1);
  send(1);
  r.wait(10);
  expect(r.io.read32(0x3c) & 4).toBe(4);
  expect(r.findings).toEqual([]);
});

test('the timer of OpenBSD: 2600h clocks of 125 MHz', () => {
  const r = rig();
  r.wait(2_000_000);
  r.io.write32(0x3c, -1);
  r.io.write32(0x58, 0x2600);
  r.io.write32(0x48, 1);
  r.wait(77);
  expect(r.io.read32(0x3c)).toBe(0);
  r.wait(1);
  expect(r.io.read32(0x3c)).toBe(0x4000);
});

test('MSI: masked, pending, and sent when it is unmasked', () => {
  const r = rig();
  let taken = 0;
  r.fn.enableMsi(() => taken++);
  r.start();
  r.io.write32(0x3c, -1);
  r.io.write32(0x38, ROK);
  r.fn.write32(0x60, 1);
  r.inject(ethernet(MAC));
  r.wait(10);
  expect([taken, r.fn.read32(0x64)]).toEqual([0, 1]);
  r.fn.write32(0x60, 0);
  r.wait(10);
  expect([taken, r.fn.read32(0x64)]).toEqual([1, 0]);
});
