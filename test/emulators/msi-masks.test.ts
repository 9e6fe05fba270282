/** Mask and pending bits of MSI: a masked message waits and goes when it is unmasked (PCI 3.0 §6.8.1.7, §6.8.1.8). */
import { expect, test } from 'vitest';
import { type EmulatedFunction, PciShell, type ShellHost } from '../../src/emulators/index.js';
import { pci } from '../../src/registers/index.js';

const AT = 0x50;

function bench(address64: boolean) {
  const sent: number[] = [];
  const fn: EmulatedFunction = {
    name: 'masks',
    config: {
      vendor: 0x10ec,
      device: 0x8125,
      revision: 5,
      classCode: 0x020000,
      subsystemVendor: 0,
      subsystem: 0,
      interruptPin: 1,
      bars: [],
      capabilities: [],
      msi: { at: AT, vectors: 1, address64, maskable: true },
      configBytes: 256,
    },
    port: undefined,
    attach: () => {},
    readBar: () => 0,
    writeBar: () => {},
    reset: () => {},
  };
  const host = { message: (vector: number) => sent.push(vector), setPin: () => {}, decodingChanged: () => {} };
  const shell = new PciShell(fn, host as unknown as ShellHost);
  const mask = AT + (address64 ? 0x10 : 0x0c);
  const edge = (): void => {
    shell.setLevel(false);
    shell.setLevel(true);
  };
  shell.writeConfig(pci.COMMAND.at, 16, pci.COMMAND.MASTER);
  shell.writeConfig(AT + 2, 16, 1);
  return { shell, sent, mask, edge };
}

test.each([true, false])('a masked message waits in the pending bit, 64-bit address: %s', (address64) => {
  const { shell, sent, mask, edge } = bench(address64);
  edge();
  expect(sent).toEqual([0]);
  shell.writeConfig(mask, 32, 1);
  edge();
  edge();
  expect(sent).toEqual([0]);
  expect(shell.readConfig(mask + 4, 32)).toBe(1);
  shell.writeConfig(mask, 32, 0);
  expect(sent).toEqual([0, 0]);
  expect(shell.readConfig(mask + 4, 32)).toBe(0);
});

test('only the bits of vectors that are there can be written, pending bits not at all', () => {
  const { shell, mask } = bench(true);
  shell.writeConfig(mask, 32, -1);
  expect(shell.readConfig(mask, 32)).toBe(1);
  shell.writeConfig(mask + 4, 32, -1);
  expect(shell.readConfig(mask + 4, 32)).toBe(0);
  shell.writeConfig(mask - 2, 16, 0xffff);
  expect(shell.readConfig(mask - 2, 16)).toBe(0);
});

test('without MSI enabled nothing goes at unmasking', () => {
  const { shell, sent, mask, edge } = bench(true);
  shell.writeConfig(mask, 32, 1);
  edge();
  shell.writeConfig(AT + 2, 16, 0);
  shell.writeConfig(mask, 32, 0);
  expect(sent).toEqual([]);
});
