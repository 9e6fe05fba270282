/** The published contract suites on our own models and drivers. */
import { describe, test } from 'vitest';
import { allDrivers } from '../../src/drivers/index.js';
import { NICS } from '../../src/lab/index.js';
import { driverContract, modelContract } from '../../src/testing/index.js';
import { cases } from '../lab/support.js';

const MAC = Uint8Array.of(0x52, 0x54, 0, 1, 2, 3);
const DRIVERS: Readonly<Record<string, string>> = {
  '82540em': 'e1000',
  '82574l': 'e1000e',
  rtl8168h: 'r8169',
  rtl8125b: 'r8169',
  'virtio-net': 'virtio-net',
};

describe.each(NICS.map((nic) => [nic.name, nic] as const))('%s', (name, nic) => {
  const make = () => nic.make(MAC, name);
  for (let seed = 0; seed < cases(4); seed++) {
    for (const each of modelContract(make, { seed, accesses: 12_500 }))
      test(`seed ${seed}: ${each.name}`, () => each.run());
  }
  const driver = allDrivers.find((each) => each.name === DRIVERS[name])!;
  for (const each of driverContract(driver, make)) test(each.name, () => each.run());
});
