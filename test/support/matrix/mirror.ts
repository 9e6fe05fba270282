/**
 * A neighbour for what our gateway does not do: frames with VLAN tags and jumbo frames. It answers ARP for one address and
 * ICMP echo to it, tagged as it was asked.
 */
import { GIGABIT, type LinkFrame, LinkPort } from '../../../src/link/index.js';
import { OwnedArena } from '../../../src/platform/arena.js';

/** Address of the mirror: a network of its own, so that nothing else is routed there. */
export const MIRROR_ADDRESS = '10.9.9.1';
const IP = [10, 9, 9, 1];
/** Its station address. */
export const MIRROR_MAC = [0x52, 0x55, 0x0a, 0x09, 0x09, 0x01];
const MOST = 16_384;
const TAG_TYPE = 0x8100;
const ARP = 0x0806;
const IPV4 = 0x0800;

/** The neighbour. */
export class Mirror {
  readonly port = new LinkPort('mirror');
  /** VLAN tags of the questions answered; -1 without one. */
  readonly tags: number[] = [];
  readonly #frame: LinkFrame;
  readonly #bytes: Buffer;

  constructor() {
    const arena = new OwnedArena(2 * MOST);
    const at = arena.alloc(MOST);
    this.#bytes = Buffer.from(arena.u8.buffer, at, MOST);
    this.#frame = { arena, offset: at, length: 0, fcsOk: true };
    this.port.receive = (frame) => {
      if (frame.fcsOk && frame.length <= MOST) this.#take(frame);
      return 'delivered';
    };
    this.port.offer(GIGABIT);
  }

  #take(frame: LinkFrame): void {
    const bytes = this.#bytes;
    bytes.set(frame.arena.u8.subarray(frame.offset, frame.offset + frame.length));
    const tagged = bytes.readUInt16BE(12) === TAG_TYPE;
    const l3 = tagged ? 18 : 14;
    const type = bytes.readUInt16BE(l3 - 2);
    const answers = type === ARP ? this.#arp(l3) : type === IPV4 && this.#echo(l3);
    if (!answers) return;
    this.tags.push(tagged ? bytes.readUInt16BE(14) & 0xfff : -1);
    bytes.copy(bytes, 0, 6, 12);
    bytes.set(MIRROR_MAC, 6);
    this.#frame.length = frame.length;
    this.port.transmit(this.#frame);
  }

  /** RFC 826: a request for our address becomes the reply. */
  #arp(l3: number): boolean {
    const bytes = this.#bytes;
    const target = l3 + 24;
    if (bytes.readUInt16BE(l3 + 6) !== 1 || !IP.every((byte, i) => bytes[target + i] === byte)) return false;
    bytes.writeUInt16BE(2, l3 + 6);
    bytes.copy(bytes, l3 + 18, l3 + 8, l3 + 18);
    bytes.set(MIRROR_MAC, l3 + 8);
    bytes.set(IP, l3 + 14);
    return true;
  }

  /** RFC 792: an echo request becomes the reply; its type goes from 8 to 0, which moves the checksum by 0800h. */
  #echo(l3: number): boolean {
    const bytes = this.#bytes;
    const l4 = l3 + (bytes[l3]! & 0xf) * 4;
    if (bytes[l3 + 9] !== 1 || !IP.every((byte, i) => bytes[l3 + 16 + i] === byte) || bytes[l4] !== 8) return false;
    bytes.copy(bytes, l3 + 16, l3 + 12, l3 + 16);
    bytes.set(IP, l3 + 12);
    bytes[l4] = 0;
    const sum = bytes.readUInt16BE(l4 + 2) + 0x0800;
    bytes.writeUInt16BE((sum & 0xffff) + (sum >>> 16), l4 + 2);
    return true;
  }
}
