/** `--wire SPEC`: what stands behind the switch instead of our gateway. */
import { isIPv4 } from 'node:net';
import { openStream, openTap, openUdp, type RealTime, type Uplink } from '../hosts/uplinks/index.js';
import { UsageError } from './usage.js';

/** The grammar, for `--help`. */
export const wireHelp = `SPEC of --wire:
  unix:PATH            listen; QEMU: -netdev stream,id=n,server=off,addr.type=unix,addr.path=PATH
  unix-connect:PATH    connect; QEMU: -netdev stream,id=n,server=on,addr.type=unix,addr.path=PATH
  udp:LOCAL=REMOTE     datagrams; each end is PORT (of 127.0.0.1) or IPV4:PORT; QEMU: -netdev dgram,id=n,local...,remote...
  tap[:NAME]           a TAP device of this machine (needs CAP_NET_ADMIN); default name nicforge0, nicforge1 ...
  The other end may be another "nicforge serve"; give it addresses of its own with --mac.`;

/** One end of datagrams. */
export interface UdpEnd {
  readonly address: string;
  readonly port: number;
}

/** A SPEC, parsed. */
export type WireSpec =
  | { readonly kind: 'unix'; readonly path: string; readonly connect: boolean }
  | { readonly kind: 'udp'; readonly local: UdpEnd; readonly remote: UdpEnd }
  | { readonly kind: 'tap'; readonly device: string | undefined };

const MOST_PATH_BYTES = 107;

/** Reads a SPEC. @throws UsageError */
export function parseWire(text: string): WireSpec {
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  const rest = colon < 0 ? undefined : text.slice(colon + 1);
  if (kind === 'unix' || kind === 'unix-connect') {
    if (!rest) throw new UsageError(`--wire ${kind}: takes a path: ${kind}:PATH`);
    if (Buffer.byteLength(rest) > MOST_PATH_BYTES)
      throw new UsageError(`--wire ${kind}: the path of a unix socket has at most ${MOST_PATH_BYTES} bytes`);
    return { kind: 'unix', path: rest, connect: kind === 'unix-connect' };
  }
  if (kind === 'udp') {
    const ends = (rest ?? '').split('=');
    if (ends.length !== 2) throw new UsageError(`--wire udp: takes both ends: udp:LOCAL=REMOTE, not "${text}"`);
    return { kind: 'udp', local: udpEnd(ends[0]!), remote: udpEnd(ends[1]!) };
  }
  if (kind === 'tap') {
    if (rest !== undefined && !/^[\w.-]{1,15}$/.test(rest))
      throw new UsageError(`--wire tap: a name has 1 to 15 letters, digits, dots or dashes, not "${rest}"`);
    return { kind: 'tap', device: rest };
  }
  throw new UsageError(`--wire takes unix:PATH, unix-connect:PATH, udp:LOCAL=REMOTE or tap[:NAME], not "${text}"`);
}

function udpEnd(text: string): UdpEnd {
  const colon = text.lastIndexOf(':');
  const address = colon < 0 ? '127.0.0.1' : text.slice(0, colon);
  const digits = text.slice(colon + 1);
  const port = Number(digits);
  if (!isIPv4(address) || !/^\d{1,5}$/.test(digits) || port < 1 || port > 65_535)
    throw new UsageError(`--wire udp: an end is PORT or IPV4:PORT, not "${text}"`);
  return { address, port };
}

/** An open wire. */
export interface Wire {
  readonly uplink: Uplink;
  /** One line that says what it is. */
  readonly text: string;
}

/** Opens a wire. @throws UsageError when the system refuses */
export async function openWire(spec: WireSpec, time: RealTime): Promise<Wire> {
  try {
    if (spec.kind === 'unix') {
      const uplink = await openStream({ time, path: spec.path, connect: spec.connect, name: 'wire' });
      return { uplink, text: `${spec.connect ? 'connected to' : 'listening at'} ${spec.path} (QEMU's -netdev stream)` };
    }
    if (spec.kind === 'udp') {
      const { local, remote } = spec;
      const uplink = await openUdp({
        time,
        localAddress: local.address,
        localPort: local.port,
        peer: remote,
        name: 'wire',
      });
      return {
        uplink,
        text: `UDP from ${local.address}:${local.port} to ${remote.address}:${remote.port} (QEMU's -netdev dgram)`,
      };
    }
    const uplink = openTap({ time, ...(spec.device === undefined ? {} : { device: spec.device }) });
    return { uplink, text: `TAP device ${uplink.device}; give it an address with "ip"` };
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^nicforge: /, '') : String(error);
    throw new UsageError(`--wire ${spec.kind}: ${why}`);
  }
}
