import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { enumerate, issuesText, rootPin } from '../../src/pci/index.js';
import { bdf } from '../../src/platform/config-access.js';
import * as pci from '../../src/registers/pci.js';
import { FakeConfig, FakeFunction, FakeHost, fakeBridge, fakeNic, slot } from './fake-host.js';

function nested(): { config: FakeConfig; inner: FakeFunction } {
  const config = new FakeConfig();
  const outer = fakeBridge();
  const inner = fakeBridge();
  config.root.set(slot(0), new FakeFunction(0x8086, 0x29c0, 0x060000));
  config.root.set(slot(1), outer);
  config.root.set(slot(2), fakeBridge());
  config.root.set(slot(3), fakeNic());
  outer.below.set(slot(4), inner);
  outer.below.set(slot(5), fakeNic());
  inner.below.set(
    slot(6),
    new FakeFunction(0x1af4, 0x1041, 0x020000).bar(1, 0x1000).bar(4, 0x4000, 'memory64', true).rom(0x1_0000),
  );
  return { config, inner };
}

describe('enumeration', () => {
  it('numbers buses depth first and nests subordinate numbers', () => {
    const { config } = nested();
    const topology = enumerate(new FakeHost(config));
    expect(topology.functions.map((fn) => fn.name)).toEqual([
      '00:00.0',
      '00:01.0',
      '01:04.0',
      '02:06.0',
      '01:05.0',
      '00:02.0',
      '00:03.0',
    ]);
    expect(topology.root.children.map((bus) => [bus.number, bus.last])).toEqual([
      [1, 2],
      [3, 3],
    ]);
    expect(config.read8(bdf(0, 1, 0), pci.SUBORDINATE_BUS.at)).toBe(2);
    expect(config.read8(bdf(1, 4, 0), pci.PRIMARY_BUS.at)).toBe(1);
    expect(topology.issues).toEqual([]);
  });

  it('forgets the numbers that somebody left before', () => {
    const { config } = nested();
    config.root.get(slot(2))!.bytes.set([0, 1, 9], pci.PRIMARY_BUS.at);
    const topology = enumerate(new FakeHost(config));
    expect(topology.functions.length).toBe(7);
    expect(topology.root.children.map((bus) => bus.number)).toEqual([1, 3]);
  });

  it('gives aligned, disjoint addresses inside the windows of all bridges above', () => {
    const { config } = nested();
    const topology = enumerate(new FakeHost(config));
    const ranges: { from: number; to: number; io: boolean }[] = [];
    for (const fn of topology.functions) {
      for (const bar of fn.bars) {
        expect(bar.address, `${fn.name} BAR${bar.index}`).toBeDefined();
        expect(bar.address! % bar.bytes).toBe(0);
        ranges.push({ from: bar.address!, to: bar.address! + bar.bytes - 1, io: bar.kind === 'io' });
      }
    }
    for (const a of ranges)
      for (const b of ranges) if (a !== b && a.io === b.io) expect(a.to < b.from || b.to < a.from).toBe(true);
    const virtio = topology.functions.find((fn) => fn.device === 0x1041)!;
    expect(virtio.bar(4)!.address).toBeGreaterThanOrEqual(2 ** 36);
    const bridge = config.find(bdf(1, 4, 0))!;
    const upper = bridge.view.getUint32(pci.PREFETCH_BASE_UPPER.at, true);
    expect(upper * 2 ** 32 + ((bridge.view.getUint16(pci.PREFETCH_BASE.at, true) & 0xfff0) << 16)).toBe(
      virtio.bar(4)!.address,
    );
    // An empty bridge forwards nothing.
    const empty = config.find(bdf(0, 2, 0))!;
    expect(empty.view.getUint16(pci.MEMORY_BASE.at, true)).toBeGreaterThan(
      empty.view.getUint16(pci.MEMORY_LIMIT.at, true),
    );
    expect(empty.bytes[pci.IO_BASE.at]!).toBeGreaterThan(empty.bytes[pci.IO_LIMIT.at]!);
  });

  it('turns decoding on, bus mastering only in bridges', () => {
    const { config } = nested();
    enumerate(new FakeHost(config));
    expect(config.read16(bdf(0, 3, 0), pci.COMMAND.at)).toBe(pci.COMMAND.IO | pci.COMMAND.MEMORY);
    expect(config.read16(bdf(0, 1, 0), pci.COMMAND.at) & pci.COMMAND.MASTER).not.toBe(0);
  });

  it('leaves a function that does not fit without an address, says what was asked and left, and goes on', () => {
    const { config } = nested();
    const big = new FakeFunction(0x10de, 0x1234, 0x030000).bar(0, 0x1000_0000).bar(1, 0x1000).bar(2, 256, 'io');
    config.find(bdf(0, 1, 0))!.below.set(slot(7), big);
    const topology = enumerate(new FakeHost(config));
    const fn = topology.functions.find((one) => one.vendor === 0x10de)!;
    expect(fn.bar(0)!.address).toBeUndefined();
    expect(fn.bar(1)!.address).toBeUndefined();
    expect(fn.bar(2)!.address).toBeDefined();
    expect(issuesText(topology.issues)).toMatch(
      /01:07\.0: BAR0 asks 256M of memory32, .* of 256M from 0xc0000000 were left/,
    );
    expect(() => fn.enable({ memory: true })).toThrow(/BAR0 \(268435456 bytes/);
    expect(() => fn.mapBar(0)).toThrow(/has no address/);
    expect(config.read16(fn.address, pci.COMMAND.at)).toBe(pci.COMMAND.IO);
    for (const other of topology.functions.filter((one) => one !== fn))
      for (const bar of other.bars) expect(bar.address, other.name).toBeDefined();
  });

  it('drops an expansion ROM before a function', () => {
    const config = new FakeConfig();
    config.root.set(slot(1), fakeNic().rom(0x100_0000));
    const topology = enumerate(new FakeHost(config, { memory32: { base: 0xc000_0000, bytes: 0x10_0000 } }));
    expect(topology.functions[0]!.bar(0)!.address).toBe(0xc000_0000);
    expect(topology.issues.map((issue) => issue.kind)).toEqual(['rom-does-not-fit']);
  });

  it('knows that a bridge forwards no I/O, and uses 32-bit memory where it has no 64-bit window', () => {
    const config = new FakeConfig();
    const bridge = fakeBridge({ io: false, wide: false });
    config.root.set(slot(1), bridge);
    bridge.below.set(slot(0), fakeNic().bar(4, 0x4000, 'memory64', true));
    const topology = enumerate(new FakeHost(config));
    const nic = topology.functions[1]!;
    expect(nic.bar(4)!.address).toBeLessThan(2 ** 32);
    expect(nic.bar(2)!.address).toBeUndefined();
    expect(issuesText(topology.issues)).toMatch(/01:00\.0: BAR2 asks 64 of io; bridge 00:01\.0 forwards none/);
  });

  it('puts a large 64-bit BAR where it fits and refuses an impossible one', () => {
    const config = new FakeConfig();
    config.root.set(slot(1), new FakeFunction(1, 2, 0x020000).bar(0, 2 ** 34, 'memory64', true));
    const hostile = new FakeFunction(1, 3, 0x020000);
    hostile.view.setUint32(pci.BAR.at + 20, 4, true);
    hostile.mask(pci.BAR.at + 20, 0xffff_f000);
    config.root.set(slot(2), hostile);
    const topology = enumerate(new FakeHost(config));
    expect(topology.functions[0]!.bar(0)).toMatchObject({ bytes: 2 ** 34, address: 2 ** 36 });
    expect(topology.issues.map((issue) => issue.kind)).toEqual(['config']);
  });

  it('stops where the bus numbers end', () => {
    const config = new FakeConfig();
    let bus = config.root;
    for (let depth = 0; depth < 6; depth++) {
      const bridge = fakeBridge();
      bus.set(slot(1), bridge);
      bus = bridge.below;
    }
    const topology = enumerate(new FakeHost(config, {}, 3));
    expect(topology.functions.length).toBe(4);
    expect(topology.issues.map((issue) => issue.kind)).toEqual(['no-bus-numbers']);
  });

  it('survives a bridge whose lower side is its own bus', () => {
    const config = new FakeConfig();
    const bridge = fakeBridge();
    config.root.set(slot(1), bridge);
    config.root.set(slot(2), fakeNic());
    bridge.below.set(slot(1), bridge);
    bridge.below.set(slot(2), config.root.get(slot(2))!);
    const topology = enumerate(new FakeHost(config));
    expect(topology.issues.some((issue) => issue.kind === 'bridge')).toBe(true);
    expect(config.accesses).toBeLessThan(1_000_000);
  });

  it('looks at functions 1 to 7 only when function 0 says so', () => {
    const config = new FakeConfig();
    config.root.set(slot(1, 0), fakeNic());
    config.root.set(slot(1, 3), fakeNic());
    config.root.set(slot(2, 0), fakeNic().multi());
    config.root.set(slot(2, 5), fakeNic());
    const names = enumerate(new FakeHost(config)).functions.map((fn) => fn.name);
    expect(names).toEqual(['00:01.0', '00:02.0', '00:02.5']);
  });

  it('keeps what firmware did when asked', () => {
    const { config } = nested();
    const first = enumerate(new FakeHost(config));
    const before = config.root.get(slot(1))!.bytes.slice();
    const second = enumerate(new FakeHost(config), { keep: true });
    expect(second.functions.map((fn) => [fn.name, fn.bars])).toEqual(first.functions.map((fn) => [fn.name, fn.bars]));
    expect(config.root.get(slot(1))!.bytes).toEqual(before);
  });

  it('rotates pins through bridges', () => {
    const { config } = nested();
    enumerate(new FakeHost(config));
    // 02:06.0 INTA -> device 6 on bus 2: INTC of 01:04.0 -> INTC again ((2 + 4) % 4) of 00:01.0.
    expect(rootPin(config, bdf(2, 6, 0), 1)).toEqual({ device: 1, pin: 3 });
    expect(rootPin(config, bdf(0, 3, 0), 4)).toEqual({ device: 3, pin: 4 });
  });

  it('never throws and stays bounded on random configuration space', () => {
    const cases = Number(process.env['NICFORGE_CASES'] ?? 60);
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.integer({ min: 0, max: 255 }),
            fc.uint8Array({ minLength: 256, maxLength: 256 }),
            fc.uint8Array({ minLength: 256, maxLength: 256 }),
            fc.boolean(),
          ),
          { maxLength: 12 },
        ),
        fc.array(fc.tuple(fc.nat(11), fc.nat(11), fc.integer({ min: 0, max: 255 })), { maxLength: 12 }),
        (functions, links) => {
          const config = new FakeConfig();
          const all = functions.map(([at, bytes, writable, bridge]) => {
            const fn = new FakeFunction(0x8086, 1, 0);
            fn.bytes.set(bytes);
            fn.writable.set(writable);
            if (bridge) {
              fn.bytes[pci.HEADER_TYPE.at] = 0x81;
              fn.writable[pci.HEADER_TYPE.at] = 0;
            }
            config.root.set(at, fn);
            return fn;
          });
          for (const [from, to, at] of links) if (all[from] && all[to]) all[from].below.set(at, all[to]);
          const topology = enumerate(new FakeHost(config), { mostFunctions: 300 });
          expect(topology.functions.length).toBeLessThanOrEqual(300);
          expect(config.accesses).toBeLessThan(2_000_000);
        },
      ),
      { numRuns: cases },
    );
  });
}); // prettier-ignore
