/**
 * One connection of the vfio-user protocol, apart from its transport: {@link VfioUserSession.handle} takes a message and
 * says what to answer. Every message may be hostile: lengths, indexes and counts are checked before they are used, and
 * one message does a bounded amount of work.
 */
import { closeSync } from 'node:fs';
import { ERRNO, type Libc } from '../native/libc.js';
import { DmaTable } from './dma-table.js';
import { IrqTable } from './irqs.js';
import {
  Command,
  DeviceFlag,
  DmaFlag,
  HEADER_BYTES,
  HeaderFlag,
  Irq,
  IrqFlag,
  MAX_DMA_REGIONS,
  MAX_MESSAGE,
  MAX_MESSAGE_FDS,
  MAX_MULTI_WRITES,
  MAX_TRANSFER,
  Region,
  RegionFlag,
} from './protocol.js';

/** What a session serves: a PCI device as regions of bytes. Accesses are 8, 16 or 32 bits wide, naturally aligned, inside. */
export interface VfioDevice {
  /** Size of a region in bytes; 0 when it does not exist. */
  regionBytes(region: number): number;
  read(region: number, at: number, width: number): number;
  write(region: number, at: number, width: number, value: number): void;
  /** DEVICE_RESET: the machine's reset. */
  reset(): void;
  /** Vectors per interrupt index (INTx, MSI, MSI-X, error, request). */
  readonly irqCounts: readonly number[];
}

/** A message that cannot be answered: the connection is closed with this reason. */
export class ProtocolError extends Error {
  constructor(message: string) {
    super(`vfio-user: ${message}`);
    this.name = 'ProtocolError';
  }
}

/** Places in fixed request bodies, from the start of the message. */
const BODY = HEADER_BYTES;
const ACCESS_BYTES = 16;
const MULTI_ENTRY = 24;

/** One connection's state. */
export class VfioUserSession {
  /** The answer of the last {@link VfioUserSession.handle}; valid until the next. */
  readonly out: Uint8Array = new Uint8Array(new ArrayBuffer(MAX_MESSAGE));
  readonly dma: DmaTable;
  readonly irqs: IrqTable;
  readonly #device: VfioDevice;
  readonly #outView: DataView;
  #greeted = false;

  /** @param onUnshared told (once) when DMA meets guest memory that came without a descriptor */
  constructor(libc: Libc, device: VfioDevice, onUnshared: (address: number) => void) {
    let told = false;
    this.dma = new DmaTable(libc, (address) => {
      if (!told) onUnshared(address);
      told = true;
    });
    this.irqs = new IrqTable(libc, device.irqCounts);
    this.#device = device;
    this.#outView = new DataView(this.out.buffer);
  }

  /**
   * Serves one whole message. Descriptors in `fds` are taken over.
   * @returns bytes of the answer in {@link VfioUserSession.out}; 0 when there is none
   * @throws ProtocolError when the peer no longer makes sense
   */
  handle(message: Uint8Array, view: DataView, bytes: number, fds: number[]): number {
    let keepsFds = false;
    try {
      const command = view.getUint16(2, true);
      const flags = view.getUint32(8, true);
      if ((flags & HeaderFlag.typeMask) !== HeaderFlag.command)
        throw new ProtocolError(`a reply (command ${command}) came without a question`);
      if (!this.#greeted && command !== Command.version) throw new ProtocolError(`command ${command} before VERSION`);
      keepsFds = command === Command.dmaMap || command === Command.setIrqs;
      const answer = this.#serve(command, message, view, bytes, fds);
      if ((flags & HeaderFlag.noReply) !== 0) return 0;
      return this.#answer(view.getUint16(0, true), command, answer);
    } finally {
      if (!keepsFds) for (const fd of fds) closeSync(fd);
      this.irqs.deliver();
    }
  }

  /** The connection ended: memory, descriptors and interrupts are gone. */
  close(): void {
    this.dma.clear();
    this.irqs.clear();
  }

  /** Writes the header; `answer` is the body's length, or minus errno. */
  #answer(id: number, command: number, answer: number): number {
    const out = this.#outView;
    const size = HEADER_BYTES + Math.max(0, answer);
    out.setUint16(0, id, true);
    out.setUint16(2, command, true);
    out.setUint32(4, size, true);
    out.setUint32(8, answer < 0 ? HeaderFlag.reply | HeaderFlag.error : HeaderFlag.reply, true);
    out.setUint32(12, answer < 0 ? -answer : 0, true);
    return size;
  }

  /** Length of the answer's body, or minus errno. */
  #serve(command: number, message: Uint8Array, view: DataView, bytes: number, fds: number[]): number {
    switch (command) {
      case Command.regionRead:
        return this.#regionRead(view, bytes);
      case Command.regionWrite:
        return this.#regionWrite(message, view, bytes);
      case Command.regionWriteMulti:
        return this.#writeMulti(message, view, bytes);
      case Command.version:
        return this.#version(message, view, bytes);
      case Command.dmaMap:
        return this.#dmaMap(view, bytes, fds);
      case Command.dmaUnmap:
        return this.#dmaUnmap(message, view, bytes);
      case Command.getInfo:
        return this.#getInfo(bytes);
      case Command.getRegionInfo:
        return this.#getRegionInfo(view, bytes);
      case Command.getIrqInfo:
        return this.#getIrqInfo(view, bytes);
      case Command.setIrqs:
        return this.#setIrqs(message, view, bytes, fds);
      case Command.reset:
        this.#device.reset();
        return 0;
      default:
        return -ERRNO.ENOTSUP;
    }
  }

  #version(message: Uint8Array, view: DataView, bytes: number): number {
    if (bytes < BODY + 4) throw new ProtocolError('VERSION is too short');
    const major = view.getUint16(BODY, true);
    if (major !== 0) throw new ProtocolError(`protocol version ${major}.${view.getUint16(BODY + 2, true)} is not 0.x`);
    if (this.#greeted) throw new ProtocolError('VERSION came twice');
    if (bytes > BODY + 4) {
      const text = new TextDecoder().decode(message.subarray(BODY + 4, bytes)).replace(/\0+$/, '');
      try {
        JSON.parse(text);
      } catch {
        throw new ProtocolError('the capabilities in VERSION are not JSON');
      }
    }
    this.#greeted = true;
    const capabilities = {
      max_msg_fds: MAX_MESSAGE_FDS,
      max_data_xfer_size: MAX_TRANSFER,
      pgsizes: 4096,
      max_dma_maps: MAX_DMA_REGIONS,
      write_multiple: true,
    };
    const json = new TextEncoder().encode(`${JSON.stringify({ capabilities })}\0`);
    this.#outView.setUint16(BODY, 0, true);
    this.#outView.setUint16(BODY + 2, 0, true);
    this.out.set(json, BODY + 4);
    return 4 + json.length;
  }

  #dmaMap(view: DataView, bytes: number, fds: number[]): number {
    const fd = fds[0];
    const refuse = (): number => {
      for (const each of fds) closeSync(each);
      return -ERRNO.EINVAL;
    };
    if (bytes < BODY + 32 || fds.length > 1) return refuse();
    const flags = view.getUint32(BODY + 4, true);
    const offset = wide(view, BODY + 8);
    const address = wide(view, BODY + 16);
    const size = wide(view, BODY + 24);
    if (offset < 0 || address < 0 || size < 0) return refuse();
    return -this.dma.map(
      address,
      size,
      { read: (flags & DmaFlag.read) !== 0, write: (flags & DmaFlag.write) !== 0 },
      fd,
      offset,
    );
  }

  #dmaUnmap(message: Uint8Array, view: DataView, bytes: number): number {
    if (bytes < BODY + 24) return -ERRNO.EINVAL;
    const address = wide(view, BODY + 8);
    const size = wide(view, BODY + 16);
    if ((view.getUint32(BODY + 4, true) & DmaFlag.unmapAll) !== 0) {
      this.dma.clear();
    } else {
      if (address < 0 || size <= 0) return -ERRNO.EINVAL;
      const errno = this.dma.unmap(address, size);
      if (errno !== 0) return -errno;
    }
    for (let i = 0; i < 24; i++) this.out[BODY + i] = message[BODY + i]!;
    return 24;
  }

  #getInfo(bytes: number): number {
    if (bytes < BODY + 4) return -ERRNO.EINVAL;
    const out = this.#outView;
    out.setUint32(BODY, 16, true);
    out.setUint32(BODY + 4, DeviceFlag.reset | DeviceFlag.pci, true);
    out.setUint32(BODY + 8, Region.count, true);
    out.setUint32(BODY + 12, Irq.count, true);
    return 16;
  }

  #getRegionInfo(view: DataView, bytes: number): number {
    if (bytes < BODY + 32) return -ERRNO.EINVAL;
    const region = view.getUint32(BODY + 8, true);
    if (region >= Region.count) return -ERRNO.EINVAL;
    const size = this.#device.regionBytes(region);
    const out = this.#outView;
    out.setUint32(BODY, 32, true);
    out.setUint32(
      BODY + 4,
      size === 0 ? 0 : region === Region.rom ? RegionFlag.read : RegionFlag.read | RegionFlag.write,
      true,
    );
    out.setUint32(BODY + 8, region, true);
    out.setUint32(BODY + 12, 0, true);
    out.setUint32(BODY + 16, size >>> 0, true);
    out.setUint32(BODY + 20, Math.floor(size / 2 ** 32), true);
    out.setUint32(BODY + 24, 0, true);
    out.setUint32(BODY + 28, 0, true);
    return 32;
  }

  #getIrqInfo(view: DataView, bytes: number): number {
    if (bytes < BODY + 16) return -ERRNO.EINVAL;
    const index = view.getUint32(BODY + 8, true);
    if (index >= Irq.count) return -ERRNO.EINVAL;
    const out = this.#outView;
    const flags =
      index === Irq.intx ? IrqFlag.eventfd | IrqFlag.maskable | IrqFlag.autoMasked : IrqFlag.eventfd | IrqFlag.noResize;
    out.setUint32(BODY, 16, true);
    out.setUint32(BODY + 4, flags, true);
    out.setUint32(BODY + 8, index, true);
    out.setUint32(BODY + 12, this.irqs.count(index), true);
    return 16;
  }

  #setIrqs(message: Uint8Array, view: DataView, bytes: number, fds: number[]): number {
    if (bytes < BODY + 20) {
      for (const fd of fds) closeSync(fd);
      return -ERRNO.EINVAL;
    }
    const flags = view.getUint32(BODY + 4, true);
    const index = view.getUint32(BODY + 8, true);
    const start = view.getUint32(BODY + 12, true);
    const count = view.getUint32(BODY + 16, true);
    return -this.irqs.set(flags, index, start, count, fds, message.subarray(BODY + 20, bytes));
  }

  /** Checks offset, region and count of an access; minus errno, or 0. */
  #check(at: number, region: number, count: number): number {
    if (at < 0 || region >= Region.count || count === 0 || count > MAX_TRANSFER) return -ERRNO.EINVAL;
    return at + count <= this.#device.regionBytes(region) ? 0 : -ERRNO.EINVAL;
  }

  #regionRead(view: DataView, bytes: number): number {
    if (bytes < BODY + ACCESS_BYTES) return -ERRNO.EINVAL;
    const at = wide(view, BODY);
    const region = view.getUint32(BODY + 8, true);
    const count = view.getUint32(BODY + 12, true);
    const refused = this.#check(at, region, count);
    if (refused !== 0) return refused;
    // Only configuration space and ROM are read in bulk; a register access is at most 8 bytes wide.
    if (region < Region.rom && count > 8) return -ERRNO.EINVAL;
    const out = this.#outView;
    for (let i = 0; i < ACCESS_BYTES; i += 4) out.setUint32(BODY + i, view.getUint32(BODY + i, true), true);
    const data = BODY + ACCESS_BYTES;
    for (let done = 0; done < count; ) {
      const width = widthAt(at + done, count - done);
      const value = this.#device.read(region, at + done, width);
      if (width === 32) out.setInt32(data + done, value, true);
      else if (width === 16) out.setUint16(data + done, value, true);
      else out.setUint8(data + done, value);
      done += width >> 3;
    }
    return ACCESS_BYTES + count;
  }

  #regionWrite(message: Uint8Array, view: DataView, bytes: number): number {
    if (bytes < BODY + ACCESS_BYTES) return -ERRNO.EINVAL;
    const count = view.getUint32(BODY + 12, true);
    if (bytes < BODY + ACCESS_BYTES + count) return -ERRNO.EINVAL;
    const errno = this.#write(view, BODY, BODY + ACCESS_BYTES);
    if (errno !== 0) return errno;
    for (let i = 0; i < ACCESS_BYTES; i++) this.out[BODY + i] = message[BODY + i]!;
    return ACCESS_BYTES;
  }

  #writeMulti(message: Uint8Array, view: DataView, bytes: number): number {
    if (bytes < BODY + 8) return -ERRNO.EINVAL;
    const count = wide(view, BODY);
    if (count < 0 || count > MAX_MULTI_WRITES || bytes < BODY + 8 + count * MULTI_ENTRY) return -ERRNO.EINVAL;
    for (let i = 0; i < count; i++) {
      const entry = BODY + 8 + i * MULTI_ENTRY;
      if (view.getUint32(entry + 12, true) > 8) return -ERRNO.EINVAL;
      const errno = this.#write(view, entry, entry + ACCESS_BYTES);
      if (errno !== 0) return errno;
    }
    for (let i = 0; i < 8; i++) this.out[BODY + i] = message[BODY + i]!;
    return 8;
  }

  /** One write whose place is described at `entry` and whose data lie at `data`; minus errno, or 0. */
  #write(view: DataView, entry: number, data: number): number {
    const at = wide(view, entry);
    const region = view.getUint32(entry + 8, true);
    const count = view.getUint32(entry + 12, true);
    const refused = this.#check(at, region, count);
    if (refused !== 0) return refused;
    if (count > 8 || region === Region.rom) return -ERRNO.EINVAL;
    for (let done = 0; done < count; ) {
      const width = widthAt(at + done, count - done);
      const value =
        width === 32
          ? view.getInt32(data + done, true)
          : width === 16
            ? view.getUint16(data + done, true)
            : view.getUint8(data + done);
      this.#device.write(region, at + done, width, value);
      done += width >> 3;
    }
    return 0;
  }
}

/** The widest aligned access that starts at `at` and fits into `left` bytes. */
function widthAt(at: number, left: number): number {
  if (left >= 4 && at % 4 === 0) return 32;
  if (left >= 2 && at % 2 === 0) return 16;
  return 8;
}

/** A 64-bit field as a number, or -1 when it is 2^53 or more. */
function wide(view: DataView, at: number): number {
  const high = view.getUint32(at + 4, true);
  return high > 0x1fffff ? -1 : high * 0x1_0000_0000 + view.getUint32(at, true);
}
