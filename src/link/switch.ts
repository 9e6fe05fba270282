/** A learning Ethernet switch (802.1D §7, without spanning tree): store and forward, damaged frames are dropped. */
import { type FrameFate, GIGABIT, type LinkFrame, LinkPort } from './port.js';

const MAX_ADDRESSES = 4096;

/** A switch with as many ports as are asked for. Frames pass during the call that brings them. */
export class EthernetSwitch {
  readonly name: string;
  readonly ports: LinkPort[] = [];
  /** Address words to port; a Map of numbers: the upper 16 bits times 2^32 and the lower 32. */
  readonly #table = new Map<number, LinkPort>();
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
    port.offer(GIGABIT);
    port.receive = (frame) => this.#forward(port, frame);
    port.onPartner = (partner) => {
      if (partner === undefined) this.#forget(port);
    };
    this.ports.push(port);
    return port;
  }

  #forward(from: LinkPort, frame: LinkFrame): FrameFate {
    if (!frame.fcsOk) {
      this.badFcs++;
      return 'bad-fcs';
    }
    const { u8 } = frame.arena;
    const at = frame.offset;
    if ((u8[at + 6]! & 1) === 0 && this.#table.size < MAX_ADDRESSES) this.#table.set(key(u8, at + 6), from);
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
    const to = (u8[at]! & 1) === 0 ? this.#table.get(key(u8, at)) : undefined;
    if (to !== undefined) {
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

  #forget(port: LinkPort): void {
    for (const [address, owner] of this.#table) if (owner === port) this.#table.delete(address);
  }
}

function key(u8: Uint8Array, at: number): number {
  return (
    ((u8[at]! << 8) | u8[at + 1]!) * 0x1_0000_0000 +
    ((u8[at + 2]! << 24) | (u8[at + 3]! << 16) | (u8[at + 4]! << 8) | u8[at + 5]!)
  );
}
