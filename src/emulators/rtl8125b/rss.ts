/**
 * RTL8125B: receive side scaling: which fields of a frame are hashed, and which queue a hash means. No driver of this chip says
 * how its hash comes about; that Realtek's r8125 gives it a key of Linux's length and calls it ETH_RSS_HASH_TOP is why it is
 * Toeplitz. Source: r8125_rss.c (_rtl8125_set_rss_hash_opt, rtl8125_store_reta, rtl8125_rx_hash_v3), DPDK rtl8125_config_rss.
 */
import type { LinkFrame } from '../../link/port.js';
import { type AnyReg, meta, pick, type RegisterFile, rtl8125b } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import { emptyHeaders, parseHeaders } from '../offload/headers.js';
import { KEY_BYTES, Toeplitz } from '../offload/toeplitz.js';
import { NO_QUEUE, type Spreading } from '../realtek/chip.js';

const { RSS_CTRL, RSS_KEY, RSS_TABLE, Q_NUM_CTRL, RX_QUEUES, RXD3_INFO } = rtl8125b;
const { IPV4, IPV6, IPV6_EXT, TCP_IPV4, TCP_IPV6, TCP_IPV6_EXT, UDP_IPV4, UDP_IPV6, UDP_IPV6_EXT } = RSS_CTRL;

const KINDS = IPV4 | IPV6 | IPV6_EXT | TCP_IPV4 | TCP_IPV6 | TCP_IPV6_EXT | UDP_IPV4 | UDP_IPV6 | UDP_IPV6_EXT;
const VLAN = 0x8100;
/** Addresses in the headers: source, then destination. */
const IPV4_ADDRESSES = { at: 12, bytes: 8 } as const;
const IPV6_ADDRESSES = { at: 8, bytes: 32 } as const;
const PORT_BYTES = 4;
/** Elements of the table in a word, their width, and what of one names a queue at all. */
const ENTRY_SHIFT = 2;
const ENTRY_BITS = 8;
const ENTRY = 0xff;

/** The hash unit; its results hold until the next frame. */
export class RssUnit implements Spreading {
  on = false;
  hash = 0;
  info = 0;
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #values: Int32Array;
  readonly #ctrl: number;
  readonly #number: number;
  readonly #table: number;
  readonly #headers = emptyHeaders();
  readonly #toeplitz = new Toeplitz();
  readonly #key = new Uint8Array(KEY_BYTES);
  /** The key has changed since its tables were made. */
  #stale = true;
  /** A queue of the table that is not on was told of. */
  #told = false;

  constructor(bus: DeviceBus, regs: RegisterFile) {
    this.#bus = bus;
    this.#regs = regs;
    this.#values = regs.values;
    this.#ctrl = regs.slot(RSS_CTRL);
    this.#number = regs.slot(Q_NUM_CTRL);
    this.#table = regs.slot(RSS_TABLE);
    regs.on(RSS_CTRL, {
      write: (value) => {
        this.on = (value & KINDS) !== 0;
        this.unhashed();
      },
    });
    regs.on(RSS_KEY, {
      write: () => {
        this.#stale = true;
      },
    });
    regs.on(RSS_TABLE, {
      write: () => {
        this.#told = false;
      },
    });
    regs.on(Q_NUM_CTRL, { write: (value) => this.#numbered(value) });
  }

  reset(): void {
    this.#stale = true;
    this.#told = this.on = false;
    this.unhashed();
  }

  get queues(): number {
    return Math.min(1 << pick(this.#values[this.#number]!, Q_NUM_CTRL.RX), RX_QUEUES);
  }

  classify(frame: LinkFrame): number {
    this.unhashed();
    this.#hash(frame);
    // What cannot be hashed goes to the first queue, as with other chips that scale.
    return this.info === 0 || this.queues === 1 ? 0 : this.#queue();
  }

  unhashed(): number {
    this.hash = this.info = 0;
    return 0;
  }

  #hash({ arena, offset, length }: LinkFrame): void {
    const headers = this.#headers;
    parseHeaders(arena, offset, length, VLAN, headers);
    const kind = this.#kind();
    if (kind === 0) return;
    if (this.#stale) this.#takeKey();
    const addresses = headers.ipv4 ? IPV4_ADDRESSES : IPV6_ADDRESSES;
    const { u8 } = arena;
    this.hash = this.#toeplitz.add(0, u8, offset + headers.l3 + addresses.at, addresses.bytes, 0);
    if ((kind & (RXD3_INFO.TCP | RXD3_INFO.UDP)) !== 0)
      this.hash = this.#toeplitz.add(this.hash, u8, offset + headers.l4, PORT_BYTES, addresses.bytes);
    this.info = kind;
  }

  /** What of the frame is hashed, as RXD3_INFO tells it; 0: nothing. */
  #kind(): number {
    const { ipv4, ipv6, tcp, udp, fragment, extensions } = this.#headers;
    const wanted = this.#values[this.#ctrl]!;
    if (ipv4) {
      const ports = fragment ? 0 : tcp ? TCP_IPV4 : udp ? UDP_IPV4 : 0;
      if ((wanted & ports) !== 0) return RXD3_INFO.IPV4 | (tcp ? RXD3_INFO.TCP : RXD3_INFO.UDP);
      return (wanted & IPV4) !== 0 ? RXD3_INFO.IPV4 : 0;
    }
    if (!ipv6) return 0;
    const plain = extensions ? 0 : -1;
    const ports = fragment ? 0 : tcp ? TCP_IPV6_EXT | (TCP_IPV6 & plain) : udp ? UDP_IPV6_EXT | (UDP_IPV6 & plain) : 0;
    if ((wanted & ports) !== 0) return RXD3_INFO.IPV6 | (tcp ? RXD3_INFO.TCP : RXD3_INFO.UDP);
    return (wanted & (IPV6_EXT | (IPV6 & plain))) !== 0 ? RXD3_INFO.IPV6 : 0;
  }

  #queue(): number {
    const bits = pick(this.#values[this.#ctrl]!, RSS_CTRL.MASK_BITS);
    const entry = this.hash & ((1 << bits) - 1);
    const word = this.#values[this.#table + (entry >> ENTRY_SHIFT)]!;
    const queue = (word >>> (ENTRY_BITS * (entry & ((1 << ENTRY_SHIFT) - 1)))) & ENTRY;
    if (queue < this.queues) return queue;
    if (!this.#told) {
      this.#told = true;
      this.#mistake(RSS_TABLE, word, `element ${entry} names queue ${queue}, and only ${this.queues} are on`);
    }
    return NO_QUEUE;
  }

  #numbered(value: number): void {
    this.#told = false;
    const queues = 1 << pick(value, Q_NUM_CTRL.RX);
    if (queues > RX_QUEUES) this.#mistake(Q_NUM_CTRL, value, `${queues} receive queues: the chip has ${RX_QUEUES}`);
  }

  #takeKey(): void {
    for (let i = 0; i < KEY_BYTES; i++) this.#key[i] = this.#regs.get(RSS_KEY, i >> 2) >>> (8 * (i & 3));
    this.#toeplitz.setKey(this.#key);
    this.#stale = false;
  }

  #mistake(register: AnyReg, value: number, message: string): void {
    const { name, ref } = register[meta];
    this.#bus.report({ rule: 'queue-state', register: name, value, message, ref });
  }
}
