/** The work of one NIC in the lab: link, lease, name, download with its hash checked, upload if asked. An application of its loop. */
import type { Nic } from '../drivers/driver.js';
import { type App, HttpClient, NetLoop } from '../net/index.js';
import type { OwnedArena } from '../platform/arena.js';
import { type Micros, NEVER, type Scheduler } from '../platform/clock.js';
import type { Random } from '../platform/random.js';
import { DhcpClient, type DhcpOptions, DnsClient, Stack } from '../stack/index.js';
import { milliseconds } from './report.js';

/** A SHA-256 under way. */
export interface Hash {
  update(u8: Uint8Array, at: number, bytes: number): void;
  /** Hexadecimal. */
  digest(): string;
}

/** What a job is to do. */
export interface JobOptions {
  readonly nic: Nic;
  readonly scheduler: Scheduler;
  readonly arena: OwnedArena;
  readonly random: Random;
  /** What to fetch, how long it is and its hash. */
  readonly download: { readonly url: string; readonly bytes: number; readonly sha256: string };
  /** Where to send as many bytes as are downloaded; the answer is JSON with `length` and `sha256`. */
  readonly upload?: {
    readonly url: string;
    readonly bytes: number;
    readonly sha256: string;
    readonly fill: (u8: Uint8Array, at: number, offset: number, bytes: number) => void;
  };
  readonly hash: () => Hash;
  readonly dhcp?: DhcpOptions;
  readonly onProgress?: (bytes: number, total: number) => void;
  /** A real clock in microseconds, for measuring. */
  readonly realTime?: () => number;
  /** Time between polls of a NIC without interrupts. */
  readonly pollInterval?: Micros;
}

/** Where a job is. */
export type JobPhase = 'link' | 'lease' | 'download' | 'upload' | 'done' | 'failed';

const LINK_LIMIT = 10_000_000;
const LEASE_LIMIT = 30_000_000;

/** The job. Start it, then run the scheduler until `ended`. */
export class NicJob implements App {
  phase: JobPhase = 'link';
  error: string | undefined;
  received = 0;
  uploaded = 0;
  sha256Ok = false;
  uploadOk = false;
  /** When each step was done; 0 before. */
  readonly at = { begun: 0, link: 0, lease: 0, dns: 0, connected: 0, ended: 0 };
  readonly stack: Stack;
  readonly loop: NetLoop;
  readonly #options: JobOptions;
  readonly #nic: Nic;
  readonly #dns: DnsClient;
  #dhcp: DhcpClient | undefined;
  #http: HttpClient | undefined;
  #deadline: Micros;
  #realBegun = 0;
  #realEnded = 0;

  constructor(options: JobOptions) {
    this.#options = options;
    this.#nic = options.nic;
    const { scheduler, nic } = options;
    this.stack = new Stack({ device: nic, random: options.random, arena: options.arena });
    this.#dns = new DnsClient(this.stack);
    this.at.begun = scheduler.now;
    this.#deadline = scheduler.now + LINK_LIMIT;
    this.loop = new NetLoop({
      scheduler,
      stack: this.stack,
      nic,
      ...(nic.interruptMode === 'polled' ? { pollInterval: options.pollInterval ?? 50 } : {}),
      ...(options.realTime ? { realTime: options.realTime } : {}),
    });
    nic.onReady = () => this.loop.kick();
    nic.events.on('failed', (error) => this.#fail(error.message, scheduler.now));
    this.loop.add(this);
  }

  get ended(): boolean {
    return this.phase === 'done' || this.phase === 'failed';
  }

  /** The address as text, or empty. */
  get ipv4(): string {
    const lease = this.#dhcp?.lease;
    return lease ? `${lease.address.address}/${lease.address.prefix}` : '';
  }

  /** Real seconds from connection to last byte; 0 without a real clock. */
  get realSeconds(): number {
    return (this.#realEnded - this.#realBegun) / 1e6;
  }

  /** Milliseconds on the run's clock that each step took. */
  get times(): { link: number; lease: number; dns: number; connect: number; transfer: number } {
    const { begun, link, lease, dns, connected, ended } = this.at;
    const between = (from: Micros, to: Micros): number => (to > 0 ? milliseconds(to - from) : 0);
    return {
      link: between(begun, link),
      lease: between(link, lease),
      dns: between(lease, dns),
      connect: between(dns, connected),
      transfer: between(connected, ended),
    };
  }

  start(): void {
    this.loop.start();
  }

  nextDeadline(): Micros {
    if (this.ended) return NEVER;
    return this.#http ? this.#http.nextDeadline() : this.#deadline;
  }

  step(now: Micros): boolean {
    switch (this.phase) {
      case 'link':
        return this.#link(now);
      case 'lease':
        return this.#lease(now);
      case 'download':
      case 'upload':
        return this.#transfer(now);
      default:
        return false;
    }
  }

  #link(now: Micros): boolean {
    if (this.#nic.linkUp) {
      this.at.link = now;
      this.phase = 'lease';
      this.#deadline = now + LEASE_LIMIT;
      this.#dhcp = new DhcpClient(this.stack, { hostName: 'nicforge', ...this.#options.dhcp });
      return true;
    }
    if (now >= this.#deadline) this.#fail(`no link within ${LINK_LIMIT / 1e6} s`, now);
    return false;
  }

  #lease(now: Micros): boolean {
    const lease = this.#dhcp?.lease;
    if (lease) {
      this.at.lease = now;
      this.phase = 'download';
      this.#dns.servers = lease.dns;
      this.#download();
      return true;
    }
    if (now >= this.#deadline) this.#fail(`no DHCP lease within ${LEASE_LIMIT / 1e6} s`, now);
    return false;
  }

  #download(): void {
    const { download, hash, onProgress, realTime } = this.#options;
    const sum = hash();
    this.#realBegun = realTime?.() ?? 0;
    this.#http = new HttpClient(this.stack, this.#dns, {
      url: download.url,
      onBody: (u8, at, bytes) => {
        sum.update(u8, at, bytes);
        this.received += bytes;
        onProgress?.(this.received, download.bytes);
      },
      onDone: (client) => {
        const now = this.stack.now;
        this.at.dns = client.times.resolved;
        this.at.connected = client.times.connected;
        if (client.error) return this.#fail(`${client.error.phase}: ${client.error.message}`, now);
        if (client.status !== 200) return this.#fail(`HTTP status ${client.status}`, now);
        const digest = sum.digest();
        this.sha256Ok = digest === download.sha256 && this.received === download.bytes;
        if (!this.sha256Ok)
          return this.#fail(`SHA-256 of ${this.received} bytes is ${digest}, not ${download.sha256}`, now);
        if (this.#options.upload) this.phase = 'upload';
        else this.#done(now);
      },
    });
  }

  #upload(): void {
    const upload = this.#options.upload!;
    let sent = 0;
    let answer = '';
    const decoder = new TextDecoder();
    this.#http = new HttpClient(this.stack, this.#dns, {
      method: 'POST',
      url: upload.url,
      body: {
        length: upload.bytes,
        pull: (u8, at, most) => {
          const bytes = Math.min(most, upload.bytes - sent);
          if (bytes === 0) return -1;
          upload.fill(u8, at, sent, bytes);
          sent += bytes;
          return bytes;
        },
      },
      onBody: (u8, at, bytes) => {
        answer += decoder.decode(u8.slice(at, at + bytes), { stream: true });
      },
      onDone: (client) => {
        const now = this.stack.now;
        this.uploaded = sent;
        if (client.error) return this.#fail(`upload, ${client.error.phase}: ${client.error.message}`, now);
        this.uploadOk = client.status === 200 && matches(answer, upload.bytes, upload.sha256);
        if (this.uploadOk) this.#done(now);
        else this.#fail(`the upload was answered with status ${client.status}: ${answer.slice(0, 200)}`, now);
      },
    });
  }

  #transfer(now: Micros): boolean {
    const http = this.#http;
    if (http === undefined) return false;
    if (this.phase === 'upload' && http.ended) {
      this.#upload();
      return true;
    }
    return http.step(now);
  }

  #done(now: Micros): void {
    this.phase = 'done';
    this.at.ended = now;
    this.#realEnded = this.#options.realTime?.() ?? 0;
  }

  #fail(reason: string, now: Micros): void {
    if (this.ended) return;
    this.error = reason;
    this.phase = 'failed';
    this.at.ended = now;
    this.#realEnded = this.#options.realTime?.() ?? 0;
  }
}

function matches(answer: string, bytes: number, sha256: string): boolean {
  try {
    const found = JSON.parse(answer) as { length?: unknown; sha256?: unknown };
    return found.length === bytes && found.sha256 === sha256;
  } catch {
    return false;
  }
}
