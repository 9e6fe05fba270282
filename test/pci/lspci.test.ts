import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDump, parseHeader } from '../../src/pci/dump/index.js';
import { EcamConfigAccess, enumerate, lspci, PortConfigAccess } from '../../src/pci/index.js';
import { bdf, type PortIo } from '../../src/platform/config-access.js';
import * as pci from '../../src/registers/pci.js';
import { FakeConfig, FakeHost, FakeMmio, fakeBridge, fakeNic, slot } from './fake-host.js';

function bus(): FakeHost {
  const config = new FakeConfig();
  const bridge = fakeBridge();
  bridge.below.set(slot(2), fakeNic().caps([pci.CAP.PM, 0xdc, 0x22, 0xc8, 0, 0], [pci.CAP.MSI, 0xf0, 0x80, 0]));
  config.root.set(slot(1), bridge);
  return new FakeHost(config);
}

describe('lspci', () => {
  it('lists like lspci', () => {
    const { functions } = enumerate(bus());
    expect(lspci(functions)).toBe(
      '00:01.0 PCI bridge: Red Hat, Inc. [QEMU] QEMU PCI-PCI bridge\n' +
        '01:02.0 Ethernet controller: Intel Corporation 82540EM Gigabit Ethernet Controller',
    );
    const verbose = lspci(functions, { verbose: true, numbers: true, driver: () => 'e1000' });
    expect(verbose).toContain('82540EM Gigabit Ethernet Controller [8086:100e]');
    expect(verbose).toContain('\tBus: primary=00, secondary=01, subordinate=01');
    expect(verbose).toContain('\tMemory behind bridge: c0000000-c00fffff [size=1M]');
    expect(verbose).toContain('\tRegion 0: Memory at c0000000 (32-bit, non-prefetchable) [size=128K]');
    expect(verbose).toContain('\tRegion 2: I/O ports at 1000 [size=64]');
    expect(verbose).toContain('\tCapabilities: [dc] Power Management');
    expect(verbose).toContain('\tDriver in use: e1000');
  });

  it('reads its own dump back', () => {
    const { functions } = enumerate(bus());
    const text = lspci(functions, { hex: 'all' });
    expect(text).toContain('00: 86 80 0e 10 03 00 10 00 00 00 00 02 00 00 00 00');
    const dumped = parseDump(text);
    expect(dumped.map((fn) => [fn.address, fn.vendor, fn.device])).toEqual(
      functions.map((fn) => [fn.address, fn.vendor, fn.device]),
    );
    expect(dumped[0]!.header.rest.secondaryBus).toBe(1);
    expect(dumped[1]!.capabilities.map((c) => c.id)).toEqual([pci.CAP.PM, pci.CAP.MSI]);
    expect(dumped[1]!.bars.map(({ bytes: _, ...bar }) => bar)).toEqual(
      functions[1]!.bars.map(({ bytes: _, ...bar }) => bar),
    );
    expect(lspci(dumped, { verbose: true })).toContain('Region 2: I/O ports at 1000\n');
  });

  it('reads the header of a real 82540EM', () => {
    const text = `02:0a.0 Ethernet controller: Intel Corporation 82540EM Gigabit Ethernet Controller (rev 02)
\tSubsystem: something
00: 86 80 0e 10 17 01 30 02 02 00 00 02 10 20 00 00
10: 00 00 fe fd 00 00 00 00 c1 de 00 00 00 00 00 00
20: 00 00 00 00 00 00 00 00 00 00 00 00 86 80 1e 00
30: 00 00 00 00 dc 00 00 00 00 00 00 00 0b 01 ff 00
`;
    const [fn, ...none] = parseDump(text);
    expect(none).toEqual([]);
    expect(fn).toMatchObject({ address: bdf(2, 10, 0), vendor: 0x8086, device: 0x100e, revision: 2, subsystem: 0x1e });
    expect(fn!.header.rest).toMatchObject({ capabilities: 0xdc, interruptPin: 1, interruptLine: 11 });
    expect(fn!.bars).toEqual([
      { index: 0, kind: 'memory32', prefetchable: false, address: 0xfdfe_0000 },
      { index: 2, kind: 'io', prefetchable: false, address: 0xdec0 },
    ]);
  });

  it('takes any text and any header', () => {
    fc.assert(fc.property(fc.string(), (text) => parseDump(`00:01.0 x\n${text}`).length <= 1));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        const header = parseHeader(bytes);
        expect(header.vendor).toBe(bytes[0]! | (bytes[1]! << 8));
        expect(header.rest.interruptPin).toBe(bytes[0x3d]);
      }),
    );
    expect(() => parseHeader(new Uint8Array(10))).toThrow(/64 bytes, 10/);
  });
});

describe('configuration access', () => {
  it('reaches the same register by ports and by ECAM', () => {
    const window = new FakeMmio(2 << 20);
    const ecam = new EcamConfigAccess(window, 3);
    ecam.write16(bdf(4, 5, 6), 0xffe, 0xbeef);
    expect(window.read16((1 << 20) | (5 << 15) | (6 << 12) | 0xffe)).toBe(0xbeef);
    expect(ecam.read8(bdf(4, 5, 6), 0xfff)).toBe(0xbe);
    expect(ecam.read32(bdf(5, 0, 0), 0)).toBe(-1);
    expect(ecam.read32(bdf(2, 0, 0), 0)).toBe(-1);
    expect(ecam.read16(bdf(4, 5, 6), 1)).toBe(0xffff);
    const seen: string[] = [];
    let latch = 0;
    const read = (what: string, port: number, value: number): number => {
      note(what, port, latch);
      return value;
    };
    const note = (what: string, port: number, value: number): void =>
      void seen.push(`${what} ${port.toString(16)} ${(value >>> 0).toString(16)}`);
    const ports: PortIo = {
      in8: (port) => read('in8', port, 0x12),
      in16: (port) => read('in16', port, 0x1234),
      in32: (port) => read('in32', port, 0x12345678),
      out8: (port, value) => note('out8', port, value),
      out16: (port, value) => note('out16', port, value),
      out32: (port, value) => {
        if (port === 0xcf8) latch = value;
        else note('out32', port, value);
      },
    };
    const config = new PortConfigAccess(ports);
    expect(config.read16(bdf(4, 5, 6), 0x3e)).toBe(0x1234);
    expect(config.read16(bdf(4, 5, 6), 0x3f)).toBe(0xffff);
    expect(config.read32(bdf(4, 5, 6), 0x100)).toBe(-1);
    config.write8(bdf(0, 31, 7), 0xfd, 0x1ff);
    expect(seen).toEqual(['in16 cfe 80042e3c', 'out8 cfd ff']);
  });
});
