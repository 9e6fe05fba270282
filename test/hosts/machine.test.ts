import { expect, test } from 'vitest';
import { I82540em, VirtioNet } from '../../src/emulators/index.js';
import { Machine } from '../../src/hosts/machine/index.js';
import { enumerate, lspci, PortConfigAccess } from '../../src/pci/index.js';

function pc(): Machine {
  const machine = new Machine();
  machine.bus.add(new I82540em());
  const below = machine.bus.addBridge('root-port');
  below.add(new VirtioNet(), { device: 0 });
  machine.bus.addBridge('pci-bridge').add(new I82540em());
  return machine;
}

test('enumeration finds what is plugged in, through both mechanisms', () => {
  const machine = pc();
  const topology = enumerate(machine);
  expect(topology.issues).toEqual([]);
  expect(topology.functions.map((fn) => `${fn.name} ${fn.vendor.toString(16)}:${fn.device.toString(16)}`)).toEqual([
    '00:00.0 8086:29c0',
    '00:01.0 8086:100e',
    '00:02.0 8086:a110',
    '01:00.0 1af4:1041',
    '00:03.0 8086:244e',
    '02:00.0 8086:100e',
  ]);
  const ports = new PortConfigAccess(machine.ports);
  for (const fn of topology.functions) {
    for (let at = 0; at < 256; at += 4)
      expect(ports.read32(fn.address, at)).toBe(machine.config.read32(fn.address, at));
  }
  console.log(lspci(topology.functions, { verbose: true } as never));
});
