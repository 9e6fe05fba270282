import { describe, expect, it } from 'vitest';
import { parseUrl, resolveUrl } from '../../src/net/index.js';
import { DhcpClient, type DhcpLease, ip } from '../../src/stack/index.js';
import { Lab } from './support.js';

const SECOND = 1_000_000;

describe('DHCP client and server', () => {
  it('configures address, router, DNS and domain', () => {
    const lab = new Lab();
    expect(lab.run(() => lab.dhcp!.bound)).toBe(true);
    const lease = lab.dhcp!.lease!;
    expect(lab.dhcp!.describe()).toBe('10.0.2.15/24, router 10.0.2.1, DNS 10.0.2.1, lease 3600 s from 10.0.2.1');
    expect([lease.domain, lab.client.addresses.routes.length]).toEqual(['lab', 1]);
    expect(lab.dhcpServer!.leases()[0]).toMatchObject({ mac: '02:00:00:00:00:01', address: '10.0.2.15', bound: true });
  });
  it('renews at half of the lease, by unicast', () => {
    const lab = new Lab();
    lab.run(() => lab.dhcp!.bound);
    const received = lab.dhcpServer!.received;
    lab.run(() => false, 1790 * SECOND);
    expect(lab.dhcpServer!.received).toBe(received);
    lab.run(() => false, 20 * SECOND);
    expect([lab.dhcpServer!.received, lab.dhcp!.phase]).toEqual([received + 1, 'bound']);
    const begun = lab.scheduler.now;
    lab.run(() => false, 3 * 3600 * SECOND);
    expect(lab.dhcp!.bound && lab.scheduler.now > begun).toBe(true);
  });
  it('rebinds when its server is silent, and loses the lease at its end', () => {
    const lab = new Lab({ dhcp: { fallback: { address: '192.168.9.9/24' } } });
    const seen: (string | undefined)[] = [];
    lab.dhcp!.onChange = (lease: DhcpLease | undefined) => void seen.push(lease?.address.address.toString());
    lab.run(() => lab.dhcp!.bound);
    lab.gatewayLoop.stop();
    lab.run(() => lab.dhcp!.phase === 'rebinding', 4000 * SECOND);
    expect(lab.scheduler.now / SECOND).toBeGreaterThan(3149);
    lab.run(() => !lab.dhcp!.bound, 4000 * SECOND);
    expect(lab.scheduler.now / SECOND).toBeGreaterThan(3599);
    expect(seen).toEqual(['10.0.2.15', undefined, '192.168.9.9']);
    expect(lab.client.address.toString()).toBe('192.168.9.9');
    lab.gatewayLoop.start();
    expect(lab.run(() => lab.dhcp!.bound, 300 * SECOND)).toBe(true);
    expect([lab.client.address.toString(), lab.dhcp!.usingFallback]).toEqual(['10.0.2.15', false]);
  });
  it('falls back when nobody answers, and goes on asking', () => {
    const lab = new Lab({ services: false, dhcp: { fallback: { address: '10.0.2.77/24', router: '10.0.2.1' } } });
    lab.run(() => lab.dhcp!.usingFallback, 60 * SECOND);
    expect(lab.scheduler.now).toBe(10 * SECOND);
    expect(lab.client.address.toString()).toBe('10.0.2.77');
    const sent = lab.client.stats.udpOut;
    lab.run(() => false, 200 * SECOND);
    expect(lab.client.stats.udpOut).toBeGreaterThan(sent);
  });
  it('falls back when told no', () => {
    const lab = new Lab({ dhcp: { fallback: { address: '10.0.2.77/24' } } });
    lab.dhcpServer!.refuse = true;
    lab.run(() => lab.dhcp!.usingFallback, 5 * SECOND);
    expect([lab.client.address.toString(), lab.scheduler.now < 5 * SECOND]).toEqual(['10.0.2.77', true]);
  });
  it('loses its address when a renewal is refused', () => {
    const lab = new Lab();
    lab.run(() => lab.dhcp!.bound);
    lab.dhcpServer!.refuse = true;
    lab.run(() => !lab.dhcp!.bound, 2000 * SECOND);
    expect([lab.dhcp!.lease, lab.client.addresses.addresses.length]).toEqual([undefined, 0]);
  });
  it('repeats itself over a bad cable', () => {
    for (let seed = 0; seed < 20; seed++) {
      const lab = new Lab({ loss: 0.4, seed });
      expect(
        lab.run(() => lab.dhcp!.bound, 600 * SECOND),
        `seed ${seed}`,
      ).toBe(true);
    }
  });
  it('releases its lease', () => {
    const lab = new Lab();
    lab.run(() => lab.dhcp!.bound);
    lab.dhcp!.stop(lab.scheduler.now);
    lab.clientLoop.kick();
    lab.run(() => false, SECOND);
    expect(lab.dhcpServer!.leases()).toEqual([]);
  });
  it('gives each client its own, and runs out politely', () => {
    const lab = new Lab({ services: false });
    const server = lab.dhcpServer;
    expect(server).toBeUndefined();
    expect(() => new DhcpClient(lab.client)).toThrow(RangeError);
  });
});

describe('DNS client and server', () => {
  const start = () => {
    const lab = new Lab();
    lab.run(() => lab.dhcp!.bound);
    return lab;
  };
  const look = (lab: Lab, name: string) => {
    const query = lab.dns.resolve(name, lab.scheduler.now);
    lab.clientLoop.kick();
    expect(lab.run(() => query.done, 60 * SECOND)).toBe(true);
    return query.error ?? query.addresses.map(String).join();
  };
  it('finds names, aliases and literals, in any case', () => {
    const lab = start();
    expect(look(lab, 'gateway.lab')).toBe('10.0.2.1');
    expect(look(lab, 'WWW.Lab.')).toBe('10.0.2.1');
    expect(look(lab, '1.2.3.4')).toBe('1.2.3.4');
  });
  it('remembers answers for their lifetime, and "no" for less', () => {
    const lab = start();
    look(lab, 'gateway.lab');
    look(lab, 'gateway.lab');
    expect([lab.dns.sent, lab.dns.hits]).toEqual([1, 1]);
    lab.run(() => false, 301 * SECOND);
    look(lab, 'gateway.lab');
    expect(lab.dns.sent).toBe(2);
    expect(look(lab, 'nobody.lab')).toBe('not-found');
    expect(look(lab, 'nobody.lab')).toBe('not-found');
    expect(lab.dns.sent).toBe(3);
    lab.run(() => false, 61 * SECOND);
    look(lab, 'nobody.lab');
    expect(lab.dns.sent).toBe(4);
  });
  it('asks again, and another server, when nobody answers', () => {
    const lab = start();
    lab.dnsServer!.ignore = 2;
    expect(look(lab, 'gateway.lab')).toBe('10.0.2.1');
    expect(lab.dns.sent).toBe(3);
    lab.dns.flush();
    lab.dns.servers = [ip('10.0.2.99'), ip('10.0.2.1')];
    expect(look(lab, 'gateway.lab')).toBe('10.0.2.1');
    lab.dns.flush();
    lab.dns.servers = [ip('10.0.2.99')];
    expect(look(lab, 'gateway.lab')).toBe('timeout');
    lab.dns.servers = [];
    expect(look(lab, 'gateway.lab')).toBe('no-servers');
    expect(look(lab, 'not a name')).toBe('bad-name');
  });
  it('takes no answer from strangers', () => {
    const lab = start();
    lab.dns.servers = [ip('10.0.2.99')];
    lab.client.neighbours.setStatic(ip('10.0.2.99'), lab.gateway.mac, 0);
    lab.gateway.anyIp = true;
    // The gateway answers for 10.0.2.99 but from port 53 of that address: right. A forged source is not.
    expect(look(lab, 'gateway.lab')).toBe('10.0.2.1');
    expect(lab.dns.rejected).toBe(0);
  });
});

describe('echo and discard', () => {
  it('echo what is sent by TCP and UDP', () => {
    const lab = new Lab();
    lab.run(() => lab.dhcp!.bound);
    const udp = lab.client.udp();
    udp.send(ip('10.0.2.1'), 7, Uint8Array.of(1, 2, 3));
    const tcp = lab.client.connect('10.0.2.1', 7);
    lab.clientLoop.kick();
    const data = new Uint8Array(300_000).map((_, i) => i * 3);
    const back = new Uint8Array(300_000);
    let put = 0;
    let got = 0;
    const done = lab.run(() => {
      const wrote = tcp.connected && put < data.length ? tcp.write(data, put) : 0;
      put += wrote;
      if (put === data.length && tcp.writable) tcp.close();
      const count = tcp.read(back, got);
      got += count;
      if (wrote + count > 0) lab.clientLoop.kick();
      return tcp.ended && udp.readable;
    }, 20 * SECOND);
    expect([done, got, tcp.end]).toEqual([true, 300_000, 'closed']);
    expect(Buffer.compare(back, data)).toBe(0);
    expect([udp.receive(back), back[2]]).toEqual([3, 3]);
  });
});

describe('URLs', () => {
  it('are taken apart', () => {
    expect(parseUrl('http://Gateway.Lab')).toEqual({
      host: 'gateway.lab',
      port: 80,
      target: '/',
      authority: 'gateway.lab',
    });
    expect(parseUrl('HTTP://10.0.0.1:8080/a/b?c=d#e')).toEqual({
      host: '10.0.0.1',
      port: 8080,
      target: '/a/b?c=d',
      authority: '10.0.0.1:8080',
    });
    expect(parseUrl('http://h?q').target).toBe('/?q');
  });
  it('that are wrong are refused', () => {
    for (const bad of [
      '',
      'gateway.lab',
      'https://x/',
      'http://',
      'http://a:0/',
      'http://a:99999/',
      'http://u@h/',
      'http://a/ b',
      'http://a/\r\nX: y',
    ]) {
      expect(() => parseUrl(bad), bad).toThrow(RangeError);
    }
    expect(() => parseUrl(`http://a/${'x'.repeat(9000)}`)).toThrow(RangeError);
  });
  it('resolve against another', () => {
    const base = parseUrl('http://h:81/a/b?c');
    const to = (location: string) => {
      const url = resolveUrl(base, location);
      return `${url.authority}${url.target}`;
    };
    expect([to('/x'), to('x'), to('?q'), to('//g/y'), to('http://z/')]).toEqual([
      'h:81/x',
      'h:81/a/x',
      'h:81/a/b?q',
      'g/y',
      'z/',
    ]);
  });
});

describe('the loop', () => {
  it('sleeps when there is nothing to do', () => {
    const lab = new Lab();
    lab.run(() => lab.dhcp!.bound);
    lab.run(() => false, 5 * SECOND);
    const before = lab.clientLoop.turns;
    lab.run(() => false, 1000 * SECOND);
    expect(lab.clientLoop.turns - before).toBeLessThan(10);
  });
});
