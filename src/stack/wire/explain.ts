/** One line of text per frame, for traces and error messages. Never throws, whatever the bytes. */
import { formatIpv4, formatMac } from './address.js';
import { Arp, ArpOp, arpOperation, arpSenderIp, arpTargetIp, checkArp } from './arp.js';
import { get16, get32 } from './bytes.js';
import { checkDhcp, Dhcp, DhcpPort, DhcpType, dhcpType } from './dhcp.js';
import { DNS_PORT, DnsFlag, parseDns } from './dns.js';
import { ETHERNET_BYTES, Ethernet, EtherType, etherType, VLAN_BYTES } from './ethernet.js';
import { ICMP_BYTES, Icmp, IcmpType, icmpIdent, icmpSequence } from './icmpv4.js';
import {
  checkIpv4,
  IpProtocol,
  Ipv4,
  Ipv4Flag,
  ipv4Destination,
  ipv4Fragment,
  ipv4Id,
  ipv4Length,
  ipv4Source,
} from './ipv4.js';
import { checkTcp, Tcp, TcpFlag, TcpOptions } from './tcp.js';
import { checkUdp, UDP_BYTES, Udp } from './udp.js';

/** Describes the Ethernet frame of `bytes` bytes at `at`. */
export function explainFrame(u8: Uint8Array, at: number, bytes: number): string {
  if (bytes < ETHERNET_BYTES || at + bytes > u8.length) return `frame of ${bytes} bytes: too short`;
  let type = etherType(u8, at);
  let header = ETHERNET_BYTES;
  let tag = '';
  if (type === EtherType.vlan && bytes >= ETHERNET_BYTES + VLAN_BYTES) {
    tag = ` vlan ${get16(u8, at + Ethernet.tci) & 0xfff}`;
    type = get16(u8, at + Ethernet.innerType);
    header += VLAN_BYTES;
  }
  const link = `${formatMac(u8, at + Ethernet.source)} > ${formatMac(u8, at)}${tag}`;
  const p = at + header;
  const left = bytes - header;
  if (type === EtherType.arp) return `${link} ARP ${explainArp(u8, p, left)}`;
  if (type === EtherType.ipv4) return `${link} ${explainIpv4(u8, p, left)}`;
  return `${link} type 0x${type.toString(16).padStart(4, '0')}, ${left} bytes`;
}

function explainArp(u8: Uint8Array, at: number, bytes: number): string {
  if (!checkArp(u8, at, bytes)) return 'malformed';
  const sender = formatIpv4(arpSenderIp(u8, at));
  const target = formatIpv4(arpTargetIp(u8, at));
  if (arpOperation(u8, at) === ArpOp.reply) return `${sender} is at ${formatMac(u8, at + Arp.senderMac)}`;
  if (sender === target) return `announcement of ${sender}`;
  return sender === '0.0.0.0' ? `probe for ${target}` : `who has ${target}? tell ${sender}`;
}

/** Describes the IPv4 packet of which `bytes` bytes lie at `at`. */
export function explainIpv4(u8: Uint8Array, at: number, bytes: number): string {
  const header = checkIpv4(u8, at, bytes);
  if (header === 0) return 'IPv4 malformed';
  const from = formatIpv4(ipv4Source(u8, at));
  const to = formatIpv4(ipv4Destination(u8, at));
  const protocol = u8[at + Ipv4.protocol]!;
  const fragment = ipv4Fragment(u8, at);
  const p = at + header;
  const left = ipv4Length(u8, at) - header;
  const offset = (fragment & Ipv4Flag.offsetMask) * 8;
  const more = (fragment & Ipv4Flag.moreFragments) !== 0;
  const part = offset > 0 || more ? ` fragment ${ipv4Id(u8, at)}@${offset}${more ? '+' : ''}` : '';
  if (offset > 0) return `${from} > ${to} protocol ${protocol}${part}, ${left} bytes`;
  if (protocol === IpProtocol.tcp) return explainTcp(u8, p, left, from, to) + part;
  if (protocol === IpProtocol.udp) return explainUdp(u8, p, left, from, to) + part;
  if (protocol === IpProtocol.icmp) return `${from} > ${to} ICMP ${explainIcmp(u8, p, left)}${part}`;
  return `${from} > ${to} protocol ${protocol}, ${left} bytes${part}`;
}

function explainTcp(u8: Uint8Array, at: number, bytes: number, from: string, to: string): string {
  const header = checkTcp(u8, at, bytes);
  if (header === 0) return `${from} > ${to} TCP malformed`;
  const flags = u8[at + Tcp.flags]!;
  const names = Object.entries(TcpFlag).filter(([, bit]) => flags & bit);
  const options = new TcpOptions();
  options.parse(u8, at, header);
  let text = `${from}:${get16(u8, at)} > ${to}:${get16(u8, at + Tcp.destination)} TCP`;
  text += ` [${names.map(([name]) => name.toUpperCase()).join(' ')}] seq ${get32(u8, at + Tcp.sequence) >>> 0}`;
  if (flags & TcpFlag.ack) text += ` ack ${get32(u8, at + Tcp.acknowledgment) >>> 0}`;
  text += ` win ${get16(u8, at + Tcp.window)} len ${bytes - header}`;
  if (options.mss > 0) text += ` mss ${options.mss}`;
  if (options.windowScale >= 0) text += ` ws ${options.windowScale}`;
  if (options.sackPermitted) text += ' sack-permitted';
  if (options.hasTimestamps) text += ` ts ${options.tsValue >>> 0}/${options.tsEcho >>> 0}`;
  for (let i = 0; i < options.sackCount; i++) {
    text += ` sack ${options.sackEdges[i * 2]! >>> 0}-${options.sackEdges[i * 2 + 1]! >>> 0}`;
  }
  return text;
}

function explainUdp(u8: Uint8Array, at: number, bytes: number, from: string, to: string): string {
  const length = checkUdp(u8, at, bytes);
  const source = bytes >= UDP_BYTES ? get16(u8, at) : 0;
  const target = bytes >= UDP_BYTES ? get16(u8, at + Udp.destination) : 0;
  const text = `${from}:${source} > ${to}:${target} UDP`;
  // The first of several fragments is shorter than its header says.
  if (length === 0) return `${text} incomplete`;
  const p = at + UDP_BYTES;
  const left = length - UDP_BYTES;
  if ((target === DhcpPort.server || target === DhcpPort.client) && checkDhcp(u8, p, left)) {
    const type = dhcpType(u8, p, left);
    const name = Object.entries(DhcpType).find(([, value]) => value === type)?.[0] ?? `type ${type}`;
    const yours = get32(u8, p + Dhcp.yiaddr);
    return `${text} DHCP ${name}${yours === 0 ? '' : ` ${formatIpv4(yours)}`}`;
  }
  if (source === DNS_PORT || target === DNS_PORT) {
    const message = parseDns(u8, p, left);
    if (message !== undefined) return `${text} DNS ${explainDns(message)}`;
  }
  return `${text} len ${left}`;
}

function explainDns(message: NonNullable<ReturnType<typeof parseDns>>): string {
  if (!(message.flags & DnsFlag.response)) return `query ${message.id} ${message.question}`;
  const answers = message.answers.map((record) => (record.target === '' ? formatIpv4(record.address) : record.target));
  return `answer ${message.id} ${message.question} code ${message.code} ${answers.join(' ')}`.trimEnd();
}

function explainIcmp(u8: Uint8Array, at: number, bytes: number): string {
  if (bytes < ICMP_BYTES) return 'malformed';
  const type = u8[at + Icmp.type]!;
  const name = Object.entries(IcmpType).find(([, value]) => value === type)?.[0] ?? `type ${type}`;
  if (type === IcmpType.echo || type === IcmpType.echoReply) {
    return `${name} id ${icmpIdent(u8, at)} seq ${icmpSequence(u8, at)} len ${bytes - ICMP_BYTES}`;
  }
  const inner = bytes > ICMP_BYTES ? ` about ${explainInner(u8, at + ICMP_BYTES, bytes - ICMP_BYTES)}` : '';
  return `${name} code ${u8[at + Icmp.code]!}${inner}`;
}

function explainInner(u8: Uint8Array, at: number, bytes: number): string {
  if (bytes < 20) return 'malformed';
  return `${formatIpv4(ipv4Source(u8, at))} > ${formatIpv4(ipv4Destination(u8, at))} protocol ${u8[at + Ipv4.protocol]!}`;
}
