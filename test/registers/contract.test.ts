/** For every register of every map: what the declaration says is what the register file does. */
import { describe, test } from 'vitest';
import { i82540em, i82574, pci, rtl8125b, rtl8168h, virtio } from '../../src/registers/index.js';
import { registerContract } from '../../src/testing/index.js';

const maps = [
  i82540em.bar0Map,
  i82540em.ioMap,
  i82540em.phyMap,
  i82574.bar0Map,
  i82574.ioMap,
  i82574.phyMap,
  ...Object.values(i82574.PHY_PAGES),
  i82574.nvmMap,
  ...rtl8168h.MAPS,
  ...rtl8125b.MAPS.filter((map) => map !== rtl8168h.eepromMap),
  pci.type0Map,
  pci.type1Map,
  virtio.commonMap,
  virtio.isrMap,
  virtio.notifyMap,
  virtio.netConfigMap,
];

describe.each(maps.map((map) => [`${map.chip} ${map.space}`, map] as const))('%s', (_name, map) => {
  for (const each of registerContract(map)) test(each.name, () => each.run());
});
