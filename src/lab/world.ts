/** A ready world: a PC with a bus tree and NICs, a switch, a gateway, and cables between them. */
import type { EmulatedFunction, PciShell, Schedule } from '../emulators/index.js';
import { Machine } from '../hosts/machine/index.js';
import { Cable, EthernetSwitch, type FaultRates, FaultStage, type LinkPort, PcapngWriter } from '../link/index.js';
import type { HashFactory } from '../net/index.js';
import { OwnedArena } from '../platform/arena.js';
import { Scheduler } from '../platform/clock.js';
import { Diagnostics } from '../platform/diagnostics.js';
import { Random } from '../platform/random.js';
import { Gateway } from './gateway.js';
import { NICS, nicKind } from './nics.js';
import { NicWatch } from './trace/nic.js';
import type { FunctionTrace } from './trace/trace.js';

/** How a world is built. */
export interface WorldOptions {
  /** NICs by name; default one of each that exists. */
  readonly nics?: readonly string[];
  readonly seed?: number | string;
  readonly schedule?: Schedule;
  /** Owns time; default a virtual clock. */
  readonly scheduler?: Scheduler;
  /** What happens on each NIC's cable. */
  readonly faults?: FaultRates;
  /** One-way delay of each NIC's cable, microseconds. */
  readonly latency?: number;
  /** Gets the bytes of a pcapng with one interface for each NIC's cable. */
  readonly pcapng?: (bytes: Uint8Array) => void;
  /** Takes lines of a trace of all NICs. */
  readonly trace?: (line: string) => void;
  readonly hash?: HashFactory;
  readonly realTime?: () => number;
  /** Something else than our gateway behind the switch: a port to plug in. */
  readonly uplink?: LinkPort;
  readonly strict?: boolean;
  /** Memory to live in, at least 192 MiB; default a new piece. */
  readonly arena?: OwnedArena;
}

/** A NIC of the world: its model, its place in the PC and its cable. */
export interface WorldNic {
  readonly name: string;
  readonly model: EmulatedFunction;
  readonly shell: PciShell;
  readonly cable: Cable;
  readonly trace: FunctionTrace | undefined;
}

const ARENA = 192 * 1024 * 1024;
const RAM = 48 * 1024 * 1024;

/** The world. */
export class World {
  readonly scheduler: Scheduler;
  readonly arena: OwnedArena;
  readonly random: Random;
  readonly diagnostics = new Diagnostics();
  readonly machine: Machine;
  readonly switch: EthernetSwitch;
  readonly gateway: Gateway | undefined;
  readonly nics: readonly WorldNic[];

  /** @throws RangeError for a NIC that does not exist */
  constructor(options: WorldOptions = {}) {
    this.scheduler = options.scheduler ?? new Scheduler();
    this.arena = options.arena ?? new OwnedArena(ARENA);
    this.random = new Random(`world ${options.seed ?? 0}`);
    this.machine = new Machine({
      scheduler: this.scheduler,
      arena: this.arena,
      ramBytes: RAM,
      diagnostics: this.diagnostics,
      ...(options.schedule ? { schedule: options.schedule } : {}),
      ...(options.strict ? { strict: true } : {}),
      seed: this.random.u32(),
    });
    this.switch = new EthernetSwitch();
    const writer = options.pcapng ? new PcapngWriter(options.pcapng) : undefined;
    this.nics = this.#plug(options, writer);
    const far = this.switch.port('uplink');
    if (options.uplink) new Cable(far, options.uplink, this);
    else {
      this.gateway = new Gateway({
        scheduler: this.scheduler,
        arena: this.arena,
        random: this.random.fork('gateway'),
        ...(options.hash ? { hash: options.hash } : {}),
        ...(options.realTime ? { realTime: options.realTime } : {}),
      });
      new Cable(far, this.gateway.port, this);
    }
  }

  /** Half of the NICs sit on the root bus, the other half behind a root port and a bridge. */
  #plug(options: WorldOptions, writer: PcapngWriter | undefined): WorldNic[] {
    const names = options.nics ?? NICS.map((nic) => nic.name);
    const root = this.machine.bus;
    const port = root.addBridge('root-port', { device: 2 });
    const below = port.addBridge('pci-bridge', { device: 0 });
    return names.map((name, i) => {
      const kind = nicKind(name);
      const mac = Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56 + i);
      const watch = new NicWatch(kind.make(mac, name), {
        label: `${name} ${i}`,
        scheduler: this.scheduler,
        trace: options.trace,
        pcapng: writer,
      });
      const { model } = watch;
      const shell = i % 2 === 0 ? root.add(model, { device: 3 + i }) : below.add(model, { device: 1 + i });
      const faults = options.faults ? new FaultStage(options.faults, this.random.fork(`cable ${i}`)) : undefined;
      const cable = new Cable(model.port!, this.switch.port(), {
        scheduler: this.scheduler,
        arena: this.arena,
        ...(options.schedule === 'timed' ? { rate: 1000 } : {}),
        ...(options.latency === undefined ? {} : { latency: options.latency }),
        ...(faults ? { faults } : {}),
      });
      watch.plug(cable);
      return { name, model, shell, cable, trace: watch.trace };
    });
  }
}
