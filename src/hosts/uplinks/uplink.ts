/** What all uplinks share: a port of our world whose other side is a socket or a TAP device of this machine. */

import { type FrameFate, type LinkFrame, LinkPort, MULTIGIG } from '../../link/port.js';
import { type Arena, arenaOver } from '../../platform/arena.js';
import type { RealTime } from '../native/real-time.js';

/** Frames that passed an uplink. */
export interface UplinkCounters {
  /** Sent into the outer world. */
  sent: number;
  /** Came from the outer world and were put on the medium. */
  received: number;
  /** Not sent: the outer side is not there or does not keep up. */
  sendDropped: number;
  /** Not put on the medium: no carrier, or of impossible length. */
  receiveDropped: number;
}

/** An end of a cable that continues outside this process. */
export interface Uplink {
  /** Plug the cable in here. */
  readonly port: LinkPort;
  readonly counters: UplinkCounters;
  close(): Promise<void>;
}

/** Common to all uplinks. */
export interface UplinkOptions {
  /** The clock of the machines behind the port: it is read before and kicked after each batch of frames. */
  readonly time: RealTime;
  /** Name of the port in captures; default says the kind. */
  readonly name?: string;
}

/** Ethernet's limits without FCS: what is shorter is padded, as the sending MAC of a real medium does (802.3 §4.2.8). */
export const MIN_FRAME = 60;
/** Longest frame taken from outside: 9216 bytes of payload with header and tag. */
export const MAX_FRAME = 9216 + 18;
/** Offset of a frame in the inbox: 2 modulo 4, with room for a length before it. */
export const FRAME_AT = 6;

/** The port and what is done with frames in both directions; outer sides build on it. */
export class UplinkCore {
  readonly port: LinkPort;
  readonly counters: UplinkCounters = { sent: 0, received: 0, sendDropped: 0, receiveDropped: 0 };
  readonly #time: RealTime;
  readonly #frame: LinkFrame;
  /** Where a frame from outside is put for {@link UplinkCore.incoming}, from `FRAME_AT` on. Its memory never moves. */
  readonly inbox: Arena = arenaOver(new ArrayBuffer(FRAME_AT + MAX_FRAME + 2));

  /** @param send hands a frame to the outer side during the call; false when it has no room */
  constructor(name: string, time: RealTime, send: (arena: Arena, offset: number, length: number) => boolean) {
    this.#time = time;
    this.#frame = { arena: this.inbox, offset: FRAME_AT, length: 0, fcsOk: true };
    this.port = new LinkPort(name);
    this.port.receive = (frame): FrameFate => {
      if (!frame.fcsOk) return 'bad-fcs';
      if (send(frame.arena, frame.offset, frame.length)) {
        this.counters.sent++;
        return 'delivered';
      }
      this.counters.sendDropped++;
      return 'fifo-full';
    };
    this.port.offer(MULTIGIG);
  }

  /** Before a batch of {@link UplinkCore.incoming}. */
  begin(): void {
    this.#time.enter();
  }

  /** A frame of `length` bytes from outside lies in {@link UplinkCore.inbox}. */
  incoming(length: number): void {
    const frame = this.#frame;
    if (length < 14 || length > MAX_FRAME) {
      this.counters.receiveDropped++;
      return;
    }
    if (length < MIN_FRAME) this.inbox.u8.fill(0, FRAME_AT + length, FRAME_AT + MIN_FRAME);
    frame.length = Math.max(length, MIN_FRAME);
    frame.fcsOk = true;
    if (this.port.transmit(frame)) this.counters.received++;
    else this.counters.receiveDropped++;
  }

  /** After a batch. */
  end(): void {
    this.#time.kick();
  }
}
