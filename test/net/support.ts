/** A client and a gateway on one cable, each with its loop, on a virtual scheduler. */

import { DhcpServer, DnsServer, EchoServices, HttpServer, labRoutes, NetLoop } from '../../src/net/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { type Micros, Scheduler, type Timer } from '../../src/platform/clock.js';
import { Random } from '../../src/platform/random.js';
import { DhcpClient, type DhcpOptions, DnsClient, Stack } from '../../src/stack/index.js';
import { type PipeEnd, type PipeOptions, pipe } from '../stack/support.js';

export interface LabOptions extends PipeOptions {
  dhcp?: DhcpOptions | false;
  services?: boolean;
}

/** The gateway is 10.0.2.1/24 and hands out 10.0.2.15 and up. */
export class Lab {
  readonly scheduler = new Scheduler();
  readonly client: Stack;
  readonly gateway: Stack;
  readonly clientLoop: NetLoop;
  readonly gatewayLoop: NetLoop;
  readonly dhcp: DhcpClient | undefined;
  readonly dns: DnsClient;
  readonly dhcpServer: DhcpServer | undefined;
  readonly dnsServer: DnsServer | undefined;
  readonly http: HttpServer | undefined;
  readonly echo: EchoServices | undefined;
  readonly ends: [PipeEnd, PipeEnd];

  constructor(options: LabOptions = {}) {
    const arena = new OwnedArena(128 << 20);
    const random = new Random(`${options.seed ?? 1}/lab`);
    this.ends = pipe({ delay: 20, ...options, arena });
    this.client = new Stack({ device: this.ends[0], arena, random: random.fork('client') });
    this.gateway = new Stack({ device: this.ends[1], arena, random: random.fork('gateway') });
    this.gateway.addAddress('10.0.2.1/24');
    this.clientLoop = new NetLoop({ scheduler: this.scheduler, stack: this.client });
    this.gatewayLoop = new NetLoop({ scheduler: this.scheduler, stack: this.gateway });
    if (options.services !== false) {
      this.dhcpServer = this.gatewayLoop.add(
        new DhcpServer(this.gateway, { first: '10.0.2.15', last: '10.0.2.30', domain: 'lab' }),
      );
      this.dnsServer = this.gatewayLoop.add(
        new DnsServer(this.gateway, { zone: { 'gateway.lab': '10.0.2.1', 'www.lab': 'gateway.lab' } }),
      );
      this.http = this.gatewayLoop.add(new HttpServer(this.gateway, { handler: labRoutes() }));
      this.echo = this.gatewayLoop.add(new EchoServices(this.gateway));
    }
    this.dns = new DnsClient(this.client);
    if (options.dhcp !== false) {
      this.dhcp = new DhcpClient(this.client, options.dhcp ?? {});
      this.dhcp.onChange = (lease) => {
        this.dns.servers = lease?.dns ?? [];
      };
    }
    // An interrupt when a frame arrives.
    for (const [i, loop] of [this.clientLoop, this.gatewayLoop].entries()) {
      const end = this.ends[i]!;
      const timer: Timer = this.scheduler.timer(() => loop.kick());
      const other = this.ends[1 - i]!;
      const commit = other.commit.bind(other);
      other.commit = (frame) => {
        commit(frame);
        if (end.queue.length > 0) timer.armBy(Math.max(end.next, this.scheduler.now));
      };
      const receive = end.receive.bind(end);
      end.receive = (now, frame) => {
        const got = receive(now, frame);
        if (!got && end.queue.length > 0) timer.arm(end.next);
        return got;
      };
    }
    this.clientLoop.start();
    this.gatewayLoop.start();
  }

  /** Runs until `done`; false when `limit` passes first. */
  run(done: () => boolean, limit: Micros = 120_000_000): boolean {
    const end = this.scheduler.now + limit;
    for (let i = 0; i < 20_000_000; i++) {
      if (done()) return true;
      if (!this.scheduler.advance(end)) return done();
    }
    return false;
  }
}
