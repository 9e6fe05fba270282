/** `nicforge lab`: builds a PC, enumerates its bus, probes, and downloads over every NIC. */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { GATEWAY_NAME, type Hash, type LabReport, NICS, runLab, World } from '../lab/index.js';
import { hex, streamDigest, writeStream } from '../net/index.js';
import { describeFunction, explainProbe, lspci } from '../pci/index.js';
import { Scheduler } from '../platform/clock.js';
import { diagnosticText } from '../platform/diagnostics.js';
import { drive, realTime } from './drive.js';
import { openLines, openSink } from './sink.js';
import { columns, progressBar } from './text.js';
import { oneOf, probability, whole } from './usage.js';

export const help = `nicforge lab [options]
  Builds a PC with NICs, enumerates its bus, probes, and for each NIC: link, DHCP lease, name, HTTP download, SHA-256.
  Ends with a table; exit status 0 only if every NIC did all of it with no error or warning.

  --nic NAME          only this NIC; may be given again. NICs: ${NICS.map((nic) => nic.name).join(', ')}
  --mib N             MiB to download over each NIC (default 64)
  --seed N            seed of everything random (default 1)
  --clock KIND        virtual (default) or real
  --schedule KIND     how eagerly the models work: fast (default), timed, adversarial
  --loss P            probability that a frame is lost on a NIC's cable
  --interrupts KIND   polled, intx, msi or msix, where the NIC has it (default: the best it has)
  --peer KIND         what stands behind the cable: self (our gateway), slirp (QEMU's user network), linux (a network namespace)
  --host KIND         where the NICs live: machine (our models in this process) or qemu (QEMU's models, its user network
                      behind them). With qemu, and with --peer slirp or linux, the clock is real
  --upload            send as many bytes back up
  --pcapng FILE       every frame on the NICs' cables
  --trace FILE        every access of the drivers in words, what it changed, polls folded, DMA, interrupts and frames;
                      - is stdout
  --json              one JSON document and nothing else on stdout
  --verbose           capabilities, all drivers asked, notes`;

/** Options of the command, parsed. */
export interface LabArguments {
  readonly nics: readonly string[];
  /** Nobody chose: those are all. */
  readonly everyNic: boolean;
  readonly mib: number;
  readonly seed: number;
  readonly clock: 'virtual' | 'real';
  readonly schedule: 'fast' | 'timed' | 'adversarial';
  readonly loss: number;
  readonly interrupts: 'polled' | 'intx' | 'msi' | 'msix' | undefined;
  readonly peer: 'self' | 'slirp' | 'linux';
  readonly host: 'machine' | 'qemu';
  readonly upload: boolean;
  readonly pcapng: string | undefined;
  readonly trace: string | undefined;
  readonly json: boolean;
  readonly verbose: boolean;
}

const MODES = ['polled', 'intx', 'msi', 'msix'] as const;

/** @throws UsageError */
export function parse(argv: readonly string[]): LabArguments {
  const { values } = parseArgs({
    args: [...argv],
    strict: true,
    allowPositionals: false,
    options: {
      nic: { type: 'string', multiple: true },
      mib: { type: 'string', default: '64' },
      seed: { type: 'string', default: '1' },
      clock: { type: 'string', default: 'virtual' },
      schedule: { type: 'string', default: 'fast' },
      loss: { type: 'string', default: '0' },
      interrupts: { type: 'string' },
      peer: { type: 'string', default: 'self' },
      host: { type: 'string', default: 'machine' },
      upload: { type: 'boolean', default: false },
      pcapng: { type: 'string' },
      trace: { type: 'string' },
      json: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
    },
  });
  const names = NICS.map((nic) => nic.name);
  return {
    nics: (values.nic ?? names).map((name) => oneOf('nic', name, names)),
    everyNic: values.nic === undefined,
    mib: whole('mib', values.mib, 1, 4096),
    seed: whole('seed', values.seed, 0, 0xffff_ffff),
    clock: oneOf('clock', values.clock, ['virtual', 'real']),
    schedule: oneOf('schedule', values.schedule, ['fast', 'timed', 'adversarial']),
    loss: probability('loss', values.loss),
    interrupts: values.interrupts === undefined ? undefined : oneOf('interrupts', values.interrupts, MODES),
    peer: oneOf('peer', values.peer, ['self', 'slirp', 'linux']),
    host: oneOf('host', values.host, ['machine', 'qemu']),
    upload: values.upload,
    pcapng: values.pcapng,
    trace: values.trace,
    json: values.json,
    verbose: values.verbose,
  };
}

/** Node's SHA-256 for the lab. */
export function nodeHash(): Hash {
  const hash = createHash('sha256');
  return {
    update: (u8, at, bytes) => hash.update(u8.subarray(at, at + bytes)),
    digest: () => hash.digest('hex'),
  };
}

/** Runs the command; returns the exit status. */
export async function lab(argv: readonly string[]): Promise<number> {
  const args = parse(argv);
  if (args.host === 'qemu' || args.peer !== 'self') {
    const { labOutside } = await import('./lab-outside.js');
    return labOutside(args);
  }
  const opened: (() => void)[] = [];
  try {
    const pcapng = openSink('pcapng', args.pcapng, opened);
    const trace = openLines('trace', args.trace, opened);
    const scheduler = args.clock === 'real' ? new Scheduler({ now: realTime }) : new Scheduler();
    const world = new World({
      nics: args.nics,
      seed: args.seed,
      schedule: args.schedule,
      scheduler,
      hash: () => createHash('sha256'),
      realTime,
      ...(args.loss > 0 ? { faults: { loss: args.loss } } : {}),
      ...(pcapng ? { pcapng } : {}),
      ...(trace ? { trace: trace.line } : {}),
    });
    const bytes = args.mib * 1_048_576;
    const sha256 = hex(streamDigest(bytes, () => createHash('sha256')));
    const report = await runLab({
      host: world.machine,
      scheduler,
      arena: world.arena,
      random: world.random,
      diagnostics: world.diagnostics,
      drive,
      ...(args.interrupts ? { driverOptions: { interrupts: [args.interrupts] } } : {}),
      job: {
        download: { url: `http://${GATEWAY_NAME}/bytes/${bytes}`, bytes, sha256 },
        ...(args.upload ? { upload: { url: `http://${GATEWAY_NAME}/upload`, bytes, sha256, fill: writeStream } } : {}),
        hash: nodeHash,
        realTime,
      },
      otherTurns: () => world.gateway?.loop.longestTurn ?? 0,
      ...story(args),
    });
    for (const nic of world.nics) nic.trace?.flush();
    if (args.verbose && !args.json) for (const d of world.diagnostics.list()) console.log(diagnosticText(d));
    return finish(args, report);
  } finally {
    for (const close of opened.reverse()) close();
  }
}

/** The parts of a run that are told while it goes on. */
export function story(
  args: LabArguments,
): Pick<Parameters<typeof runLab>[0], 'onEnumerated' | 'onProbed' | 'onProgress' | 'onEnded'> {
  if (args.json) return {};
  let shown = 0;
  return {
    onEnumerated: (topology) => {
      console.log(`${lspci(topology.functions, { verbose: args.verbose })}\n`);
      for (const issue of topology.issues) console.log(`! ${issue.message}`);
    },
    onProbed: (records) => {
      console.log(`${explainProbe(records, describeFunction)}\n`);
      shown = 0;
    },
    onProgress: (record, _job, bytes, total) => {
      if (!process.stdout.isTTY || (bytes < total && bytes - shown < total / 100)) return;
      shown = bytes >= total ? 0 : bytes;
      process.stdout.write(`\r${record.fn.name} ${record.chip ?? ''} ${progressBar(bytes, total)}`);
    },
    onEnded: (report) => {
      const clear = process.stdout.isTTY ? '\r\x1b[K' : '';
      const steps = `link ${report.times.link} ms, lease ${report.times.lease} ms, dns ${report.times.dns} ms, connect ${report.times.connect} ms`;
      console.log(
        `${clear}${report.address} ${report.nic} ${progressBar(report.bytes, args.mib * 1_048_576)}  ${report.error ?? steps}`,
      );
    },
  };
}

/** Prints the report and gives the exit status. */
export function finish(args: LabArguments, report: LabReport): number {
  if (args.json) {
    console.log(JSON.stringify(report));
    return report.ok ? 0 : 1;
  }
  const rows = report.devices.map((d) => [
    d.address,
    d.nic,
    d.driver,
    d.link,
    d.interrupts,
    d.ipv4,
    (d.bytes / 1_048_576).toFixed(0),
    d.sha256Ok ? 'ok' : 'WRONG',
    d.mbitPerSecond.toFixed(0),
    d.virtualSeconds.toFixed(3),
    String(d.frames),
    String(d.diagnostics.length),
  ]);
  console.log(
    `\n${columns([['address', 'nic', 'driver', 'link', 'irq', 'ipv4', 'MiB', 'sha256', 'Mbit/s', 'virtual s', 'frames', 'diagnostics'], ...rows])}`,
  );
  for (const device of report.devices) {
    for (const text of device.diagnostics) console.log(`! ${text}`);
    if (device.error) console.log(`! ${device.address} ${device.nic}: ${device.error}`);
  }
  for (const text of report.diagnostics) console.log(`! ${text}`);
  console.log(`longest loop iteration ${report.longestTurnMs} ms`);
  return report.ok ? 0 : 1;
}
