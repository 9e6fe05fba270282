/** What is watched at one NIC: its accesses for the trace, its frames for trace and capture. */
import type { DeviceBus, EmulatedFunction } from '../../emulators/index.js';
import type { Cable, FrameFate, LinkFrame, PcapngWriter } from '../../link/index.js';
import type { Micros, Scheduler } from '../../platform/clock.js';
import type { RecordingHeader } from '../record/format.js';
import { type Recorded, recordFunction } from '../record/recorder.js';
import { descriptorText } from './descriptor.js';
import { AccessLog, FunctionTrace } from './trace.js';
import { watchFunction } from './watch.js';

/** How a NIC is watched. */
export interface NicWatchOptions {
  readonly label: string;
  readonly scheduler: Scheduler;
  /** Takes the lines of a trace. */
  readonly trace?: ((line: string) => void) | undefined;
  /** Records everything that passes between the model and its world. */
  readonly record?: { readonly header: RecordingHeader; readonly sink: (bytes: Uint8Array) => void } | undefined;
  /** Gets the frames of its cable, with comments: fate, descriptor, accesses. */
  readonly pcapng?: PcapngWriter | undefined;
}

/** Watches one NIC. Without trace and capture the model is left as it is. */
export class NicWatch {
  /** The model to be given to a host. */
  readonly model: EmulatedFunction;
  readonly trace: FunctionTrace | undefined;
  readonly recorded: Recorded | undefined;
  readonly #log: AccessLog | undefined;
  readonly #writer: PcapngWriter | undefined;
  readonly #interface: number;
  #bus: DeviceBus | undefined;

  constructor(model: EmulatedFunction, options: NicWatchOptions) {
    const { label, trace: line, pcapng, scheduler } = options;
    let watched = model;
    if (options.record) {
      this.recorded = recordFunction(model, options.record.header, options.record.sink);
      watched = this.recorded.model;
    }
    if (line) {
      this.trace = new FunctionTrace(model, { label, now: () => scheduler.now, line });
      watched = watchFunction(watched, this.trace);
    }
    this.#writer = pcapng;
    this.#interface = pcapng?.addInterface(label) ?? 0;
    if (pcapng) {
      this.#log = new AccessLog(model);
      const log = this.#log;
      watched = watchFunction(watched, {
        attached: (bus) => {
          this.#bus = bus;
        },
        read: (bar, at, width, value) => log.read(bar, at, width, value),
        write: (bar, at, width, value) => log.write(bar, at, width, value),
      });
    }
    this.model = watched;
  }

  /** Looks at the frames of the cable that was plugged into the model. Calls already there are kept. */
  plug(cable: Cable): void {
    const { port } = this.model;
    if (port === undefined || (this.trace === undefined && this.#writer === undefined)) return;
    const { tap } = cable;
    cable.tap = (time, from, frame) => {
      tap?.(time, from, frame);
      this.#tapped(time, from === port, frame, cable);
    };
    const { onFate } = port;
    port.onFate = (frame, fate) => {
      onFate?.(frame, fate);
      this.#came(frame, fate, cable);
    };
  }

  #tapped(time: Micros, out: boolean, frame: LinkFrame, cable: Cable): void {
    if (out) {
      this.#writer?.frame(this.#interface, time, frame, 'out', this.#comment());
      this.trace?.sent(frame);
    } else if (cable.faults !== undefined) {
      // What the cable does to it comes later: captured as it was sent.
      this.#writer?.frame(this.#interface, time, frame, 'in', 'before the faults of the cable');
    }
  }

  #came(frame: LinkFrame, fate: FrameFate, cable: Cable): void {
    this.trace?.came(frame, fate);
    if (this.#writer === undefined || cable.faults !== undefined) return;
    const comment = fate === 'delivered' ? this.#comment() : (this.#log?.take() ?? '');
    this.#writer.frame(this.#interface, cable.now, frame, 'in', comment === '' ? fate : `${fate}: ${comment}`);
  }

  #comment(): string {
    return [descriptorText(this.model, this.#bus), this.#log?.take() ?? ''].filter((text) => text !== '').join('\n');
  }
}
