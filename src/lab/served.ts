/** The world of models that foreign machines drive: NICs on a switch, our gateway or a wire to elsewhere behind it. */
import type { EmulatedFunction, Schedule } from '../emulators/index.js';
import { Cable, EthernetSwitch, type FrameFate, type LinkPort, PcapngWriter } from '../link/index.js';
import type { HashFactory } from '../net/index.js';
import { OwnedArena } from '../platform/arena.js';
import type { Scheduler } from '../platform/clock.js';
import { Random } from '../platform/random.js';
import { type BrokenDevice, breakDevice } from './device-faults.js';
import { Gateway } from './gateway.js';
import { type Hideable, hideCapabilities } from './hide.js';
import { nicKind } from './nics.js';
import type { Recorded } from './record/recorder.js';
import { NicWatch } from './trace/nic.js';
import type { FunctionTrace } from './trace/trace.js';

/** One NIC to be served. */
export interface ServedNicOptions {
  /** A name of {@link NICS}. */
  readonly nic: string;
  /** Station address, 6 bytes. */
  readonly mac: Uint8Array;
  /** Content of its EEPROM, for kinds that have one; it holds the station address then. */
  readonly nvm?: Uint16Array;
}

/** How the world is built. */
export interface ServedNetworkOptions {
  readonly nics: readonly ServedNicOptions[];
  readonly scheduler: Scheduler;
  readonly seed?: number | string;
  /** With `timed` the cables carry 1 Gbit/s. */
  readonly schedule?: Schedule;
  /** Capabilities that no NIC is to show. */
  readonly hide?: readonly Hideable[];
  /** Gets the bytes of a pcapng with one interface for each NIC's cable. */
  readonly pcapng?: (bytes: Uint8Array) => void;
  /** Takes lines of a trace of all NICs. */
  readonly trace?: (line: string) => void;
  /** Takes the bytes of the recording of a NIC. */
  readonly record?: (nic: number) => (bytes: Uint8Array) => void;
  /** The NICs can be broken: {@link ServedNic.broken}. */
  readonly breakable?: boolean;
  /** SHA-256 for the gateway's HTTP server. */
  readonly hash?: HashFactory;
  /** Something else than our gateway behind the switch: a port to plug in. */
  readonly uplink?: LinkPort;
}

/** What became of the frames of one NIC. */
export interface FrameCounts {
  /** Put on the cable by the NIC. */
  sent: number;
  /** Frames that came to the NIC, by their end. */
  readonly came: Record<FrameFate, number>;
}

/** A NIC of the network. */
export interface ServedNic {
  /** Unique in the network: the NIC's name, with its place when there are several of the kind. */
  readonly label: string;
  readonly nic: string;
  readonly model: EmulatedFunction;
  readonly cable: Cable;
  readonly frames: FrameCounts;
  readonly trace: FunctionTrace | undefined;
  readonly recorded: Recorded | undefined;
  /** To break and mend it; undefined unless {@link ServedNetworkOptions.breakable}. */
  readonly broken: BrokenDevice | undefined;
}

/** Pages are taken as they are touched. 64 connections through a way need 64 MiB; what does not fit is reset. */
const GATEWAY_BYTES = 160 << 20;
/** The model's buffers, and its cable's when that has a speed. */
const NIC_BYTES = 24 << 20;

/** The network. Its clock is the caller's. */
export class ServedNetwork {
  /** Memory of gateway, cables and models. */
  readonly arena: OwnedArena;
  readonly switch = new EthernetSwitch();
  /** Undefined with an uplink. */
  readonly gateway: Gateway | undefined;
  readonly nics: readonly ServedNic[];

  /** @throws RangeError for a NIC that does not exist */
  constructor(options: ServedNetworkOptions) {
    const { scheduler, nics } = options;
    this.arena = new OwnedArena(GATEWAY_BYTES + nics.length * NIC_BYTES);
    const writer = options.pcapng ? new PcapngWriter(options.pcapng) : undefined;
    this.nics = nics.map((nic, i) => {
      const alone = nics.filter((other) => other.nic === nic.nic).length === 1;
      return this.#plug(nic, alone ? nic.nic : `${nic.nic}.${i}`, options, writer);
    });
    const far = this.switch.port('uplink');
    if (options.uplink === undefined) {
      this.gateway = new Gateway({
        scheduler,
        arena: this.arena,
        random: new Random(`gateway ${options.seed ?? 0}`),
        ...(options.hash ? { hash: options.hash } : {}),
      });
    }
    new Cable(far, options.uplink ?? this.gateway!.port, { scheduler, arena: this.arena });
  }

  #plug(
    nic: ServedNicOptions,
    label: string,
    options: ServedNetworkOptions,
    writer: PcapngWriter | undefined,
  ): ServedNic {
    const made = nicKind(nic.nic).make(nic.mac, label, nic.nvm);
    const watch = new NicWatch(hideCapabilities(made, options.hide ?? []), {
      label,
      scheduler: options.scheduler,
      trace: options.trace,
      pcapng: writer,
      record: options.record && {
        header: {
          nicforge: 'recording',
          version: 1,
          nic: nic.nic,
          label,
          mac: Array.from(nic.mac, (byte) => byte.toString(16).padStart(2, '0')).join(''),
          ...(nic.nvm ? { nvm: [...nic.nvm] } : {}),
          schedule: options.schedule ?? 'fast',
          fates: Object.keys(noFates()) as FrameFate[],
        },
        sink: options.record(options.nics.indexOf(nic)),
      },
    });
    let cable: Cable | undefined;
    const broken = options.breakable
      ? breakDevice(watch.model, { random: new Random(`faults ${label} ${options.seed ?? 0}`), cable: () => cable })
      : undefined;
    const model = broken?.model ?? watch.model;
    const port = model.port!;
    const frames: FrameCounts = { sent: 0, came: noFates() };
    port.onFate = (_frame, fate) => {
      frames.came[fate]++;
    };
    cable = new Cable(port, this.switch.port(), {
      scheduler: options.scheduler,
      arena: this.arena,
      ...(options.schedule === 'timed' ? { rate: 1000 } : {}),
    });
    cable.tap = (_time, from) => {
      if (from === port) frames.sent++;
    };
    watch.plug(cable);
    return { label, nic: nic.nic, model, cable, frames, trace: watch.trace, recorded: watch.recorded, broken };
  }
}

function noFates(): Record<FrameFate, number> {
  return {
    delivered: 0,
    queued: 0,
    'no-carrier': 0,
    'receiver-off': 0,
    'ring-empty': 0,
    'fifo-full': 0,
    filtered: 0,
    'bad-fcs': 0,
    'too-long': 0,
    'too-short': 0,
    'pause-frame': 0,
    'vlan-filtered': 0,
    'dma-fault': 0,
    'lost-on-cable': 0,
    'switch-full': 0,
    'power-state': 0,
  };
}
