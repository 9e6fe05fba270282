/** The NICs there are, by the name that command lines and reports use. One line for each chip. */
import { type EmulatedFunction, I82540em, VirtioNet } from '../emulators/index.js';

/** How a model is made for the lab. */
export interface NicKind {
  readonly name: string;
  /** One line for `--help`. */
  readonly description: string;
  make(mac: Uint8Array, name: string): EmulatedFunction;
}

/** All of them, in the order in which the lab plugs them in. */
export const NICS: readonly NicKind[] = [
  { name: '82540em', description: 'Intel 82540EM (e1000)', make: (mac, name) => new I82540em({ mac, name }) },
  { name: 'virtio-net', description: 'virtio-net, modern PCI', make: (mac, name) => new VirtioNet({ mac, name }) },
];

/** @throws RangeError naming those that exist */
export function nicKind(name: string): NicKind {
  const kind = NICS.find((nic) => nic.name === name);
  if (!kind) throw new RangeError(`there is no NIC ${name}; there are ${NICS.map((nic) => nic.name).join(', ')}`);
  return kind;
}
