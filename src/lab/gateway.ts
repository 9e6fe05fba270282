/** The host at the other end of the lab's cables: our stack with DHCP, DNS, HTTP, echo and discard servers. */

import type { LinkPort } from '../link/index.js';
import { DhcpServer, DnsServer, EchoServices, type HashFactory, HttpServer, labRoutes, NetLoop } from '../net/index.js';
import type { OwnedArena } from '../platform/arena.js';
import type { Scheduler } from '../platform/clock.js';
import type { Random } from '../platform/random.js';
import { Stack } from '../stack/index.js';
import { PortPhy } from './port-phy.js';

/** How a gateway is made. */
export interface GatewayOptions {
  readonly scheduler: Scheduler;
  readonly arena: OwnedArena;
  readonly random: Random;
  /** SHA-256; default a plain one. */
  readonly hash?: HashFactory;
  /** A real clock in microseconds, to measure turns of its loop. */
  readonly realTime?: () => number;
  /** Bytes of the send and receive rings of its connections. Default 256 KiB. */
  readonly tcpBytes?: number;
}

/** Address of the gateway, as QEMU's user network has it. */
export const GATEWAY_ADDRESS = '10.0.2.2';
/** Name that its DNS server knows. */
export const GATEWAY_NAME = 'gateway.lab';
const MAC = Uint8Array.of(0x52, 0x55, 0x0a, 0x00, 0x02, 0x02);

/** The gateway: 10.0.2.2/24, leases from 10.0.2.15 up. */
export class Gateway {
  readonly phy: PortPhy;
  readonly stack: Stack;
  readonly loop: NetLoop;
  readonly dhcp: DhcpServer;
  readonly dns: DnsServer;
  readonly http: HttpServer;
  readonly echo: EchoServices;

  constructor(options: GatewayOptions) {
    const { scheduler, arena, random } = options;
    this.phy = new PortPhy({ arena, mac: MAC, name: 'gateway' });
    this.stack = new Stack({ device: this.phy, arena, random, proxy: true });
    this.stack.addAddress(`${GATEWAY_ADDRESS}/24`);
    this.loop = new NetLoop({
      scheduler,
      stack: this.stack,
      ...(options.realTime ? { realTime: options.realTime } : {}),
    });
    this.phy.onReady = () => this.loop.kick();
    const bytes = options.tcpBytes ?? 262_144;
    this.dhcp = this.loop.add(
      new DhcpServer(this.stack, { first: '10.0.2.15', last: '10.0.2.200', domain: 'lab', dns: [GATEWAY_ADDRESS] }),
    );
    this.dns = this.loop.add(new DnsServer(this.stack, { zone: { [GATEWAY_NAME]: GATEWAY_ADDRESS } }));
    this.http = this.loop.add(
      new HttpServer(this.stack, { handler: labRoutes(options.hash), tcp: { sendBytes: bytes, receiveBytes: bytes } }),
    );
    this.echo = this.loop.add(new EchoServices(this.stack));
    this.loop.start();
  }

  /** Where its cable goes in. */
  get port(): LinkPort {
    return this.phy.port;
  }
}
