import { describe, expect, it } from 'vitest';
import { allDrivers, type DriverOptions, type Nic } from '../../src/drivers/index.js';
import { I82540em, VirtioNet } from '../../src/emulators/index.js';
import { Machine } from '../../src/hosts/machine/index.js';
import { enumerate, issuesText, ProbeChain, rescan } from '../../src/pci/index.js';
import { standIn } from '../../src/testing/index.js';
import { finish } from '../../src/testing/run.js';

const RESERVE = { reserve: 2 << 20 };

function chainOf(): ProbeChain<Nic, DriverOptions> {
  const chain = new ProbeChain<Nic, DriverOptions>({ options: {}, close: (nic) => nic.close() });
  for (const driver of allDrivers) chain.register(driver);
  return chain;
}

describe('hot plug', () => {
  it('binds what is plugged in behind an empty port, and leaves the others where they are', () => {
    const machine = new Machine();
    machine.bus.add(new I82540em(), { device: 3 });
    const port = machine.bus.addBridge('root-port', { device: 4 });
    const before = enumerate(machine, RESERVE);
    const chain = chainOf();
    finish(machine, chain.offerAll(before.functions));
    const first = before.functions.find((fn) => fn.device === 0x100e)!;
    const addresses = first.bars.map((bar) => bar.address);

    port.add(new VirtioNet());
    const after = rescan(machine, before);
    expect(issuesText(after.issues)).toBe('');
    expect(after.removed).toEqual([]);
    expect(after.added.map((fn) => fn.name)).toEqual(['01:00.0']);
    expect(after.topology.functions).toContain(first);
    expect(first.bars.map((bar) => bar.address)).toEqual(addresses);
    const record = finish(machine, chain.offer(after.added[0]!));
    expect(record).toMatchObject({ driver: 'virtio-net', chip: 'virtio-net' });
    expect(after.added[0]!.bars.every((bar) => bar.address !== undefined)).toBe(true);
    expect(rescan(machine, after.topology)).toMatchObject({ added: [], removed: [] });
    for (const { fn } of chain.records) finish(machine, chain.release(fn));
    expect(machine.diagnostics.problems()).toEqual([]);
  });

  it('closes the driver of what is pulled out, and binds another one in the same place', () => {
    const machine = new Machine();
    const shell = machine.bus.add(new I82540em(), { device: 3 });
    const before = enumerate(machine);
    const chain = chainOf();
    finish(machine, chain.offerAll(before.functions));
    const old = before.functions.find((fn) => fn.device === 0x100e)!;
    const nic = chain.records.find((record) => record.fn === old)!.value!;
    machine.remove(shell);
    machine.bus.add(new I82540em({ mac: Uint8Array.of(2, 0, 0, 0, 0, 7) }), { device: 3 });
    const after = rescan(machine, before);
    // Same identity, same place: only the addresses that it does not know tell that it is another one.
    expect(after.removed).toEqual([old]);
    expect(after.added.map((fn) => fn.name)).toEqual([old.name]);
    for (const fn of after.removed) finish(machine, chain.remove(fn));
    expect(nic.linkUp).toBe(false);
    expect(chain.records.find((record) => record.fn === old)).toMatchObject({ removed: true, value: undefined });
    const record = finish(machine, chain.offer(after.added[0]!));
    expect(record.driver).toBe('e1000');
    expect([...record.value!.mac]).toEqual([2, 0, 0, 0, 0, 7]);
    finish(machine, chain.release(after.added[0]!));
  });

  it('a pulled bridge takes what is below with it; a new one is reported', () => {
    const machine = new Machine();
    const bridge = machine.bus.addBridge('pci-bridge', { device: 5 });
    const shell = bridge.add(standIn({ vendor: 0x8086, device: 0x100f }));
    const before = enumerate(machine);
    machine.remove(shell);
    expect(rescan(machine, before).removed.map((fn) => fn.name)).toEqual(['01:00.0']);
    machine.bus.addBridge('pci-bridge', { device: 6 });
    const after = rescan(machine, before);
    expect(issuesText(after.issues)).toBe('00:06.0: a bridge that came after enumeration is not entered [bridge]');
  });

  it('says what does not fit', () => {
    const machine = new Machine();
    const port = machine.bus.addBridge('root-port', { device: 4 });
    const before = enumerate(machine);
    const bars = [{ index: 0, kind: 'memory32', bytes: 0x2_0000, name: 'registers' }] as const;
    port.add(standIn({ vendor: 0x8086, device: 0x100f, bars }));
    const after = rescan(machine, before);
    expect(issuesText(after.issues)).toBe(
      '01:00.0: BAR0 asks 128K of memory32; bus 1 has no gap of that size [bar-does-not-fit]',
    );
    expect(after.added[0]!.bar(0)!.address).toBeUndefined();
  });

  it('keeps nothing free where there is no room to spare', () => {
    const resources = {
      memory32: { base: 0xc000_0000, bytes: 0x40_0000 },
      memory64: { base: 0x80_0000_0000, bytes: 0x40_0000 },
      io: { base: 0x2000, bytes: 0xe000 },
    };
    const machine = new Machine({ resources });
    machine.bus.add(new I82540em(), { device: 3 });
    for (let i = 4; i < 9; i++) machine.bus.addBridge('root-port', { device: i });
    const topology = enumerate(machine, RESERVE);
    expect(issuesText(topology.issues)).toBe('');
    expect(topology.functions.find((fn) => fn.device === 0x100e)!.bar(0)!.address).toBeDefined();
  });
});
