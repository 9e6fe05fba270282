/** TCP segmentation as context descriptors ask for it. Source: 8254x §3.5; 82574 §7.3. */
import { i82540em, pick } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import { MAX_SEND, Segmenter } from '../offload/segmenter.js';
import type { Sections } from './chip.js';

const { CTX_IP, CTX_TU, CTX_CMD, CTX_MSS } = i82540em;
const { IXSM, TXSM } = i82540em.TXD_POPTS;

const LEAST = { tcp: 20, udp: 8, ipv4: 20, ipv6: 40 } as const;

/** What context descriptors said last; it holds until the next one (8254x §3.3.6). */
export interface OffloadContext {
  /** A context descriptor came since the last reset. */
  known: boolean;
  ip: number;
  tu: number;
  command: number;
  mss: number;
}

/** One segmentation send after the other. */
export class TsoUnit {
  readonly #bus: DeviceBus;
  readonly #sections: Sections;
  readonly #context: OffloadContext;
  readonly #mostBytes: number;
  readonly #segmenter: Segmenter;

  /**
   * @param packet where segments are built, with room for `mostBytes`
   * @param send takes a segment of so many bytes at `packet`
   */
  constructor(
    bus: DeviceBus,
    sections: Sections,
    context: OffloadContext,
    packet: number,
    mostBytes: number,
    send: (bytes: number) => void,
  ) {
    this.#bus = bus;
    this.#sections = sections;
    this.#context = context;
    this.#mostBytes = mostBytes;
    this.#segmenter = new Segmenter(bus, {
      packet,
      send,
      tooLong: (bytes) =>
        bus.report({
          rule: 'frame-too-long',
          register: 'PAYLEN',
          value: bytes,
          message: `more than ${MAX_SEND} bytes in one send`,
          ref: sections.segmentation,
        }),
    });
  }

  /** A send is under way. */
  get active(): boolean {
    return this.#segmenter.active;
  }

  reset(): void {
    this.#segmenter.reset();
  }

  /** The first data descriptor with TSE. @param options its POPTS word */
  begin(options: number): void {
    const { ip, tu, command, mss, known } = this.#context;
    const { plan } = this.#segmenter;
    const segment = pick(mss, CTX_MSS.MSS);
    this.#segmenter.begin(segment);
    plan.headerBytes = pick(mss, CTX_MSS.HDRLEN);
    plan.l3 = pick(ip, CTX_IP.IPCSS);
    plan.l4 = pick(tu, CTX_TU.TUCSS);
    plan.ipv4 = (command & CTX_CMD.IP) !== 0;
    plan.tcp = (command & CTX_CMD.TCP) !== 0;
    plan.ipChecksumAt = (options & IXSM) !== 0 ? pick(ip, CTX_IP.IPCSO) : 0;
    plan.l4ChecksumAt = (options & TXSM) !== 0 ? pick(tu, CTX_TU.TUCSO) : 0;
    const fits =
      known &&
      (command & CTX_CMD.TSE) !== 0 &&
      segment > 0 &&
      plan.l3 + (plan.ipv4 ? LEAST.ipv4 : LEAST.ipv6) <= plan.l4 &&
      plan.l4 + (plan.tcp ? LEAST.tcp : LEAST.udp) <= plan.headerBytes &&
      plan.headerBytes + segment <= this.#mostBytes &&
      plan.ipChecksumAt + 1 < plan.headerBytes &&
      plan.l4ChecksumAt + 1 < plan.headerBytes;
    if (fits) return;
    this.#segmenter.fail();
    this.#bus.report({
      rule: 'offload-context',
      register: 'CTX',
      value: mss,
      message: 'segmentation asked without a context whose header length, offsets and MSS fit together',
      ref: this.#sections.segmentation,
    });
  }

  /** Takes `bytes` bytes at a guest address. */
  gather(from: number, bytes: number): void {
    this.#segmenter.gather(from, bytes);
  }

  /** EOP: sends what is left. True when the send made sense. */
  end(): boolean {
    const { carried } = this.#segmenter;
    const asked = pick(this.#context.command, CTX_CMD.PAYLEN);
    if (carried >= 0 && asked !== carried) {
      this.#bus.report({
        rule: 'offload-context',
        register: 'PAYLEN',
        value: asked,
        message: `PAYLEN says ${asked} bytes, the descriptors carry ${carried}`,
        ref: this.#sections.context,
      });
    }
    return this.#segmenter.end();
  }
}
