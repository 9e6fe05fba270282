import { describe, expect, it } from 'vitest';
import { enumerate, type PciFunction } from '../../src/pci/index.js';
import { bdf } from '../../src/platform/config-access.js';
import * as pci from '../../src/registers/pci.js';
import { FakeConfig, FakeFunction, FakeHost, slot } from './fake-host.js';

function one(fn: FakeFunction, configBytes = 256): { host: FakeHost; fn: PciFunction } {
  const config = new FakeConfig(configBytes);
  config.root.set(slot(1), fn);
  const host = new FakeHost(config);
  return { host, fn: enumerate(host).functions[0]! };
}

const nic = (bytes = 256): FakeFunction =>
  new FakeFunction(0x8086, 0x10d3, 0x020000, bytes).bar(0, 0x2_0000).bar(3, 0x4000);

describe('a function', () => {
  it('walks both capability lists', () => {
    const fake = nic(4096).caps([pci.CAP.PM, 0xc8, 2, 0, 0, 0], [pci.CAP.PCIE, 0xe0, 1, 0]);
    fake.view.setUint32(0x100, 0x1401_0001, true);
    fake.view.setUint32(0x140, 0x0001_0003, true);
    const { fn } = one(fake, 4096);
    expect(fn.capabilities.map((c) => [c.id, c.at, c.extended])).toEqual([
      [pci.CAP.PM, 0xc8, false],
      [pci.CAP.PCIE, 0xe0, false],
      [pci.EXT_CAP.AER, 0x100, true],
      [pci.EXT_CAP.DSN, 0x140, true],
    ]);
    expect(fn.extendedCapability(pci.EXT_CAP.DSN)?.at).toBe(0x140);
    expect(fn.capability(pci.EXT_CAP.DSN)).toBeUndefined();
  });

  it('reports loops and pointers into the header', () => {
    const loop = nic().caps([pci.CAP.PM, 0x40], [pci.CAP.MSI, 0x50]);
    loop.bytes[0x51] = 0x40;
    expect(one(loop).fn.issues).toEqual(['capability list loops at 0x40']);
    const inside = nic().caps([pci.CAP.PM, 0x40]);
    inside.bytes[0x41] = 0x10;
    expect(one(inside).fn.issues).toEqual(['capability pointer 0x10 points into the header']);
  });

  it('programs MSI', () => {
    const fake = nic().caps([pci.CAP.MSI, 0xd0, 0x80, 0]);
    fake.allow(0xd2, 0x71, 0, 0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    const { host, fn } = one(fake);
    host.messageAddress = 0x12_fee0_0000;
    fn.enableMsi(() => {});
    expect(fake.view.getUint32(0xd4, true)).toBe(0xfee0_0000);
    expect(fake.view.getUint32(0xd8, true)).toBe(0x12);
    expect(host.handlers.has(fake.view.getUint16(0xdc, true))).toBe(true);
    expect(fake.view.getUint16(0xd2, true) & pci.MSI_CONTROL.ENABLE).not.toBe(0);
    expect(fake.view.getUint16(pci.COMMAND.at, true) & pci.COMMAND.INTX_DISABLE).not.toBe(0);
    fn.disableInterrupts();
    expect(fake.view.getUint16(0xd2, true) & pci.MSI_CONTROL.ENABLE).toBe(0);
    expect(host.handlers.size).toBe(0);
  });

  it('programs MSI-X through its BAR, masks single vectors, and takes nothing when it fails', () => {
    const fake = nic().caps([pci.CAP.MSIX, 0xa0, 4, 0, 0x03, 0x20, 0, 0, 0x03, 0x30, 0, 0]);
    fake.allow(0xa2, 0, 0xc0);
    const { host, fn } = one(fake);
    fn.enableMsix([() => {}, () => {}]);
    const table = host.map(fn.bar(3)!.address!, 0x4000);
    expect(table.read32(0x2000)).toBe(0xfee0_0000 | 0);
    expect(host.handlers.has(table.read32(0x2018))).toBe(true);
    expect([0, 1, 2, 3, 4].map((i) => table.read32(0x2000 + 16 * i + 12))).toEqual([0, 0, 1, 1, 1]);
    fn.maskVector(1, true);
    expect(table.read32(0x201c)).toBe(1);
    expect(fake.view.getUint16(0xa2, true)).toBe(pci.MSIX_CONTROL.ENABLE | 4);
    expect(() => fn.enableMsix(Array.from({ length: 6 }, () => () => {}))).toThrow(
      /6 MSI-X vectors asked, 5 are there/,
    );
    host.vectors = 1;
    expect(() => fn.enableMsix([() => {}, () => {}])).toThrow(/no message vector left after 1/);
    expect(host.vectors).toBe(1);
    expect(fn.interruptMode).toBe('none');
  });

  it('refuses an MSI-X table outside its BAR', () => {
    const fake = nic().caps([pci.CAP.MSIX, 0xa0, 0xff, 0x07, 0x03, 0x20, 0, 0, 0, 0, 0, 0]);
    expect(() => one(fake).fn.enableMsix([() => {}])).toThrow(/MSI-X table at 0x2000 leaves BAR3/);
  });

  it('attaches a pin, and needs one', () => {
    const fake = nic();
    fake.bytes[pci.INTERRUPT_PIN.at] = 2;
    const { host, fn } = one(fake);
    fn.attachIntx(() => true);
    expect(host.pins).toMatchObject([{ address: bdf(0, 1, 0), pin: 2 }]);
    fn.disableInterrupts();
    expect(host.pins).toEqual([]);
    expect(() => one(nic()).fn.attachIntx(() => true)).toThrow(/no interrupt pin/);
  });

  it('comes back from D3hot with its addresses', () => {
    const fake = nic().caps([pci.CAP.PM, 0xc8, 2, 0, 0, 0]).allow(0xcc, 3, 0);
    const { host, fn } = one(fake);
    const address = fn.bar(0)!.address!;
    fn.enable({ memory: true, master: true });
    fake.bytes[0xcc] = 3;
    fake.onWrite = (at) => {
      if (at === 0xcc) fake.view.setUint32(pci.BAR.at, 0, true);
    };
    host.run(fn.powerUp());
    expect(fn.powerState).toBe(0);
    expect(fake.view.getUint32(pci.BAR.at, true)).toBe(address);
    expect(host.scheduler.now).toBeGreaterThanOrEqual(10_000);
  });

  it('goes to sleep, armed to wake the machine or not, and is disarmed when it comes back', () => {
    const fake = nic().caps([pci.CAP.PM, 0xc8, 0, 0x40, 0, 0]).allow(0xcc, 3, 0);
    fake.allow(0xcd, 0x01, 0);
    const { host, fn } = one(fake);
    expect(fn.canWake).toBe(true);
    host.run(fn.powerDown(true));
    expect(host.scheduler.now).toBeGreaterThanOrEqual(10_000);
    expect([fn.powerState, fake.bytes[0xcd]! & 1]).toEqual([3, 1]);
    host.run(fn.powerUp());
    expect([fn.powerState, fake.bytes[0xcd]! & 1]).toEqual([0, 0]);
    host.run(fn.powerDown(false));
    expect([fn.powerState, fake.bytes[0xcd]! & 1]).toEqual([3, 0]);
    const deaf = one(nic().caps([pci.CAP.PM, 0xc8, 0, 0, 0, 0])).fn;
    expect(deaf.canWake).toBe(false);
    expect(one(nic()).fn.canWake).toBe(false);
  });

  it('resets by FLR and says when it does not come back', () => {
    const fake = nic().caps([pci.CAP.PCIE, 0xe0, 1, 0, 0, 0, 0, 0x10, 0, 0]).allow(0xe8, 0, 0x80);
    const { host, fn } = one(fake);
    expect(fn.canReset).toBe(true);
    let resets = 0;
    fake.onWrite = (at, value) => {
      if (at === 0xe8 && (value & pci.PCIE_DEVCTL.FLR) !== 0) {
        resets++;
        fake.view.setUint32(pci.BAR.at, 0, true);
      }
    };
    host.run(fn.functionLevelReset());
    expect(resets).toBe(1);
    expect(fake.view.getUint32(pci.BAR.at, true)).toBe(fn.bar(0)!.address);
    fake.onWrite = () => {
      fake.gone = true;
    };
    expect(() => host.run(fn.functionLevelReset())).toThrow(/function level reset did not happen within/);
    expect(fn.present).toBe(false);
  });
});
