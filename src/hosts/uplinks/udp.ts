/** Frames as UDP datagrams, one each, as QEMU's `-netdev dgram` and `-netdev socket,udp=` speak it. */
import { createSocket } from 'node:dgram';
import { FRAME_AT, MAX_FRAME, type Uplink, UplinkCore, type UplinkOptions } from './uplink.js';

/** Datagrams that may wait in this process; beyond it frames are dropped. */
const MAX_WAITING = 1024;

/** Both ends of the datagrams. */
export interface UdpOptions extends UplinkOptions {
  /** Address to bind; default 127.0.0.1. */
  readonly localAddress?: string;
  /** Port to bind; 0 (default): any free one. */
  readonly localPort?: number;
  /** Where frames go; undefined: to whoever sent last. */
  readonly peer?: { readonly address: string; readonly port: number };
}

/** An uplink over UDP; see {@link openUdp}. */
export interface UdpUplink extends Uplink {
  /** The port that was bound. */
  readonly localPort: number;
}

/** Opens a UDP uplink; resolves when it is bound. @throws Error of the socket */
export async function openUdp(options: UdpOptions): Promise<UdpUplink> {
  const socket = createSocket('udp4');
  let peer = options.peer;
  let waiting = 0;
  const core = new UplinkCore(options.name ?? 'udp', options.time, (arena, offset, length) => {
    if (!peer || waiting >= MAX_WAITING || length > MAX_FRAME) return false;
    waiting++;
    // The bytes are the sender's again when this returns.
    socket.send(arena.u8.slice(offset, offset + length), peer.port, peer.address, () => {
      waiting--;
    });
    return true;
  });
  socket.on('message', (data, from) => {
    if (options.peer === undefined) peer = from;
    else if (from.port !== options.peer.port || from.address !== options.peer.address) return;
    core.begin();
    if (data.length <= MAX_FRAME) core.inbox.u8.set(data, FRAME_AT);
    core.incoming(data.length);
    core.end();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(options.localPort ?? 0, options.localAddress ?? '127.0.0.1', () => {
      socket.off('error', reject);
      // A refused datagram (ICMP) is the peer's absence, not an error of this side.
      socket.on('error', () => undefined);
      resolve();
    });
  });
  return {
    port: core.port,
    counters: core.counters,
    localPort: socket.address().port,
    close: () =>
      new Promise((resolve) => {
        core.port.offer(undefined);
        socket.close(() => resolve());
      }),
  };
}
