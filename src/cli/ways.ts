/** `--forward`, `--publish` and `--allow`: the ways between guests and sockets of this host. */
import { isIPv4 } from 'node:net';
import { GATEWAY_ADDRESS, GATEWAY_NAME, type Gateway } from '../lab/index.js';
import { type End, TcpForward, TcpPublish, UdpForward, type WayOptions } from '../net/node/index.js';
import { cidr, contains, ip, normalName } from '../stack/index.js';
import { UsageError } from './usage.js';

/** The grammar, for `--help`. */
export const waysHelp = `Ways between the guests and this host (several times each):
  --forward PROTOCOL:ADDRESS:PORT=HOST:PORT   what guests send to ADDRESS:PORT goes to HOST:PORT as this host sees it;
                      PROTOCOL is tcp or udp, ADDRESS 10.0.2.2 or another one: --forward tcp:10.0.2.2:8080=127.0.0.1:8080
  --publish [HOST:]PORT=tcp:ADDRESS:PORT      connections to PORT of this host (127.0.0.1) go to a guest:
                      --publish 2222=tcp:10.0.2.15:22
  --allow [PROTOCOL:]HOST:PORT                guests may reach HOST:PORT (tcp unless said otherwise); a name is answered by
                      10.0.2.2's DNS with an address of 198.18.0.0/15 that stands for it
  All else that guests send beyond 10.0.2.2 is refused: TCP by a reset, the rest by ICMP.`;

/** Which transport. */
export type WayProtocol = 'tcp' | 'udp';

/** From guests to this host. */
export interface ForwardSpec {
  readonly protocol: WayProtocol;
  readonly at: { readonly address: string; readonly port: number };
  readonly target: End;
}

/** From this host to a guest. */
export interface PublishSpec {
  readonly at: End;
  readonly target: { readonly host: string; readonly port: number };
}

/** All ways of a run. */
export interface WaySpecs {
  readonly forwards: readonly ForwardSpec[];
  readonly publishes: readonly PublishSpec[];
  /** Names that are allowed, with the address that stands for each. */
  readonly names: Readonly<Record<string, string>>;
}

/** Where guests live, and the part of it that DHCP hands out. */
const NET = cidr(`${GATEWAY_ADDRESS}/24`);
const LEASES = { first: 15, last: 200 };
/** RFC 2544's network for benchmarks, which nobody has: its addresses stand for allowed names. */
const STAND_IN = 0xc612_0000;

/** Reads the three options. @throws UsageError */
export function parseWays(
  forward: readonly string[] = [],
  publish: readonly string[] = [],
  allow: readonly string[] = [],
): WaySpecs {
  const names: Record<string, string> = {};
  const forwards = forward.map(parseForward);
  const publishes = publish.map(parsePublish);
  for (const text of allow) forwards.push(parseAllow(text, names));
  const seen = new Set<string>();
  for (const { protocol, at } of forwards) {
    const key = `${protocol}:${at.address}:${at.port}`;
    if (seen.has(key)) throw new UsageError(`--forward and --allow: ${key} is named twice`);
    seen.add(key);
  }
  return { forwards, publishes, names };
}

function parseForward(text: string): ForwardSpec {
  const match = /^(tcp|udp):([^:=]+):(\d+)=(.+)$/.exec(text);
  if (!match) throw new UsageError(`--forward takes tcp:ADDRESS:PORT=HOST:PORT (or udp:...), not "${text}"`);
  const address = match[2]!;
  const port = portOf('forward', match[3]!, text);
  if (!isIPv4(address)) throw new UsageError(`--forward: ${address} is no IPv4 address`);
  checkTarget('forward', address);
  return { protocol: match[1] as WayProtocol, at: { address, port }, target: parseEnd('forward', match[4]!) };
}

function parsePublish(text: string): PublishSpec {
  const match = /^(.+)=tcp:([^:=]+):(\d+)$/.exec(text);
  if (!match) throw new UsageError(`--publish takes [HOST:]PORT=tcp:ADDRESS:PORT, not "${text}"`);
  const host = match[2]!;
  if (!isIPv4(host) || !contains(NET, ip(host)) || host === GATEWAY_ADDRESS)
    throw new UsageError(`--publish: ${host} is no address of a guest (${GATEWAY_ADDRESS}/24)`);
  const at = /^\d+$/.test(match[1]!)
    ? { host: '127.0.0.1', port: portOf('publish', match[1]!, text) }
    : parseEnd('publish', match[1]!);
  return { at, target: { host, port: portOf('publish', match[3]!, text) } };
}

function parseAllow(text: string, names: Record<string, string>): ForwardSpec {
  const match = /^(?:(tcp|udp):)?([^:=]+:\d+)$/.exec(text);
  if (!match) throw new UsageError(`--allow takes [tcp:|udp:]HOST:PORT, not "${text}"`);
  const protocol = (match[1] ?? 'tcp') as WayProtocol;
  const target = parseEnd('allow', match[2]!);
  if (isIPv4(target.host)) {
    checkTarget('allow', target.host);
    if (contains(NET, ip(target.host)))
      throw new UsageError(`--allow: ${target.host} is in the guests' own network; use --forward`);
    return { protocol, at: { address: target.host, port: target.port }, target };
  }
  const name = normalName(target.host);
  if (name === undefined || name === GATEWAY_NAME) throw new UsageError(`--allow: "${target.host}" is no host name`);
  names[name] ??= standIn(Object.keys(names).length + 1);
  return { protocol, at: { address: names[name], port: target.port }, target };
}

function standIn(index: number): string {
  const address = STAND_IN + index;
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

/** Refuses addresses that no packet of a guest can be for. */
function checkTarget(option: string, text: string): void {
  const address = ip(text);
  const top = address.w3 >>> 24;
  if (top === 0 || address.loopback || top >= 224)
    throw new UsageError(`--${option}: a guest cannot send to ${text} over a network`);
  if (!contains(NET, address)) return;
  const host = address.w3 & 0xff;
  if (host === 0 || host === 255 || (host >= LEASES.first && host <= LEASES.last))
    throw new UsageError(`--${option}: ${text} belongs to guests; take ${GATEWAY_ADDRESS} or 10.0.2.201 to 10.0.2.254`);
}

function parseEnd(option: string, text: string): End {
  const match = /^([^:=\s]+):(\d+)$/.exec(text);
  if (!match) throw new UsageError(`--${option}: "${text}" is not HOST:PORT`);
  return { host: match[1]!, port: portOf(option, match[2]!, text) };
}

function portOf(option: string, digits: string, text: string): number {
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw new UsageError(`--${option}: ${digits} in "${text}" is no port`);
  return port;
}

/** An open way. */
export interface OpenWay {
  /** One line that says what it is. */
  readonly text: string;
  /** One line that says what passed. */
  summary(): string;
  close(): void;
}

/** Opens all ways. @throws UsageError when a port is taken */
export async function openWays(
  specs: WaySpecs,
  gateway: Gateway,
  turns: WayOptions['turns'],
  opened: (() => void)[],
): Promise<OpenWay[]> {
  const ways: OpenWay[] = [];
  const options: WayOptions = { loop: gateway.loop, turns };
  for (const [name, address] of Object.entries(specs.names)) gateway.dns.set(name, address);
  const add = (way: OpenWay): void => {
    ways.push(way);
    opened.push(() => way.close());
  };
  for (const { protocol, at, target } of specs.forwards) {
    const text = `${protocol} ${at.address}:${at.port} leads to ${target.host}:${target.port}`;
    try {
      if (contains(NET, ip(at.address)) && at.address !== GATEWAY_ADDRESS) gateway.stack.addAddress(`${at.address}/24`);
      const way = protocol === 'tcp' ? new TcpForward(options, at, target) : new UdpForward(options, at, target);
      add({ text, close: () => way.close(), summary: () => `${text}: ${countsText(way.counts)}` });
    } catch (error) {
      throw new UsageError(`${text}: ${error instanceof Error ? error.message : error}`);
    }
  }
  for (const { at, target } of specs.publishes) {
    const text = `${at.host}:${at.port} of this host leads to tcp ${target.host}:${target.port}`;
    const way = await TcpPublish.open(options, at, target).catch((error: Error) => {
      throw new UsageError(`--publish: ${error.message}`);
    });
    add({ text, close: () => way.close(), summary: () => `${text}: ${countsText(way.counts)}` });
  }
  return ways;
}

function countsText(counts: TcpForward['counts'] | UdpForward['counts']): string {
  return 'opened' in counts
    ? `${counts.opened} connections, ${counts.toHost} bytes out, ${counts.fromHost} bytes in`
    : `${counts.toHost} datagrams out, ${counts.fromHost} in, ${counts.lost} lost`;
}
