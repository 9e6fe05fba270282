/** RTL8125B: interrupts in both forms, their delays, its timer, MSI with mask bits. Offsets are those of drivers. */
import { expect, test } from 'vitest';
import { pci } from '../../src/registers/index.js';
import { RealtekRig, type RigOptions } from './realtek-rig.js';
import { ethernet, MAC } from './rig.js';

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
