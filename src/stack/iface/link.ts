/** The Ethernet side of the interface: reserving, heading and committing frames of one device. */
import type { OwnedArena } from '../../platform/arena.js';
import type { Micros } from '../../platform/clock.js';
import { Checksum, emptyFrame, type Frame, type PhyDevice } from '../../platform/phy.js';
import { copyBytes, set16 } from '../wire/bytes.js';
import { ETHERNET_BYTES, Ethernet, EtherType, VLAN_BYTES } from '../wire/ethernet.js';
import type { StackStatistics } from './statistics.js';

/** Frames out. Everything that leaves through the device passes here. */
export class Link {
  readonly device: PhyDevice | undefined;
  /** The frame being built. */
  readonly frame: Frame;
  /** Station address; zeros without a device. */
  readonly mac: Uint8Array;
  /** Largest IP packet. */
  readonly mtu: number;
  /** Bytes before the IP header: 14, or 18 when tags are written here. */
  headerBytes = ETHERNET_BYTES;
  /** 802.1Q identifier of 0 to 4094 that all frames carry, or -1 for untagged. */
  #vlan = -1;
  #dirty = false;
  /** The device refused a slot since {@link Link.blocked} was last cleared. */
  blocked = false;
  readonly #stats: StackStatistics;

  constructor(device: PhyDevice | undefined, stats: StackStatistics, arena: OwnedArena) {
    this.device = device;
    this.#stats = stats;
    this.frame = emptyFrame(arena);
    this.mac = device?.mac ?? new Uint8Array(6);
    this.mtu = device?.capabilities.mtu ?? 1500;
  }

  get vlan(): number {
    return this.#vlan;
  }

  set vlan(id: number) {
    this.#vlan = id;
    this.headerBytes = ETHERNET_BYTES + (id >= 0 && !this.#offloadsVlan ? VLAN_BYTES : 0);
  }

  get #offloadsVlan(): boolean {
    return this.device?.capabilities.vlan === true;
  }

  /** Makes room for a frame with `bytes` after the Ethernet header; false when the device has no slot or no link. */
  reserve(now: Micros, bytes: number): boolean {
    const frame = this.frame;
    if (this.device === undefined || !this.device.reserve(now, frame, this.headerBytes + bytes)) {
      this.blocked = true;
      this.#stats.deviceFull++;
      return false;
    }
    frame.length = this.headerBytes + bytes;
    frame.checksum = Checksum.none;
    frame.gsoSize = 0;
    return true;
  }

  /** Writes the Ethernet header (destination from `mac` at `at`) and hands the reserved frame over. */
  commit(mac: Uint8Array, at: number, type: number): void {
    const frame = this.frame;
    const u8 = frame.arena.u8;
    copyBytes(u8, frame.offset, mac, at, 6);
    copyBytes(u8, frame.offset + Ethernet.source, this.mac, 0, 6);
    let p = frame.offset + Ethernet.type;
    frame.vlan = -1;
    if (this.#vlan >= 0) {
      if (this.#offloadsVlan) frame.vlan = this.#vlan;
      else {
        set16(u8, p, EtherType.vlan);
        set16(u8, p + 2, this.#vlan);
        p += VLAN_BYTES;
      }
    }
    set16(u8, p, type);
    this.#stats.framesOut++;
    this.#stats.bytesOut += frame.length;
    this.device!.commit(frame);
    this.#dirty = true;
  }

  /** One doorbell for everything committed since the last call. */
  flush(now: Micros): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    this.device!.flush(now);
  }
}
