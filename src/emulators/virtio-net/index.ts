/** virtio-net, modern PCI transport. Source: OASIS virtio 1.2 §2, §4.1, §5.1. */
import { GIGABIT, type LinkFrame, LinkPort } from '../../link/port.js';
import { hex, type RegisterFault, RegisterFile, virtio } from '../../registers/index.js';
import type {
  ConfigDeclaration,
  DeviceBus,
  EmulatedFunction,
  FrameDescriptor,
  ModelAlarm,
  ResetKind,
  RingState,
} from '../function.js';
import { configOf, LAYOUT, mapsOf, PCI_CFG_AT } from './config.js';
import { ControlQueue } from './control.js';
import { Virtqueue } from './queue.js';
import { NetRx } from './rx.js';
import { NetTx } from './tx.js';

const { DEVICE_STATUS, FEATURE, NET_FEATURE, NET_STATUS, ISR } = virtio;
const NO_VECTOR = 0xffff;

/** How a device is made. */
export interface VirtioNetOptions {
  /** Station address, 6 bytes. */
  readonly mac?: Uint8Array;
  /** Largest IP packet announced with VIRTIO_NET_F_MTU. Default 1500. */
  readonly mtu?: number;
  /** Entries of a queue, a power of two. Default 256. */
  readonly queueSize?: number;
  /** Feature bits (numbers) not to offer. */
  readonly without?: readonly number[];
  /** Name of its port in captures. */
  readonly name?: string;
}

const OFFERED: readonly number[] = [
  FEATURE.VERSION_1,
  FEATURE.EVENT_IDX,
  FEATURE.INDIRECT_DESC,
  NET_FEATURE.CSUM,
  NET_FEATURE.GUEST_CSUM,
  NET_FEATURE.HOST_TSO4,
  NET_FEATURE.HOST_TSO6,
  NET_FEATURE.HOST_ECN,
  NET_FEATURE.MAC,
  NET_FEATURE.MTU,
  NET_FEATURE.MRG_RXBUF,
  NET_FEATURE.STATUS,
  NET_FEATURE.CTRL_VQ,
  NET_FEATURE.CTRL_RX,
  NET_FEATURE.CTRL_RX_EXTRA,
  NET_FEATURE.CTRL_VLAN,
  NET_FEATURE.CTRL_MAC_ADDR,
];

const NAMES = ['receive queue 0', 'transmit queue 1', 'control queue 2'];

/** The device, as a function on a bus. Queue 0 receives, 1 transmits, 2 controls. */
export class VirtioNet implements EmulatedFunction {
  readonly name = 'virtio-net';
  readonly config: ConfigDeclaration;
  readonly port: LinkPort;
  readonly descriptor: FrameDescriptor = { ring: '', index: -1, address: 0 };
  readonly regs = new RegisterFile(virtio.commonMap);
  readonly #isr = new RegisterFile(virtio.isrMap);
  readonly #net = new RegisterFile(virtio.netConfigMap);
  readonly maps = mapsOf(this.regs, this.#isr, this.#net);
  readonly #deviceStatus = this.regs.slot(DEVICE_STATUS);
  readonly #netStatus = this.#net.slot(NET_STATUS);
  readonly #mac: Uint8Array;
  readonly #mtu: number;
  readonly #queueSize: number;
  readonly #offered: readonly [number, number];
  #bus!: DeviceBus;
  #queues: Virtqueue[] = [];
  #tx!: NetTx;
  #rx!: NetRx;
  #control!: ControlQueue;
  #alarm!: ModelAlarm;
  #pending = 0;
  #accepted: [number, number] = [0, 0];
  #broken = false;

  constructor(options: VirtioNetOptions = {}) {
    this.#mac = (options.mac ?? Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x57)).slice();
    this.#mtu = options.mtu ?? 1500;
    this.#queueSize = options.queueSize ?? 256;
    const offered: [number, number] = [0, 0];
    for (const feature of OFFERED)
      if (!options.without?.includes(feature)) offered[feature >> 5]! |= 1 << (feature & 31);
    this.#offered = offered;
    this.config = configOf(4);
    this.port = new LinkPort(options.name ?? this.name);
  }

  attach(bus: DeviceBus): void {
    this.#bus = bus;
    this.#queues = [0, 1, 2].map((index) => new Virtqueue(bus, index, index === 2 ? 64 : this.#queueSize));
    this.#rx = new NetRx(bus, this.#queues[0]!, this.#mac, this.descriptor);
    this.#tx = new NetTx(bus, this.#queues[1]!, this.port, this.descriptor);
    this.#control = new ControlQueue(bus, this.#queues[2]!, this.#rx.filter);
    this.#alarm = bus.alarm(() => this.#run());
    this.#rx.onUsed = this.#used;
    this.port.receive = (frame: LinkFrame) =>
      this.#running && (this.#net.values[this.#netStatus]! & NET_STATUS.LINK_UP) !== 0
        ? this.#rx.receive(frame)
        : 'receiver-off';
    this.port.onPartner = () => this.#linkChanged();
    this.#common();
    for (const file of [this.regs, this.#isr, this.#net]) file.onFault = (fault) => this.#mistake(fault);
    this.#isr.on(ISR, {
      read: (stored) => {
        this.#bus.setLevel(false);
        return stored;
      },
    });
    this.port.offer(GIGABIT);
    this.#deviceReset();
  }

  readBar(bar: number, at: number, width: number): number {
    if (bar !== LAYOUT.bar) return 0;
    const place = at & (LAYOUT.span - 1);
    if (at < LAYOUT.isr) return this.regs.read(place, width);
    if (at < LAYOUT.device) return this.#isr.read(place, width);
    if (at < LAYOUT.notify) return this.#net.read(place, width);
    return 0;
  }

  writeBar(bar: number, at: number, width: number, value: number): void {
    if (bar !== LAYOUT.bar) return;
    const place = at & (LAYOUT.span - 1);
    if (at < LAYOUT.isr) this.regs.write(place, width, value);
    else if (at < LAYOUT.device) this.#isr.write(place, width, value);
    else if (at < LAYOUT.notify) this.#net.write(place, width, value);
    else this.#notify(place / LAYOUT.notifyMultiplier, value & 0xffff);
  }

  rings(): readonly RingState[] {
    return this.#queues.map((queue) => queue.state(NAMES[queue.index]!));
  }

  reset(_kind: ResetKind): void {
    this.#deviceReset();
  }

  /** The pci-cfg window (§4.1.4.9): its data field reads and writes the BAR at the place its other fields name. */
  readConfig(at: number, width: number): number | undefined {
    if (at < PCI_CFG_AT + 16 || at >= PCI_CFG_AT + 20) return undefined;
    const place = this.#window;
    return place === undefined ? 0 : this.readBar(LAYOUT.bar, place, Math.min(width, this.#windowWidth));
  }

  writeConfig(at: number, width: number, value: number): void {
    for (let i = 0; i < width / 8; i++)
      if (at + i >= PCI_CFG_AT && at + i < PCI_CFG_AT + 16)
        this.#windowBytes[at + i - PCI_CFG_AT] = (value >>> (8 * i)) & 0xff;
    if (at < PCI_CFG_AT + 16 || at >= PCI_CFG_AT + 20) return;
    const place = this.#window;
    if (place !== undefined) this.writeBar(LAYOUT.bar, place, Math.min(width, this.#windowWidth), value);
  }

  readonly #windowBytes = new Uint8Array(16);

  get #window(): number | undefined {
    const b = this.#windowBytes;
    const offset = b[8]! | (b[9]! << 8) | (b[10]! << 16) | (b[11]! << 24);
    return b[4] === LAYOUT.bar && offset >= 0 && offset < 4 * LAYOUT.span ? offset : undefined;
  }

  get #windowWidth(): number {
    return [8, 8, 16, 16, 32][this.#windowBytes[12]!] ?? 32;
  }

  get #running(): boolean {
    return (this.regs.values[this.#deviceStatus]! & DEVICE_STATUS.DRIVER_OK) !== 0 && !this.#broken;
  }

  #has(feature: number): boolean {
    return (this.#accepted[feature >> 5]! & (1 << (feature & 31))) !== 0;
  }

  #deviceReset(): void {
    for (const file of [this.regs, this.#isr, this.#net]) file.reset();
    for (const queue of this.#queues) queue.reset();
    this.#accepted = [0, 0];
    this.#pending = 0;
    this.#broken = false;
    this.#alarm.cancel();
    this.#rx.reset();
    this.#tx.reset();
    this.regs.set(virtio.NUM_QUEUES, this.#queues.length);
    for (let i = 0; i < 6; i++) this.#net.set(virtio.NET_MAC, this.#mac[i]!, i);
    this.#net.set(virtio.NET_MTU, this.#mtu);
    this.#net.set(virtio.NET_MAX_PAIRS, 1);
    this.#net.set(virtio.NET_SPEED, -1);
    this.#net.set(virtio.NET_DUPLEX, 0xff);
    this.#net.set(NET_STATUS, this.port.partner ? NET_STATUS.LINK_UP : 0);
    this.#bus.setLevel(false);
  }

  #linkChanged(): void {
    this.#net.set(NET_STATUS, this.port.partner ? NET_STATUS.LINK_UP : 0);
    if (!this.#running) return;
    this.regs.set(virtio.CONFIG_GENERATION, (this.regs.get(virtio.CONFIG_GENERATION) + 1) & 0xff);
    this.#signal(this.regs.get(virtio.CONFIG_MSIX_VECTOR), ISR.CONFIG);
  }

  /** Hooks of the common configuration structure. */
  #common(): void {
    const r = virtio;
    const word = (features: readonly number[], select: number): number => features[select] ?? 0;
    const regs = this.regs;
    regs.on(r.DEVICE_FEATURE, { read: () => word(this.#offered, regs.get(r.DEVICE_FEATURE_SELECT) >>> 0) });
    regs.on(r.DRIVER_FEATURE, {
      read: () => word(this.#accepted, regs.get(r.DRIVER_FEATURE_SELECT) >>> 0),
      write: (value) => this.#accept(regs.get(r.DRIVER_FEATURE_SELECT) >>> 0, value),
    });
    regs.on(DEVICE_STATUS, { write: (value, _i, old) => this.#status(value, old) });
    regs.on(r.CONFIG_MSIX_VECTOR, { write: (value) => regs.set(r.CONFIG_MSIX_VECTOR, this.#vector(value)) });
    const bank = (
      register: Parameters<RegisterFile['on']>[0],
      get: (q: Virtqueue) => number,
      set: (q: Virtqueue, value: number) => void,
    ): void => {
      regs.on(register, {
        read: () => (this.#selected ? get(this.#selected) : 0),
        write: (value) => {
          const queue = this.#selected;
          if (!queue) return;
          if (queue.enabled && register !== r.QUEUE_MSIX_VECTOR) {
            this.#report(
              'queue-state',
              'QUEUE_SELECT',
              queue.index,
              'a queue was changed while it is enabled',
              '§4.1.4.3.2',
            );
          } else set(queue, value);
        },
      });
    };
    bank(
      r.QUEUE_SIZE,
      (q) => q.size,
      (q, v) => this.#size(q, v & 0xffff),
    );
    bank(
      r.QUEUE_MSIX_VECTOR,
      (q) => q.vector,
      (q, v) => (q.vector = this.#vector(v)),
    );
    bank(
      r.QUEUE_ENABLE,
      (q) => (q.enabled ? 1 : 0),
      (q, v) => this.#enable(q, v),
    );
    bank(
      r.QUEUE_NOTIFY_OFF,
      (q) => q.index,
      () => {},
    );
    bank(
      r.QUEUE_DESC_LOW,
      (q) => q.descLow,
      (q, v) => (q.descLow = v),
    );
    bank(
      r.QUEUE_DESC_HIGH,
      (q) => q.descHigh,
      (q, v) => (q.descHigh = v),
    );
    bank(
      r.QUEUE_DRIVER_LOW,
      (q) => q.driverLow,
      (q, v) => (q.driverLow = v),
    );
    bank(
      r.QUEUE_DRIVER_HIGH,
      (q) => q.driverHigh,
      (q, v) => (q.driverHigh = v),
    );
    bank(
      r.QUEUE_DEVICE_LOW,
      (q) => q.deviceLow,
      (q, v) => (q.deviceLow = v),
    );
    bank(
      r.QUEUE_DEVICE_HIGH,
      (q) => q.deviceHigh,
      (q, v) => (q.deviceHigh = v),
    );
  }

  get #selected(): Virtqueue | undefined {
    return this.#queues[this.regs.get(virtio.QUEUE_SELECT)];
  }

  #accept(select: number, value: number): void {
    if (select > 1) return;
    const extra = value & ~this.#offered[select]!;
    if (extra !== 0)
      this.#report(
        'feature-not-negotiated',
        'DRIVER_FEATURE',
        extra,
        `features were accepted that were not offered (word ${select})`,
        '§2.2.1',
      );
    if ((this.regs.get(DEVICE_STATUS) & DEVICE_STATUS.FEATURES_OK) !== 0) {
      this.#report('negotiation-order', 'DRIVER_FEATURE', value, 'features were written after FEATURES_OK', '§3.1.1');
      return;
    }
    this.#accepted[select] = value;
  }

  #status(value: number, old: number): void {
    if ((value & 0xff) === 0) {
      this.#deviceReset();
      return;
    }
    if ((value & DEVICE_STATUS.FEATURES_OK) !== 0 && (old & DEVICE_STATUS.FEATURES_OK) === 0) this.#settle();
    if ((value & DEVICE_STATUS.DRIVER_OK) !== 0 && (old & DEVICE_STATUS.DRIVER_OK) === 0) {
      if ((this.regs.get(DEVICE_STATUS) & DEVICE_STATUS.FEATURES_OK) === 0) {
        this.#report('negotiation-order', 'DEVICE_STATUS', value, 'DRIVER_OK without FEATURES_OK', '§3.1.1');
      }
      this.#pending |= 7;
      this.#alarm.arm(this.#bus.now);
    }
  }

  /** What is wrong with the accepted set, if anything. */
  #wrongFeatures(): string | undefined {
    if (!this.#has(FEATURE.VERSION_1)) return 'VIRTIO_F_VERSION_1 was not accepted by a driver of a modern device';
    if (((this.#accepted[0] & ~this.#offered[0]) | (this.#accepted[1] & ~this.#offered[1])) !== 0)
      return 'features were accepted that were not offered';
    const segments = this.#has(NET_FEATURE.HOST_TSO4) || this.#has(NET_FEATURE.HOST_TSO6);
    if (segments && !this.#has(NET_FEATURE.CSUM)) return 'HOST_TSO4 and HOST_TSO6 need CSUM';
    return undefined;
  }

  /** FEATURES_OK: the device takes the set, or clears the bit again (§3.1.1 step 5). */
  #settle(): void {
    const wrong = this.#wrongFeatures();
    if (wrong !== undefined) {
      this.#report('feature-not-negotiated', 'DRIVER_FEATURE', this.#accepted[0], wrong, '§3.1.1');
      this.regs.lower(DEVICE_STATUS, DEVICE_STATUS.FEATURES_OK);
      return;
    }
    for (const queue of this.#queues) {
      queue.eventIdx = this.#has(FEATURE.EVENT_IDX);
      queue.indirect = this.#has(FEATURE.INDIRECT_DESC);
    }
    this.#tx.settle({
      csum: this.#has(NET_FEATURE.CSUM),
      tso4: this.#has(NET_FEATURE.HOST_TSO4),
      tso6: this.#has(NET_FEATURE.HOST_TSO6),
    });
    this.#rx.settle({
      mergeable: this.#has(NET_FEATURE.MRG_RXBUF),
      csum: this.#has(NET_FEATURE.GUEST_CSUM),
      filter: this.#has(NET_FEATURE.CTRL_RX),
      vlan: this.#has(NET_FEATURE.CTRL_VLAN),
    });
  }

  #size(queue: Virtqueue, size: number): void {
    if (size === 0 || size > queue.maxSize || (size & (size - 1)) !== 0) {
      this.#report('ring-length', 'QUEUE_SIZE', size, `a power of two of at most ${queue.maxSize}`, '§4.1.4.3.2');
      return;
    }
    queue.size = size;
  }

  #enable(queue: Virtqueue, value: number): void {
    if (value !== 1) {
      this.#report('queue-state', 'QUEUE_ENABLE', value, 'only 1 may be written', '§4.1.4.3.2');
      return;
    }
    if ((this.regs.get(DEVICE_STATUS) & DEVICE_STATUS.FEATURES_OK) === 0) {
      this.#report(
        'negotiation-order',
        'QUEUE_ENABLE',
        queue.index,
        'a queue was enabled before FEATURES_OK',
        '§3.1.1',
      );
    }
    if ((queue.descLow & 15) !== 0 || (queue.driverLow & 1) !== 0 || (queue.deviceLow & 3) !== 0) {
      this.#report(
        'ring-alignment',
        'QUEUE_DESC',
        queue.descLow,
        'descriptors need 16, available ring 2, used ring 4 byte alignment',
        '§2.7',
      );
    }
    queue.enable();
  }

  #vector(value: number): number {
    const vector = value & 0xffff;
    const vectors = this.config.msix?.vectors ?? 0;
    return vector < vectors ? vector : NO_VECTOR;
  }

  #notify(place: number, value: number): void {
    if (!this.#running) {
      this.#report('use-before-ready', 'notify', value, 'a queue was notified before DRIVER_OK', '§3.1.1');
      return;
    }
    const queue = this.#queues[value];
    if (!queue || Math.floor(place) !== value) {
      this.#report('queue-state', 'notify', value, `there is no queue ${value} at this place`, '§4.1.4.4');
      return;
    }
    this.#pending |= 1 << value;
    if (!this.#alarm.armed) this.#alarm.arm(this.#bus.now + this.#bus.delay(200));
  }

  #run(): void {
    if (!this.#running) return;
    const work = this.#pending;
    this.#pending = 0;
    let ok = true;
    if ((work & 4) !== 0) {
      const left = this.#control.run(this.#used);
      ok = left >= 0;
      if (left > 0) this.#again(4, this.#bus.now);
    }
    // A refilled receive queue is looked at when the next frame comes.
    if (ok && (work & 2) !== 0) {
      const left = this.#tx.run(this.#used);
      ok = left >= 0;
      if (left > 0) this.#again(2, this.#tx.nextAt);
    }
    if (!ok) this.#break();
  }

  /** There is more to do for the queue of bit `work`, not before `from`. */
  #again(work: number, from: number): void {
    this.#pending |= work;
    if (!this.#alarm.armed) this.#alarm.arm(Math.max(this.#bus.now + this.#bus.delay(100), from));
  }

  /** The driver did something that leaves the device without a way on (§2.1.2). */
  #break(): void {
    this.#broken = true;
    this.regs.raise(DEVICE_STATUS, DEVICE_STATUS.NEEDS_RESET);
    this.#signal(this.regs.get(virtio.CONFIG_MSIX_VECTOR), ISR.CONFIG);
  }

  /** Chains of a queue were used. */
  readonly #used = (queue: Virtqueue): void => {
    if (queue.wantsInterrupt) this.#signal(queue.vector, ISR.QUEUE);
  };

  #signal(vector: number, cause: number): void {
    if (this.#bus.msixEnabled) {
      if (vector !== NO_VECTOR) this.#bus.message(vector);
      return;
    }
    this.#isr.raise(ISR, cause);
    this.#bus.setLevel(true);
  }

  #mistake(fault: RegisterFault): void {
    if (fault.kind === 'reserved-bits' || fault.kind === 'read-only-register') return;
    this.#report(
      'unknown-register',
      `offset ${hex(fault.offset, 16)}`,
      fault.value,
      `${fault.width}-bit access where the structure has no field`,
      '§4.1.3.1',
    );
  }

  #report(
    rule: Parameters<DeviceBus['report']>[0]['rule'],
    register: string,
    value: number,
    message: string,
    section: string,
  ): void {
    this.#bus.report({ rule, register, value, message, ref: `virtio 1.2 ${section}` });
  }
}
