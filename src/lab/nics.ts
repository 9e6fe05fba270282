/** The NICs there are, by the name that command lines and reports use. One line for each chip. */
import { type EmulatedFunction, I82540em, I82574, Rtl8125b, Rtl8168h, VirtioNet } from '../emulators/index.js';

/** How a model is made for the lab. */
export interface NicKind {
  readonly name: string;
  /** One line for `--help`. */
  readonly description: string;
  /** Lengths in bytes that an image of its EEPROM may have; absent: it has none. */
  readonly nvmBytes?: readonly number[];
  /** @param nvm content of its EEPROM, which then holds the station address; only with {@link NicKind.nvmBytes} */
  make(mac: Uint8Array, name: string, nvm?: Uint16Array): EmulatedFunction;
}

/** All of them, in the order in which the lab plugs them in. */
export const NICS: readonly NicKind[] = [
  {
    name: '82540em',
    description: 'Intel 82540EM (e1000)',
    nvmBytes: [128, 512],
    make: (mac, name, nvm) => new I82540em({ mac, name, ...(nvm ? { nvm } : {}) }),
  },
  {
    name: '82574l',
    description: 'Intel 82574L (e1000e)',
    nvmBytes: [128, 4096],
    make: (mac, name, nvm) => new I82574({ mac, name, ...(nvm ? { nvm } : {}) }),
  },
  { name: 'virtio-net', description: 'virtio-net, modern PCI', make: (mac, name) => new VirtioNet({ mac, name }) },
  {
    name: 'rtl8168h',
    description: 'Realtek RTL8168H/8111H (r8169)',
    nvmBytes: [128, 512],
    make: (mac, name, nvm) => new Rtl8168h({ mac, name, ...(nvm ? { eeprom: nvm } : {}) }),
  },
  {
    name: 'rtl8125b',
    description: 'Realtek RTL8125B, 2.5 Gb/s (r8169)',
    nvmBytes: [128, 512],
    make: (mac, name, nvm) => new Rtl8125b({ mac, name, ...(nvm ? { eeprom: nvm } : {}) }),
  },
];

/** @throws RangeError naming those that exist */
export function nicKind(name: string): NicKind {
  const kind = NICS.find((nic) => nic.name === name);
  if (!kind) throw new RangeError(`there is no NIC ${name}; there are ${NICS.map((nic) => nic.name).join(', ')}`);
  return kind;
}
