/** A learning Ethernet switch (802.1D §7, without spanning tree): store and forward, damaged frames are dropped. */
import { type FrameFate, type LinkFrame, LinkPort, MULTIGIG } from './port.js';

/** Places of the address table, a power of two. */
const PLACES = 8192;
/** Places looked at for one address: the table may be full of strangers, the work for a frame may not grow with them. */
const PROBES = 16;

/** A switch with as many ports as are asked for. Frames pass during the call that brings them. */
export class EthernetSwitch {
  readonly name: string;
  readonly ports: LinkPort[] = [];
  /** The address table, hashed: 16 and 32 bits of an address, and 1 + the number of its port (0: free, -1: given up). */
  readonly #high = new Uint16Array(PLACES);
  readonly #low = new Int32Array(PLACES);
  readonly #owner = new Int32Array(PLACES);
  /** Frames dropped because of a bad FCS. */
  badFcs = 0;
  forwarded = 0;
  flooded = 0;

  constructor(name = 'switch') {
    this.name = name;
  }

  /** A new port. */
  port(name = `${this.name} port ${this.ports.length + 1}`): LinkPort {
    const port = new LinkPort(name);
    port.offer(MULTIGIG);
    const number = this.ports.length;
    port.receive = (frame) => this.#forward(port, number, frame);
    port.onPartner = (partner) => {
      if (partner === undefined) this.#forget(number);
    };
    this.ports.push(port);
    return port;
  }

  #forward(from: LinkPort, number: number, frame: LinkFrame): FrameFate {
    if (!frame.fcsOk) {
      this.badFcs++;
      return 'bad-fcs';
    }
    const { u8 } = frame.arena;
    const at = frame.offset;
    if ((u8[at + 6]! & 1) === 0) this.#learn(u8, at + 6, number);
    // 01-80-C2-00-00-00 to -0F stay on their link (802.1D §7.12.6): PAUSE is one of them.
    if (
      u8[at] === 0x01 &&
      u8[at + 1] === 0x80 &&
      u8[at + 2] === 0xc2 &&
      u8[at + 3] === 0 &&
      u8[at + 4] === 0 &&
      u8[at + 5]! < 16
    )
      return 'pause-frame';
    const place = (u8[at]! & 1) === 0 ? this.#find(u8, at) : -1;
    if (place >= 0) {
      const to = this.ports[this.#owner[place]! - 1]!;
      this.forwarded++;
      if (to !== from) to.transmit(frame);
      return 'delivered';
    }
    this.flooded++;
    for (let i = 0; i < this.ports.length; i++) {
      const port = this.ports[i]!;
      if (port !== from) port.transmit(frame);
    }
    return 'delivered';
  }

  /** Place of the address at `at`, or -1. */
  #find(u8: Uint8Array, at: number): number {
    const high = (u8[at]! << 8) | u8[at + 1]!;
    const low = (u8[at + 2]! << 24) | (u8[at + 3]! << 16) | (u8[at + 4]! << 8) | u8[at + 5]!;
    let place = hash(high, low);
    for (let i = 0; i < PROBES && this.#owner[place] !== 0; i++) {
      if (this.#low[place] === low && this.#high[place] === high && this.#owner[place]! > 0) return place;
      place = (place + 1) & (PLACES - 1);
    }
    return -1;
  }

  /** Notes behind which port the address at `at` is. One that finds no place is flooded to. */
  #learn(u8: Uint8Array, at: number, number: number): void {
    const known = this.#find(u8, at);
    if (known >= 0) {
      this.#owner[known] = number + 1;
      return;
    }
    const high = (u8[at]! << 8) | u8[at + 1]!;
    const low = (u8[at + 2]! << 24) | (u8[at + 3]! << 16) | (u8[at + 4]! << 8) | u8[at + 5]!;
    let place = hash(high, low);
    for (let i = 0; i < PROBES; i++) {
      if (this.#owner[place]! <= 0) {
        this.#high[place] = high;
        this.#low[place] = low;
        this.#owner[place] = number + 1;
        return;
      }
      place = (place + 1) & (PLACES - 1);
    }
  }

  #forget(number: number): void {
    for (let place = 0; place < PLACES; place++) if (this.#owner[place] === number + 1) this.#owner[place] = -1;
  }
}

/** Fibonacci hashing of an address. */
function hash(high: number, low: number): number {
  return Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1) >>> 19;
}
