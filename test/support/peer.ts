/** What stands behind the cable of a guest's NIC: our gateway, or slirp with a server on this machine's loopback. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { RealTime } from '../../src/hosts/native/real-time.js';
import { openStream } from '../../src/hosts/uplinks/index.js';
import { Gateway } from '../../src/lab/gateway.js';
import { Cable, type LinkPort } from '../../src/link/index.js';
import { writeStream } from '../../src/net/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { Random } from '../../src/platform/random.js';
import type { Pieces } from './fetch.js';
import { serveBytes } from './http.js';
import { startQemu } from './qemu.js';

/** A network that gives leases from 10.0.2.15 up, is 10.0.2.2 itself, and serves one body over HTTP. */
export interface Peer {
  /** Connects a NIC; the cable can be pulled. */
  plug(port: LinkPort): Cable;
  /** Where the body is. */
  readonly url: string;
  /** The body's SHA-256 in hex. */
  readonly sha256: string;
  /** How the body begins. */
  readonly head: Buffer;
  close(): Promise<void>;
}

/** Both kinds. */
export type PeerKind = 'gateway' | 'slirp';

/** Opens a peer whose body has `bytes` bytes. */
export async function openPeer(kind: PeerKind, bytes: number, time: RealTime, qemu: Pieces['qemu']): Promise<Peer> {
  const arena = new OwnedArena(64 << 20);
  const { scheduler } = time;
  if (kind === 'gateway') {
    const gateway = new Gateway({ scheduler, arena, random: new Random('peer') });
    const body = Buffer.alloc(bytes);
    writeStream(body, 0, 0, bytes);
    return {
      plug: (port) => new Cable(port, gateway.port, { scheduler, arena }),
      url: `http://10.0.2.2/bytes/${bytes}`,
      sha256: createHash('sha256').update(body).digest('hex'),
      head: body.subarray(0, 64),
      close: async () => undefined,
    };
  }
  const http = await serveBytes(bytes);
  let uplink: Awaited<ReturnType<typeof openStream>> | undefined;
  const slirp = await startQemu(
    qemu,
    (folder) => [
      '-machine',
      'none',
      '-netdev',
      'user,id=u',
      '-netdev',
      'hubport,id=h1,hubid=0,netdev=u',
      '-netdev',
      `stream,id=s,server=off,addr.type=unix,addr.path=${join(folder, 'wire')}`,
      '-netdev',
      'hubport,id=h2,hubid=0,netdev=s',
    ],
    async (folder) => {
      uplink = await openStream({ time, path: join(folder, 'wire') });
    },
  );
  return {
    plug: (port) => new Cable(port, uplink!.port, { scheduler, arena }),
    url: `http://10.0.2.2:${http.port}/body`,
    sha256: http.sha256,
    head: http.head,
    close: async () => {
      await uplink?.close();
      await slirp.close();
      await http.close();
    },
  };
}
