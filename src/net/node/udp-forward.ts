/** Datagrams of guests to an address and port, led to a socket of this host and back: one host socket for each sender. */
import { createSocket, type Socket } from 'node:dgram';
import type { Micros } from '../../platform/clock.js';
import type { UdpSocket } from '../../stack/socket/udp.js';
import type { AddressLike, IpAddress } from '../../stack/wire/address.js';
import type { App, NetLoop } from '../loop.js';
import type { End, WayOptions } from './forward.js';
import type { Turns } from './pipe.js';

/** Senders remembered at once; the one that was silent longest makes room. */
const FLOWS = 64;
const IDLE: Micros = 60_000_000;
/** Datagrams of one sender that wait for the host's name service or socket; beyond it they are lost. */
const WAITING = 32;
const PER_STEP = 64;
const LARGEST = 65_507;

interface Flow {
  readonly socket: Socket;
  readonly from: IpAddress;
  readonly port: number;
  last: Micros;
  connected: boolean;
  waiting: Uint8Array[];
  sending: number;
}

/** The way of datagrams. */
export class UdpForward implements App {
  /** Datagrams that went to the host, came back, and were lost. */
  readonly counts = { toHost: 0, fromHost: 0, lost: 0 };
  readonly #loop: NetLoop;
  readonly #turns: Turns;
  readonly #udp: UdpSocket;
  readonly #target: End;
  /** In the order of last use. */
  readonly #flows = new Map<string, Flow>();
  readonly #in = new Uint8Array(LARGEST);

  /** @throws RangeError when the port is taken */
  constructor(options: WayOptions, at: { address: AddressLike; port: number }, target: End) {
    this.#loop = options.loop;
    this.#turns = options.turns;
    this.#target = target;
    this.#udp = options.loop.stack.udp({ port: at.port, address: at.address, receiveBytes: 256 << 10 });
    this.#udp.onEvent = () => this.#loop.kick();
    this.#loop.add(this);
  }

  /** Senders remembered now. */
  get size(): number {
    return this.#flows.size;
  }

  nextDeadline(): Micros {
    const oldest = this.#flows.values().next();
    return oldest.done ? Number.POSITIVE_INFINITY : oldest.value.last + IDLE;
  }

  step(now: Micros): boolean {
    let count = 0;
    for (; count < PER_STEP && this.#udp.readable; count++) {
      const bytes = this.#udp.receive(this.#in);
      this.#send(this.#flow(now), this.#in.slice(0, bytes));
    }
    for (const [key, flow] of this.#flows) {
      if (flow.last + IDLE > now) break;
      this.#drop(key, flow);
    }
    return count > 0;
  }

  /** Ends all. */
  close(): void {
    this.#loop.remove(this);
    this.#udp.close();
    for (const [key, flow] of this.#flows) this.#drop(key, flow);
  }

  #drop(key: string, flow: Flow): void {
    this.#flows.delete(key);
    flow.socket.close();
  }

  #flow(now: Micros): Flow {
    const { from, fromPort } = this.#udp;
    const key = `${from}:${fromPort}`;
    let flow = this.#flows.get(key);
    if (flow !== undefined) this.#flows.delete(key);
    else {
      const oldest = this.#flows.entries().next();
      if (this.#flows.size >= FLOWS && !oldest.done) this.#drop(...oldest.value);
      flow = this.#open(from.clone(), fromPort);
    }
    flow.last = now;
    this.#flows.set(key, flow);
    return flow;
  }

  #open(from: IpAddress, port: number): Flow {
    const socket = createSocket('udp4');
    const flow: Flow = { socket, from, port, last: 0, connected: false, waiting: [], sending: 0 };
    // Connected, so that only the target's datagrams come in. A target that refuses is as silent as the network.
    socket.on('error', () => undefined);
    socket.on('connect', () => {
      flow.connected = true;
      for (const bytes of flow.waiting.splice(0)) this.#send(flow, bytes);
    });
    socket.on('message', (bytes) => {
      this.#turns.enter();
      flow.last = this.#loop.stack.now;
      if (this.#udp.send(flow.from, flow.port, bytes)) this.counts.fromHost++;
      else this.counts.lost++;
      this.#loop.kick();
      this.#turns.kick();
    });
    socket.connect(this.#target.port, this.#target.host);
    return flow;
  }

  #send(flow: Flow, bytes: Uint8Array): void {
    if (!flow.connected) {
      if (flow.waiting.length < WAITING) flow.waiting.push(bytes);
      else this.counts.lost++;
      return;
    }
    if (flow.sending >= WAITING) {
      this.counts.lost++;
      return;
    }
    flow.sending++;
    flow.socket.send(bytes, (error) => {
      flow.sending--;
      if (error) this.counts.lost++;
      else this.counts.toHost++;
    });
  }
}
