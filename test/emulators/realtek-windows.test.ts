/** The indirect windows of Realtek's chips and the storage behind them. Commands are written as drivers write them. */
import { describe, expect, test } from 'vitest';
import { StorageSpace } from '../../src/emulators/realtek/storage.js';
import { type WindowTarget, WindowUnit } from '../../src/emulators/realtek/windows.js';
import { RegisterFile, rtl8125b, rtl8168h } from '../../src/registers/index.js';
import { UnitBus } from './realtek-bench.js';

const FLAG = 0x8000_0000 | 0;

/** A target that remembers what was asked of it. */
class Seen implements WindowTarget {
  readonly calls: (readonly number[])[] = [];
  answer = 0;

  read(address: number, space: number): number {
    this.calls.push([address, space]);
    return this.answer;
  }

  write(address: number, value: number, mask: number, space: number): void {
    this.calls.push([address, value, mask, space]);
  }
}

function bench(name: keyof typeof rtl8168h.WINDOWS, schedule: 'fast' | 'timed' | 'adversarial' = 'fast') {
  const bus = new UnitBus(schedule);
  const regs = new RegisterFile(rtl8168h.bar2Map);
  const target = new Seen();
  const unit = new WindowUnit(bus, regs, rtl8168h.WINDOWS[name], target);
  return { bus, regs, target, unit };
}

describe('what a command asks for', () => {
  test('PHYAR: register and data', () => {
    const { regs, target } = bench('phyar');
    regs.write(0x60, 32, FLAG | (9 << 16) | 0x1234);
    regs.read(0x60, 32);
    target.answer = 0xbeef;
    regs.write(0x60, 32, 1 << 16);
    expect(regs.read(0x60, 32) >>> 0).toBe(0x8001_beef);
    expect(target.calls).toEqual([
      [18, 0x1234, 0xffff, 0],
      [2, 0],
    ]);
  });

  test('GPHY_OCP: half the address, all 15 bits of it', () => {
    const { regs, target } = bench('gphy');
    regs.write(0xb8, 32, FLAG | (0xb87e << 15) | 0x760e);
    expect(regs.read(0xb8, 32) >>> 31).toBe(0);
    target.answer = 0x0210;
    regs.write(0xb8, 32, 0xa434 << 15);
    expect(regs.read(0xb8, 32) & 0xffff).toBe(0x0210);
    expect(target.calls).toEqual([
      [0xb87e, 0x760e, 0xffff, 0],
      [0xa434, 0],
    ]);
  });

  test('ERIAR: byte enables, type and the upper address bits', () => {
    const { bus, regs, target } = bench('eri');
    regs.write(0x70, 32, 0x1122_3344);
    regs.write(0x74, 32, FLAG | (0b0011 << 12) | 0x0c0);
    regs.read(0x74, 32);
    regs.write(0x74, 32, FLAG | (0b1010 << 12) | (2 << 16) | (0xa << 20) | 0x004);
    regs.read(0x74, 32);
    target.answer = 0x5566_7788;
    regs.write(0x74, 32, (0b1111 << 12) | 0x0e0);
    expect(regs.read(0x74, 32) >>> 31).toBe(1);
    expect(regs.read(0x70, 32)).toBe(0x5566_7788);
    expect(target.calls).toEqual([
      [0x0c0, 0x1122_3344, 0xffff, 0],
      [0xa004, 0x1122_3344, 0xff00_ff00 | 0, 2],
      [0x0e0, 0],
    ]);
    // What was read may be written back at once.
    regs.write(0x70, 32, 0x0102_0304);
    expect(regs.read(0x70, 32)).toBe(0x0102_0304);
    expect(bus.findings).toEqual([]);
  });

  test('CSIAR: the function is told', () => {
    const { regs, target } = bench('csi');
    regs.write(0x68, 32, (1 << 16) | (0xf << 12) | 0x70c);
    expect(regs.read(0x68, 32) >>> 31).toBe(1);
    expect(target.calls).toEqual([[0x70c, 1]]);
  });

  test('EPHYAR: more than five bits of register', () => {
    const { regs, target } = bench('ephy');
    regs.write(0x80, 32, FLAG | (0x3e << 16) | 0x1111);
    expect(target.calls).toEqual([[0x7c, 0x1111, 0xffff, 0]]);
  });

  test('OCPDR: no flag; a read is there at the next access, a burst of writes is no mistake', () => {
    const { bus, regs, target } = bench('ocp', 'timed');
    for (let i = 0; i < 4; i++) regs.write(0xb0, 32, FLAG | ((0xf800 + 2 * i) << 15) | i);
    target.answer = 0xc302;
    regs.write(0xb0, 32, 0xe098 << 15);
    expect(regs.read(0xb0, 32) & 0xffff).toBe(0xc302);
    expect(target.calls.map(([address]) => address)).toEqual([0xf800, 0xf802, 0xf804, 0xf806, 0xe098]);
    expect(bus.findings).toEqual([]);
  });
});

describe('the flag', () => {
  test('fast: done at the first look', () => {
    const { regs } = bench('gphy');
    regs.write(0xb8, 32, FLAG | (0xa400 << 15));
    expect(regs.read(0xb8, 32) >>> 31).toBe(0);
    regs.write(0xb8, 32, 0xa400 << 15);
    expect(regs.read(0xb8, 32) >>> 31).toBe(1);
    expect(regs.read(0xb8, 32) >>> 31).toBe(1);
  });

  test('timed: 20 us in both directions, and no data before', () => {
    const { bus, regs, target } = bench('gphy', 'timed');
    regs.write(0xb8, 32, FLAG | (0xa400 << 15) | 0x1200);
    expect(regs.read(0xb8, 32) >>> 31).toBe(1);
    bus.wait(19);
    expect(regs.read(0xb8, 32) >>> 31).toBe(1);
    bus.wait(1);
    expect(regs.read(0xb8, 32) >>> 31).toBe(0);
    target.answer = 0x7949;
    regs.write(0xb8, 32, 0xa402 << 15);
    expect(regs.read(0xb8, 32)).toBe(0xa402 << 15);
    bus.wait(20);
    expect(regs.read(0xb8, 32) >>> 0).toBe((0x8000_0000 | (0xa402 << 15) | 0x7949) >>> 0);
    expect(bus.findings).toEqual([]);
  });

  test('adversarial: later, but earlier than any driver gives up', () => {
    const { bus, regs } = bench('phyar', 'adversarial');
    regs.write(0x60, 32, 1 << 16);
    bus.wait(99);
    expect(regs.read(0x60, 32) >>> 31).toBe(0);
    bus.wait(1);
    expect(regs.read(0x60, 32) >>> 31).toBe(1);
  });
});

test.each(['fast', 'timed'] as const)('who only looks on changes nothing: %s', (schedule) => {
  for (const name of ['gphy', 'eri'] as const) {
    const { bus, regs, target } = bench(name, schedule);
    const { command, data } = rtl8168h.WINDOWS[name];
    const look = (): number[] => [regs.peek(command), regs.peek(data)];
    target.answer = 0x7949;
    regs.write(command.at, 32, 0);
    const before = look();
    expect(look()).toEqual(before);
    // Nobody has read the flag: the guest is as early as before.
    regs.write(command.at, 32, 0);
    expect(bus.rules).toEqual(['command-busy']);
    bus.wait(20);
    const [shown] = look();
    expect(regs.read(command.at, 32)).toBe(shown);
    expect(regs.read(data.at, 32) & 0xffff).toBe(0x7949);
    expect(bus.rules).toEqual(['command-busy']);
  }
});

describe('mistakes', () => {
  test('a command before the last one was done', () => {
    const { bus, regs } = bench('phyar', 'timed');
    regs.write(0x60, 32, FLAG | (4 << 16));
    bus.wait(10);
    regs.write(0x60, 32, FLAG | (9 << 16));
    expect(bus.findings).toMatchObject([{ rule: 'command-busy', register: 'PHYAR' }]);
  });

  test('the same in the fast schedule, when the flag was not read: the host of a guest may stop between two writes', () => {
    const { bus, regs } = bench('ephy');
    regs.write(0x80, 32, FLAG | (4 << 16));
    bus.wait(10_000);
    regs.write(0x80, 32, FLAG | (5 << 16));
    expect(bus.findings).toEqual([]);
    bus.wait(9_999);
    regs.write(0x80, 32, FLAG | (6 << 16));
    expect(bus.rules).toEqual(['command-busy']);
    regs.read(0x80, 32);
    regs.write(0x80, 32, FLAG | (7 << 16));
    expect(bus.rules).toEqual(['command-busy']);
  });

  test('data that was taken before the flag: it is the old data', () => {
    const { bus, regs, target } = bench('eri', 'timed');
    target.answer = 0x7777;
    regs.write(0x74, 32, (0xf << 12) | 0x0e0);
    expect(regs.read(0x70, 32)).toBe(0);
    expect(bus.findings).toMatchObject([{ rule: 'command-busy', register: 'ERIAR' }]);
    bus.wait(20);
    expect(regs.read(0x74, 32) & FLAG).toBe(FLAG);
    expect(regs.read(0x70, 32)).toBe(0x7777);
    expect(bus.findings).toHaveLength(1);
  });

  test('a reset forgets the access under way', () => {
    const { bus, regs, unit } = bench('csi', 'timed');
    regs.write(0x68, 32, 0xf << 12);
    regs.reset();
    unit.reset();
    expect(regs.read(0x68, 32)).toBe(0);
    regs.write(0x68, 32, 0xf << 12);
    expect(bus.findings).toEqual([]);
  });
});

describe('storage', () => {
  test('16 bits: declared registers behave, every other address keeps what is written', () => {
    const space = new StorageSpace(rtl8125b.ocpMap);
    space.write(0xe00e, 0xffff);
    expect(space.read(0xe00e)).toBe(0);
    space.write(0xe05e, 0x1234);
    expect(space.read(0xe05e)).toBe(0x1234);
    expect(space.read(0xe05f)).toBe(0x1234);
    space.write(0xfc28 + 30, 0xabcd);
    expect(space.regs.get(rtl8125b.MCU_BREAK, 15)).toBe(0xabcd);
    expect(space.undeclared()).toEqual([{ address: 0xe05e, read: true, written: true }]);
    space.reset();
    expect(space.read(0xe05e)).toBe(0);
    expect(space.regs.get(rtl8125b.MCU_BREAK, 15)).toBe(0);
  });

  test('32 bits: byte enables, in declared registers and beside them', () => {
    const space = new StorageSpace(rtl8168h.eriMap);
    const faults: string[] = [];
    space.regs.onFault = (fault) => faults.push(fault.kind);
    space.write(0xe0, 0x4433_2211);
    space.write(0xe0, -1, 0x0000_ff00);
    expect(space.read(0xe0)).toBe(0x4433_ff11);
    space.write(0x178, 0x1122_3344, 0xffff_0000 | 0);
    expect(space.read(0x178)).toBe(0x1122_0000);
    expect(space.read(0x1_0178)).toBe(0x1122_0000);
    expect(space.undeclared().map((each) => each.address)).toEqual([0x178]);
    expect(faults).toEqual([]);
  });
});
