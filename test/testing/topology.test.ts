import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { I82540em, VirtioNet } from '../../src/emulators/index.js';
import { Machine } from '../../src/hosts/machine/index.js';
import { enumerate, lspci, type PciFunction } from '../../src/pci/index.js';
import { plugTopology, type TopologyNode, topologyFromDump } from '../../src/testing/index.js';

const NODES: readonly TopologyNode[] = [
  { device: 2, model: new I82540em() },
  {
    device: 3,
    bridge: 'root-port',
    below: [
      {
        bridge: 'pci-bridge',
        below: [
          { device: 1, standIn: { vendor: 0x10ec, device: 0x8168, subsystemVendor: 0x1043, subsystem: 0x8677 } },
          { device: 4, model: new VirtioNet() },
        ],
      },
    ],
  },
  { device: 9, standIn: { vendor: 0x14e4, device: 0x1677, classCode: 0x028000, interruptPin: 1 } },
];

const identity = (fn: PciFunction): readonly unknown[] => [
  fn.name,
  fn.vendor,
  fn.device,
  fn.classCode,
  fn.subsystemVendor,
  fn.subsystem,
  fn.capabilities.map(({ id, at, extended }) => [id, at, extended]),
];

describe('topologies as data', () => {
  it('are plugged in as they are written', () => {
    const machine = new Machine();
    const shells = plugTopology(machine.bus, NODES);
    expect(shells.map((shell) => shell.fn.name)).toEqual(['82540em', '10ec:8168', 'virtio-net', '14e4:1677']);
    const { functions, issues } = enumerate(machine);
    expect(issues).toEqual([]);
    expect(functions.map((fn) => fn.name)).toEqual([
      '00:00.0',
      '00:02.0',
      '00:03.0',
      '01:00.0',
      '02:01.0',
      '02:04.0',
      '00:09.0',
    ]);
  });

  it('come back from a listing: same places, identities and capabilities', () => {
    const machine = new Machine();
    plugTopology(machine.bus, [
      { device: 2, model: new I82540em() },
      { device: 3, bridge: 'root-port', below: [{ model: new VirtioNet() }] },
    ]);
    const { functions } = enumerate(machine);
    const imported = topologyFromDump(lspci(functions, { hex: 'all' }));
    expect(imported.issues).toEqual([]);
    const copy = new Machine();
    plugTopology(copy.bus, imported.nodes);
    const again = enumerate(copy).functions;
    expect(again.map(identity)).toEqual(functions.map(identity));
    // A BAR is at least as large as what is known of its address lets it be.
    const bar = again.find((fn) => fn.device === 0x100e)!.bar(0)!;
    expect(bar.bytes).toBeGreaterThanOrEqual(0x2_0000);
  });

  it('say what a listing lacks', () => {
    const header = (bytes: string): string =>
      `00: ${bytes}\n10:${' 00'.repeat(16)}\n20:${' 00'.repeat(16)}\n30:${' 00'.repeat(16)}`;
    const nic = header('86 80 0e 10 00 00 00 00 02 00 00 02 00 00 00 00');
    const cardbus = header('86 80 01 00 00 00 00 00 02 00 07 06 00 00 02 00');
    const { nodes, issues } = topologyFromDump(
      `00:03.0 NIC\n${nic}\n\n00:04.0 CardBus\n${cardbus}\n\n05:00.0 NIC\n${nic}\n`,
    );
    expect(nodes).toHaveLength(1);
    expect(issues).toEqual([
      '00:04.0: header layout 2 is neither a device nor a bridge',
      '05:00.0: no bridge in the dump leads to its bus',
    ]);
  });

  it('never fail on damaged text', () => {
    const machine = new Machine();
    plugTopology(machine.bus, [{ device: 3, bridge: 'pci-bridge', below: [{ device: 2, model: new I82540em() }] }]);
    const text = lspci(enumerate(machine).functions, { hex: 'all' });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(text.length - 1), fc.constantFrom(...'0123456789abcdef :.\n')), { maxLength: 40 }),
        (edits) => {
          const damaged = [...text];
          for (const [at, char] of edits) damaged[at] = char;
          const { nodes } = topologyFromDump(damaged.join(''));
          const copy = new Machine({ ramBytes: 1 << 20 });
          try {
            plugTopology(copy.bus, nodes);
          } catch (error) {
            // Capabilities that overlap, or two functions in one place, cannot be built; nothing else may happen.
            expect(error).toBeInstanceOf(RangeError);
            return;
          }
          enumerate(copy);
        },
      ),
      { numRuns: 200 },
    );
  });
});
