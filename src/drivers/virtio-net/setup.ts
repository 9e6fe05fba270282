/** virtio-net: what is settled with the device before it runs: features, queues, address, MTU (virtio 1.2 §5.1.3, §5.1.5). */
import type { PciFunction } from '../../pci/function.js';
import type { Mmio } from '../../platform/mmio.js';
import { readReg } from '../../platform/task.js';
import { at, meta } from '../../registers/define.js';
import * as virtio from '../../registers/virtio.js';
import type { DriverOptions } from '../driver.js';
import { type DmaSet, LEAST_MTU, mtuOf, ringSizes } from '../ring.js';
import { VirtioNetControl } from './control.js';
import { VirtQueue } from './queue.js';
import { VirtioNetRx } from './rx.js';
import { type Features, featureSet, has, type VirtioPci } from './transport.js';
import { VirtioNetTx } from './tx.js';

const { FEATURE, NET_FEATURE, NET_MAC, NET_MTU, NET_SPEED, NET_STATUS } = virtio;
const LEAST_RING = 16;
const LARGEST_RING = 1024;
const CONTROL_RING = 16;
/** Queues of the first pair (§5.1.2). */
export const RX_QUEUE = 0;
/** See {@link RX_QUEUE}. */
export const TX_QUEUE = 1;
const LARGEST_MTU = 65_000;
const SPEED_UNKNOWN = -1;

/** A device with its queues, not yet running. */
export interface Parts {
  readonly pci: VirtioPci;
  readonly features: Features;
  readonly queues: readonly VirtQueue[];
  readonly rx: VirtioNetRx;
  readonly tx: VirtioNetTx;
  readonly control: VirtioNetControl | undefined;
}

/** What this driver can use; offloads only when wanted. */
export function wanted(options: DriverOptions): Features {
  const checksum = options.checksum ?? true;
  const segmentation = checksum && (options.segmentation ?? true);
  const bits: number[] = [
    FEATURE.VERSION_1,
    FEATURE.EVENT_IDX,
    FEATURE.INDIRECT_DESC,
    FEATURE.ACCESS_PLATFORM,
    NET_FEATURE.MAC,
    NET_FEATURE.MTU,
    NET_FEATURE.STATUS,
    NET_FEATURE.MRG_RXBUF,
    NET_FEATURE.SPEED_DUPLEX,
    NET_FEATURE.CTRL_VQ,
    NET_FEATURE.CTRL_RX,
    NET_FEATURE.CTRL_MAC_ADDR,
    NET_FEATURE.GUEST_ANNOUNCE,
  ];
  if (checksum) bits.push(NET_FEATURE.CSUM, NET_FEATURE.GUEST_CSUM);
  if (segmentation) bits.push(NET_FEATURE.HOST_TSO4, NET_FEATURE.HOST_TSO6);
  return featureSet(bits);
}

/** Queues with their buffers, laid out but not enabled. */
export function build(
  pci: VirtioPci,
  features: Features,
  set: DmaSet,
  mtu: number,
  options: DriverOptions,
  name: string,
): Parts {
  const events = has(features, FEATURE.EVENT_IDX);
  const sizes = ringSizes(options, LEAST_RING, LARGEST_RING);
  const rxQueue = new VirtQueue(pci, set, RX_QUEUE, sizes.rx, events, name);
  const txQueue = new VirtQueue(pci, set, TX_QUEUE, sizes.tx, events, name);
  const queues = [rxQueue, txQueue];
  const merge = has(features, NET_FEATURE.MRG_RXBUF);
  const rx = new VirtioNetRx(rxQueue, set, mtu, merge, has(features, NET_FEATURE.GUEST_CSUM));
  const segments = has(features, NET_FEATURE.HOST_TSO4);
  const tx = new VirtioNetTx(txQueue, set, mtu, segments, has(features, FEATURE.INDIRECT_DESC));
  let control: VirtioNetControl | undefined;
  // The control queue is the last one: with a single pair of queues, number 2 (§5.1.2).
  if (has(features, NET_FEATURE.CTRL_VQ) && has(features, NET_FEATURE.CTRL_RX)) {
    const queue = new VirtQueue(pci, set, 2, CONTROL_RING, events, name);
    queues.push(queue);
    control = new VirtioNetControl(queue, set);
  }
  return { pci, features, queues, rx, tx, control };
}

/** The station address; without one, a locally administered one from the function's place (§5.1.5). */
export function readMac(fn: PciFunction, pci: VirtioPci, features: Features): Uint8Array {
  const own = Uint8Array.of(0x02, 0, 0, 0, fn.address >> 8, fn.address & 0xff);
  if (!has(features, NET_FEATURE.MAC)) return own;
  const read = (io: Mmio): Uint8Array =>
    Uint8Array.from({ length: NET_MAC[meta].count }, (_, i) => io.read8(at(NET_MAC, i)));
  const mac = pci.stable(read) ?? own;
  return (mac[0]! & 1) === 0 ? mac : own;
}

/** The MTU: what was wished, at most what the device says. */
export function readMtu(pci: VirtioPci, features: Features, options: DriverOptions): number {
  const wish = mtuOf(options, LARGEST_MTU);
  if (!has(features, NET_FEATURE.MTU)) return wish;
  const theirs = pci.stable((io) => readReg(io, NET_MTU)) ?? wish;
  // A device that says less is not believed (§5.1.4.1).
  return theirs < LEAST_MTU ? wish : Math.min(wish, theirs);
}

/** The link, and whether the device wants to be announced. */
export function readLink(pci: VirtioPci, features: Features): { up: boolean; speed: number; announce: boolean } {
  // Without STATUS the link is always up (§5.1.4).
  const status = has(features, NET_FEATURE.STATUS)
    ? (pci.stable((io) => readReg(io, NET_STATUS)) ?? NET_STATUS.LINK_UP)
    : NET_STATUS.LINK_UP;
  let speed = 0;
  if (has(features, NET_FEATURE.SPEED_DUPLEX)) {
    const known = pci.stable((io) => readReg(io, NET_SPEED)) ?? SPEED_UNKNOWN;
    if (known !== SPEED_UNKNOWN && known > 0) speed = known;
  }
  return { up: (status & NET_STATUS.LINK_UP) !== 0, speed, announce: (status & NET_STATUS.ANNOUNCE) !== 0 };
}
