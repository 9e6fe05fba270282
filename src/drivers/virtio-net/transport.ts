/** virtio over PCI: capabilities, the common structure, feature bits, reset (virtio 1.2 §4.1, §3.1). */

import type { PciFunction } from '../../pci/function.js';
import { NicError } from '../../platform/errors.js';
import type { Mmio } from '../../platform/mmio.js';
import { readReg, type Task, until, writeReg } from '../../platform/task.js';
import * as pci from '../../registers/pci.js';
import * as virtio from '../../registers/virtio.js';

const { CONFIG_GENERATION, CONFIG_MSIX_VECTOR, DEVICE_FEATURE, DEVICE_FEATURE_SELECT, DEVICE_STATUS } = virtio;
const { DRIVER_FEATURE, DRIVER_FEATURE_SELECT, QUEUE_MSIX_VECTOR, QUEUE_SELECT } = virtio;
const { VIRTIO_CAP_BAR, VIRTIO_CAP_LEN, VIRTIO_CAP_LENGTH, VIRTIO_CAP_OFFSET, VIRTIO_CFG_TYPE, VIRTIO_NOTIFY_MULT } =
  virtio;
const TYPE = { common: 1, notify: 2, isr: 3, device: 4 } as const;
/** Bytes of the common structure and of a capability that must be there. */
const COMMON_BYTES = virtio.commonMap.bytes;
const CAP_BYTES = 16;
const NOTIFY_CAP_BYTES = 20;
const RESET_US = 100_000;
/** "No vector" in both vector registers. */
export const NO_VECTOR = 0xffff;
/** Tries to read a configuration that does not change meanwhile. */
const STABLE_TRIES = 8;

/** A piece of a BAR as an address space of its own. */
class Window implements Mmio {
  readonly bytes: number;
  readonly #io: Mmio;
  readonly #at: number;

  constructor(io: Mmio, at: number, bytes: number) {
    this.#io = io;
    this.#at = at;
    this.bytes = bytes;
  }

  read8(at: number): number {
    return this.#io.read8(this.#at + at);
  }
  read16(at: number): number {
    return this.#io.read16(this.#at + at);
  }
  read32(at: number): number {
    return this.#io.read32(this.#at + at);
  }
  write8(at: number, value: number): void {
    this.#io.write8(this.#at + at, value);
  }
  write16(at: number, value: number): void {
    this.#io.write16(this.#at + at, value);
  }
  write32(at: number, value: number): void {
    this.#io.write32(this.#at + at, value);
  }
}

/** A set of feature bits, 64 of them, in two words. */
export interface Features {
  readonly low: number;
  readonly high: number;
}

/** Whether a bit (its number, §6) is set. */
export function has(features: Features, bit: number): boolean {
  return ((bit < 32 ? features.low >>> bit : features.high >>> (bit - 32)) & 1) !== 0;
}

/** A set of these bits. */
export function featureSet(bits: readonly number[]): Features {
  let low = 0;
  let high = 0;
  for (const bit of bits) {
    if (bit < 32) low |= 1 << bit;
    else high |= 1 << (bit - 32);
  }
  return { low, high };
}

/** The four structures of a modern virtio function, mapped. */
export class VirtioPci {
  readonly common: Mmio;
  readonly isr: Mmio;
  readonly notify: Mmio;
  /** Undefined when the device has no configuration. */
  readonly device: Mmio | undefined;
  readonly notifyMultiplier: number;

  /** @throws NicError `unsupported` without the modern capabilities, `bad-device` when one leaves its BAR */
  constructor(fn: PciFunction) {
    const bars = new Map<number, Mmio>();
    const find = (type: number, name: string, least: number): { io: Mmio; at: number } | undefined => {
      // The first usable one of a type counts (§4.1.4): a device lists them in its order of preference.
      for (const capability of fn.capabilities) {
        const { at, id, extended } = capability;
        if (extended || id !== pci.CAP.VENDOR || fn.read8(at + VIRTIO_CFG_TYPE.at) !== type) continue;
        const bar = fn.read8(at + VIRTIO_CAP_BAR.at);
        if (fn.read8(at + VIRTIO_CAP_LEN.at) < CAP_BYTES || bar > 5) continue;
        if (fn.bar(bar) === undefined || fn.bar(bar)!.kind === 'io') continue;
        let io = bars.get(bar);
        if (!io) bars.set(bar, (io = fn.mapBar(bar)));
        const offset = fn.read32(at + VIRTIO_CAP_OFFSET.at) >>> 0;
        const length = fn.read32(at + VIRTIO_CAP_LENGTH.at) >>> 0;
        if (offset + length > io.bytes || length < least) {
          const message = `its ${name} structure (${length} bytes at 0x${offset.toString(16)}) leaves BAR${bar} or is too short`;
          throw new NicError('bad-device', message, { device: fn.name, ref: 'virtio 1.2 §4.1.4' });
        }
        return { io: new Window(io, offset, length), at };
      }
      return undefined;
    };
    const common = find(TYPE.common, 'common', COMMON_BYTES);
    const notify = find(TYPE.notify, 'notify', 2);
    const isr = find(TYPE.isr, 'ISR', 1);
    if (!common || !notify || !isr)
      throw new NicError('unsupported', 'it has no modern interface: common, notify or ISR capability is missing', {
        device: fn.name,
        ref: 'virtio 1.2 §4.1.4',
      });
    if (fn.read8(notify.at + VIRTIO_CAP_LEN.at) < NOTIFY_CAP_BYTES)
      throw new NicError('bad-device', 'its notify capability has no multiplier', {
        device: fn.name,
        ref: 'virtio 1.2 §4.1.4.4',
      });
    this.common = common.io;
    this.notify = notify.io;
    this.isr = isr.io;
    this.device = find(TYPE.device, 'device', 1)?.io;
    this.notifyMultiplier = fn.read32(notify.at + VIRTIO_NOTIFY_MULT.at) >>> 0;
  }

  /** Device status, or all ones when it is gone. */
  get status(): number {
    return readReg(this.common, DEVICE_STATUS);
  }

  /** Writes 0 and waits until it reads 0 (§2.4). @throws NicError `timeout`, `gone` */
  *reset(): Task<void> {
    writeReg(this.common, DEVICE_STATUS, 0);
    yield* until(this.common, DEVICE_STATUS, 0xff, 0, { within: RESET_US, ref: 'virtio 1.2 §4.1.4.3.2' });
  }

  /** Adds bits to the device status. */
  addStatus(bits: number): void {
    writeReg(this.common, DEVICE_STATUS, this.status | bits);
  }

  /** Everything the device offers. */
  offered(): Features {
    writeReg(this.common, DEVICE_FEATURE_SELECT, 0);
    const low = readReg(this.common, DEVICE_FEATURE);
    writeReg(this.common, DEVICE_FEATURE_SELECT, 1);
    return { low, high: readReg(this.common, DEVICE_FEATURE) };
  }

  /**
   * Acknowledges, settles features (what is wanted and offered) and returns them (§3.1.1, steps 2 to 6).
   * @throws NicError `unsupported` when VERSION_1 is missing or the device refuses the set
   */
  negotiate(wanted: Features, device: string): Features {
    this.addStatus(DEVICE_STATUS.ACKNOWLEDGE);
    this.addStatus(DEVICE_STATUS.DRIVER);
    const offered = this.offered();
    if (!has(offered, virtio.FEATURE.VERSION_1))
      throw new NicError('unsupported', 'the device does not offer VERSION_1', { device, ref: 'virtio 1.2 §6.1' });
    const settled = { low: offered.low & wanted.low, high: offered.high & wanted.high };
    writeReg(this.common, DRIVER_FEATURE_SELECT, 0);
    writeReg(this.common, DRIVER_FEATURE, settled.low);
    writeReg(this.common, DRIVER_FEATURE_SELECT, 1);
    writeReg(this.common, DRIVER_FEATURE, settled.high);
    this.addStatus(DEVICE_STATUS.FEATURES_OK);
    if ((this.status & DEVICE_STATUS.FEATURES_OK) === 0)
      throw new NicError('unsupported', 'the device refuses the features', {
        device,
        register: 'DEVICE_STATUS',
        value: this.status,
        ref: 'virtio 1.2 §3.1.1',
      });
    return settled;
  }

  /** Gives configuration changes a vector. @throws NicError `no-resource` when the device has none left */
  setConfigVector(vector: number, device: string): void {
    writeReg(this.common, CONFIG_MSIX_VECTOR, vector);
    if (readReg(this.common, CONFIG_MSIX_VECTOR) !== vector)
      throw new NicError('no-resource', 'no vector for configuration changes', {
        device,
        ref: 'virtio 1.2 §4.1.5.1.2',
      });
  }

  /** Gives a queue a vector. @throws NicError `no-resource` when the device has none left */
  setQueueVector(queue: number, vector: number, device: string): void {
    writeReg(this.common, QUEUE_SELECT, queue);
    writeReg(this.common, QUEUE_MSIX_VECTOR, vector);
    if (readReg(this.common, QUEUE_MSIX_VECTOR) !== vector)
      throw new NicError('no-resource', `no vector for queue ${queue}`, { device, ref: 'virtio 1.2 §4.1.5.1.2' });
  }

  /** Reads the device's configuration until it did not change meanwhile (§2.5.1); bounded. */
  stable<T>(read: (device: Mmio) => T): T | undefined {
    const { device } = this;
    if (!device) return undefined;
    let value = read(device);
    for (let i = 0; i < STABLE_TRIES; i++) {
      const before = readReg(this.common, CONFIG_GENERATION);
      value = read(device);
      if (readReg(this.common, CONFIG_GENERATION) === before) break;
    }
    return value;
  }
}
