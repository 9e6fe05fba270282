/** Proof 1: our enumerator numbers and assigns a q35; QEMU's monitor agrees on buses, windows and addresses. */
import { describe, expect, it } from 'vitest';
import { openQemu } from '../../src/hosts/qemu/index.js';
import { describeFunction, enumerate, issuesText, lspci, topologyText } from '../../src/pci/index.js';
import { parseInfoPci, qemuForTests } from './support.js';

const qemu = await qemuForTests();

const TOPOLOGY = [
  '-device',
  'pcie-root-port,id=rp1,chassis=1,slot=1,addr=1',
  '-device',
  'pcie-root-port,id=rp2,chassis=2,slot=2,addr=2',
  '-device',
  'pcie-root-port,id=rp3,chassis=3,slot=3,addr=3.0,multifunction=on',
  '-device',
  'pcie-root-port,id=rp4,chassis=4,slot=4,addr=3.1',
  '-device',
  'pcie-pci-bridge,id=br1,bus=rp1',
  '-device',
  'e1000,bus=br1,addr=1',
  '-device',
  'rtl8139,bus=br1,addr=2',
  '-device',
  'pci-bridge,id=br2,chassis_nr=9,bus=br1,addr=3',
  '-device',
  'pcnet,bus=br2,addr=4',
  '-device',
  'e1000,bus=br2,addr=5',
  '-device',
  'virtio-net-pci,bus=rp2,disable-legacy=on',
  '-device',
  'e1000e,bus=rp3',
  '-device',
  'virtio-rng-pci,bus=rp4',
  '-device',
  'edu,addr=5',
  '-device',
  'VGA,addr=6',
]; // prettier-ignore

describe.skipIf(!qemu)('PCI on q35', () => {
  for (const config of ['ecam', 'ports'] as const) {
    it(`QEMU's monitor agrees with what was numbered and assigned through ${config}`, async () => {
      const host = await openQemu({ ...qemu, args: TOPOLOGY, config });
      try {
        const topology = enumerate(host);
        expect(issuesText(topology.issues)).toBe('');
        const theirs = parseInfoPci(await host.process.monitor('info pci'));
        if (process.env['NICFORGE_VERBOSE']) {
          console.log(topologyText(topology, describeFunction));
          console.log(lspci(topology.functions, { verbose: true }));
          console.log(await host.process.monitor('info pci'));
        }
        expect(topology.functions.length).toBe(theirs.length);
        expect(topology.functions.length).toBeGreaterThanOrEqual(16);
        for (const fn of topology.functions) {
          const other = theirs.find((entry) => entry.address === fn.address);
          expect(other, fn.name).toBeDefined();
          expect(other!.vendor, fn.name).toBe(fn.vendor);
          expect(other!.device, fn.name).toBe(fn.device);
          const ours = fn.bars
            .filter((bar) => bar.kind !== 'rom')
            .map((bar) => ({
              index: bar.index,
              address: bar.address,
              bytes: bar.bytes,
              prefetchable: bar.prefetchable,
            }));
          expect(other!.bars, `BARs of ${fn.name}`).toEqual(ours);
        }
        const buses = topology.functions.filter((fn) => fn.layout === 1);
        expect(buses.length).toBe(6);
        for (const bus of walk(topology.root)) {
          const bridge = theirs.find((entry) => entry.address === bus.bridge!.address)!;
          expect(bridge.secondary).toBe(bus.number);
          expect(bridge.subordinate).toBe(bus.last);
          // Everything below lies in what QEMU says that the bridge forwards.
          for (const fn of everything(bus)) {
            for (const bar of fn.bars) {
              const first = bar.address!;
              const kind = bar.kind === 'io' ? 'io' : first >= 2 ** 32 ? 'prefetchable' : 'memory';
              const window = bridge.windows[kind];
              expect(first, `${fn.name} BAR${bar.index} in ${kind} of ${bridge.address}`).toBeGreaterThanOrEqual(
                window.base,
              );
              expect(first + bar.bytes - 1, `${fn.name} BAR${bar.index}`).toBeLessThanOrEqual(window.limit);
            }
          }
        }
      } finally {
        await host.close();
      }
    });
  }
});

type Bus = ReturnType<typeof enumerate>['root'];

function walk(bus: Bus): Bus[] {
  return bus.children.flatMap((child) => [child, ...walk(child)]);
}

function everything(bus: Bus): Bus['functions'][number][] {
  return [...bus.functions, ...bus.children.flatMap(everything)];
}
