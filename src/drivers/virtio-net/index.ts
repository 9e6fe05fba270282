/** Driver for virtio-net over PCI, modern interface. */

import type { PciFunction } from '../../pci/function.js';
import { bound, type DriverId, declined, failed, type ProbeOutcome } from '../../pci/probe.js';
import type { Task } from '../../platform/task.js';
import * as pci from '../../registers/pci.js';
import { VIRTIO_NET_MODERN, VIRTIO_NET_TRANSITIONAL, VIRTIO_VENDOR } from '../../registers/virtio.js';
import type { DriverOptions, Nic, NicDriver } from '../driver.js';
import { VirtioNic } from './nic.js';

const NAME = 'virtio-net';
const LEGACY_ONLY = 'it has the legacy interface only';

/** Binds 1af4:1041, and 1af4:1000 when it has the modern interface too. */
export const virtioNet: NicDriver = {
  name: NAME,
  ids: [
    { vendor: VIRTIO_VENDOR, device: VIRTIO_NET_MODERN, name: NAME, quirks: [] },
    { vendor: VIRTIO_VENDOR, device: VIRTIO_NET_TRANSITIONAL, name: NAME, quirks: ['transitional'] },
  ],
  declines: [LEGACY_ONLY],
  *probe(fn: PciFunction, id: DriverId, options: DriverOptions): Task<ProbeOutcome<Nic>> {
    if (fn.capability(pci.CAP.VENDOR) === undefined) return declined(LEGACY_ONLY);
    try {
      return bound(yield* VirtioNic.open(fn, id, options));
    } catch (error) {
      fn.disableMaster();
      return failed(error instanceof Error ? error : new Error(String(error)));
    }
  },
};

export { VirtioNic } from './nic.js';
