/** `nicforge serve`: our models inside anyone's QEMU, over vfio-user. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { RealTime, serveVfioUser, type VfioUserServer } from '../hosts/vfio-user/index.js';
import {
  DEVICE_FAULTS,
  type DeviceFault,
  faultsOf,
  HIDEABLE,
  type Hideable,
  NICS,
  nicKind,
  ServedNetwork,
  type ServedNic,
  type ServedNicOptions,
} from '../lab/index.js';
import { nvmWords, parseIntelNvm } from '../lab/node/index.js';
import { Diagnostics, diagnosticText } from '../platform/diagnostics.js';
import { Random } from '../platform/random.js';
import { controlHelp, openControl } from './control.js';
import { findingJson, findingsText, framesText, macText, qemuArguments } from './serve-text.js';
import { openLines, openSink } from './sink.js';
import { claimSocketPath } from './socket-path.js';
import { oneOf, readInput, UsageError, whole } from './usage.js';
import { type OpenWay, openWays, parseWays, type WaySpecs, waysHelp } from './ways.js';
import { openWire, parseWire, type Wire, type WireSpec, wireHelp } from './wire.js';

export const help = `nicforge serve NIC [NIC...] --socket PATH [options]
  Serves models of NICs to a virtual machine (QEMU 10.1 or later) over vfio-user and prints QEMU's arguments. Behind the
  NICs are a switch and a host 10.0.2.2 (gateway.lab): DHCP from 10.0.2.15, DNS, HTTP with GET /bytes/N, GET /sha256/N and
  POST /upload, echo on port 7, discard on port 9. What the guest's driver does wrong is told as it first happens.
  Ctrl-C ends. NICs: ${NICS.map((nic) => nic.name).join(', ')}

  --socket PATH       where QEMU connects to; with several NICs PATH.0, PATH.1 ...
  --root-ports        print arguments that put each NIC behind a PCIe root port (q35 only)
  --wire SPEC         a wire to elsewhere instead of the host 10.0.2.2
  --mac ADDRESS       station address of the first NIC, each further one has the next (default 52:54:00:12:34:56)
  --nvm FILE          EEPROM image of the 82540em, 128 or 512 bytes; it holds the station address
  --hide LIST         capabilities that the NICs do not show: msi, msix or msi,msix
  --schedule KIND     how eagerly the models work: fast (default), timed, adversarial
  --seed N            seed of everything random (default 1)
  --fault NAME        broken hardware, one of the names below; what comes and goes does so every 2 to 10 seconds
  --pcapng FILE       every frame on the NICs' cables; comments tell its fate, its descriptor and the accesses before it
  --trace FILE        every access of the guest's drivers in words, what it changed, polls folded, DMA, interrupts and
                      frames; - is stdout
  --record FILE       all that passes between model and guest, for "nicforge replay"; with several NICs FILE.0, FILE.1 ...
  --json-log FILE     each finding, notes included, as a line of JSON as it first happens
  --fail-on SEVERITY  error or warning: exit status 3 when there was such a finding (or a worse one)
  --control PATH      a unix socket that takes commands (below)
  --once              end when the last client has gone

Faults of the device:
${Object.entries(DEVICE_FAULTS)
  .map(([name, text]) => `  ${name.padEnd(17)} ${text}`)
  .join('\n')}

${waysHelp}

${wireHelp}

${controlHelp}

Exit status: 0 ended as asked, 1 something broke, 2 wrong arguments, 3 see --fail-on`;

/** NICs served by one process. */
const MOST_NICS = 8;
/** How long a trace may hold back a poll that has stopped. */
const IDLE_MS = 250;
/** A fault comes this long after the one before, or later by up to this. */
const FAULT_AFTER = 2_000_000;
const FAULT_WITHIN = 8_000_000;
const FAULTS = Object.keys(DEVICE_FAULTS) as DeviceFault[];
const SCHEDULES = ['fast', 'timed', 'adversarial'] as const;
const SEVERITIES = ['error', 'warning'] as const;

/** Options of the command, parsed. */
export interface ServeArguments {
  readonly nics: readonly ServedNicOptions[];
  /** One for each NIC, absolute. */
  readonly sockets: readonly string[];
  readonly rootPorts: boolean;
  readonly wire: WireSpec | undefined;
  readonly ways: WaySpecs;
  readonly hide: readonly Hideable[];
  readonly schedule: (typeof SCHEDULES)[number];
  readonly seed: number;
  readonly fault: DeviceFault | undefined;
  readonly pcapng: string | undefined;
  readonly trace: string | undefined;
  readonly record: string | undefined;
  readonly jsonLog: string | undefined;
  readonly failOn: (typeof SEVERITIES)[number] | undefined;
  /** Absolute. */
  readonly control: string | undefined;
  readonly once: boolean;
  /** What the user should know about the arguments. */
  readonly warnings: readonly string[];
}

/** @throws UsageError */
export function parse(argv: readonly string[]): ServeArguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    strict: true,
    allowPositionals: true,
    options: {
      socket: { type: 'string' },
      'root-ports': { type: 'boolean', default: false },
      wire: { type: 'string' },
      forward: { type: 'string', multiple: true },
      publish: { type: 'string', multiple: true },
      allow: { type: 'string', multiple: true },
      mac: { type: 'string' },
      nvm: { type: 'string' },
      hide: { type: 'string' },
      schedule: { type: 'string', default: 'fast' },
      seed: { type: 'string', default: '1' },
      fault: { type: 'string' },
      pcapng: { type: 'string' },
      trace: { type: 'string' },
      record: { type: 'string' },
      'json-log': { type: 'string' },
      'fail-on': { type: 'string' },
      control: { type: 'string' },
      once: { type: 'boolean', default: false },
    },
  });
  const names = NICS.map((nic) => nic.name);
  if (positionals.length === 0) throw new UsageError(`serve takes at least one NIC: ${names.join(', ')}`);
  if (positionals.length > MOST_NICS) throw new UsageError(`serve takes at most ${MOST_NICS} NICs`);
  for (const name of positionals)
    if (!names.includes(name)) throw new UsageError(`there is no NIC "${name}"; there are ${names.join(', ')}`);
  if (!values.socket) throw new UsageError('serve needs --socket PATH');
  const base = resolve(values.socket);
  if (values.wire !== undefined && (values.forward ?? values.publish ?? values.allow) !== undefined)
    throw new UsageError('--forward, --publish and --allow lead through the host 10.0.2.2; with --wire there is none');
  const hide = values.hide === undefined ? [] : values.hide.split(',').map((name) => oneOf('hide', name, HIDEABLE));
  const warnings: string[] = [];
  for (const name of hide)
    if (!positionals.some((nic) => nicKind(nic).make(macBytes(0), nic).config[name] !== undefined))
      warnings.push(`--hide ${name}: no NIC here has it`);
  const fault = values.fault === undefined ? undefined : oneOf('fault', values.fault, FAULTS);
  if (fault !== undefined)
    for (const nic of positionals)
      if (!faultsOf(nicKind(nic).make(macBytes(0), nic)).includes(fault))
        throw new UsageError(`--fault ${fault}: the ${nic} cannot have it`);
  return {
    nics: nicOptions(positionals, values.mac, values.nvm, warnings),
    sockets: positionals.map((_, i) => (positionals.length === 1 ? base : `${base}.${i}`)),
    rootPorts: values['root-ports'],
    wire: values.wire === undefined ? undefined : parseWire(values.wire),
    ways: parseWays(values.forward, values.publish, values.allow),
    hide,
    schedule: oneOf('schedule', values.schedule, SCHEDULES),
    seed: whole('seed', values.seed, 0, 0xffff_ffff),
    fault,
    pcapng: values.pcapng,
    trace: values.trace,
    record: values.record,
    jsonLog: values['json-log'],
    failOn: values['fail-on'] === undefined ? undefined : oneOf('fail-on', values['fail-on'], SEVERITIES),
    control: values.control === undefined ? undefined : resolve(values.control),
    once: values.once,
    warnings,
  };
}

function nicOptions(
  names: readonly string[],
  macOption: string | undefined,
  nvmPath: string | undefined,
  warnings: string[],
): ServedNicOptions[] {
  const first = macOption === undefined ? 0x5254_0012_3456 : parseMac(macOption);
  const nics: ServedNicOptions[] = names.map((nic, i) => ({ nic, mac: macBytes(first + i) }));
  if (nvmPath === undefined) return nics;
  if (macOption !== undefined) throw new UsageError('--nvm and --mac exclude each other: the image holds the address');
  const takers = nics.filter(({ nic }) => nicKind(nic).nvmBytes !== undefined);
  if (takers.length !== 1)
    throw new UsageError('--nvm needs exactly one NIC that has an EEPROM for images, such as 82540em');
  const taker = takers[0]!;
  const image = new Uint8Array(readInput(nvmPath, `--nvm: ${nvmPath}`));
  const lengths = nicKind(taker.nic).nvmBytes!;
  if (!lengths.includes(image.length))
    throw new UsageError(
      `--nvm: an image for ${taker.nic} has ${lengths.join(' or ')} bytes, ${nvmPath} ${image.length}`,
    );
  const { checksumOk, checksumWanted } = parseIntelNvm(image);
  if (!checksumOk)
    warnings.push(
      `${nvmPath}: the checksum is wrong, word 0x3f should be 0x${checksumWanted.toString(16).padStart(4, '0')}; drivers may refuse the NIC`,
    );
  return nics.map((nic) => (nic === taker ? { ...nic, mac: image.slice(0, 6), nvm: nvmWords(image) } : nic));
}

/** The address as a number. */
function parseMac(text: string): number {
  const digits = text.replace(/[:-]/g, '');
  if (!/^[0-9a-f]{2}([:-]?[0-9a-f]{2}){5}$/i.test(text) || digits === '000000000000')
    throw new UsageError(`--mac takes an address such as 52:54:00:12:34:56, not "${text}"`);
  const value = Number.parseInt(digits, 16);
  if ((Number.parseInt(digits.slice(0, 2), 16) & 1) !== 0)
    throw new UsageError(`--mac: ${text} is a group address; the lowest bit of the first byte must be 0`);
  if (value % 2 ** 24 > 2 ** 24 - MOST_NICS)
    throw new UsageError(`--mac: ${text} leaves no room for the addresses of further NICs`);
  return value;
}

function macBytes(value: number): Uint8Array {
  return Uint8Array.from([40, 32, 24, 16, 8, 0], (shift) => Math.floor(value / 2 ** shift) & 0xff);
}

/** Runs the command until a signal or, with `--once`, until the last client has gone; returns the exit status. */
export async function serve(argv: readonly string[]): Promise<number> {
  const args = parse(argv);
  // A reader that is gone ("| head", or "| tee" after Ctrl-C) must not cost the guest its NIC.
  process.stdout.on('error', () => undefined);
  // What has been opened, closed in reverse order whatever happens.
  const opened: (() => void | Promise<void>)[] = [];
  try {
    return await run(args, opened);
  } finally {
    for (const close of opened.reverse()) await close();
  }
}

async function run(args: ServeArguments, opened: (() => void | Promise<void>)[]): Promise<number> {
  const say = (text: string): void => console.log(text);
  for (const text of args.warnings) say(`warning: ${text}`);
  const time = new RealTime();
  opened.push(() => time.stop());
  const pcapng = openSink('pcapng', args.pcapng, opened);
  const jsonLog = openSink('json-log', args.jsonLog, opened);
  const trace = openLines('trace', args.trace, opened);
  const { record } = args;
  const recordings =
    record === undefined
      ? []
      : args.nics.map((_, i) => openSink('record', args.nics.length === 1 ? record : `${record}.${i}`, opened)!);
  const diagnostics = new Diagnostics();
  diagnostics.events.on('diagnostic', (d) => {
    // Notes are no mistakes; they appear at the end.
    if (d.severity !== 'note') say(`! ${diagnosticText(d)}`);
    jsonLog?.(Buffer.from(`${findingJson(d)}\n`));
  });
  const wire = args.wire === undefined ? undefined : await openWire(args.wire, time);
  if (wire) opened.push(() => wire.uplink.close());
  const network = new ServedNetwork({
    nics: args.nics,
    scheduler: time.scheduler,
    seed: args.seed,
    schedule: args.schedule,
    hide: args.hide,
    breakable: args.fault !== undefined || args.control !== undefined,
    hash: () => createHash('sha256'),
    ...(pcapng ? { pcapng } : {}),
    ...(trace ? { trace: trace.line } : {}),
    ...(recordings.length > 0 ? { record: (nic: number) => recordings[nic]! } : {}),
    ...(wire ? { uplink: wire.uplink.port } : {}),
  });
  if (trace || recordings.length > 0) {
    // What is held back because it may come again must not be held back for long.
    const idle = setInterval(() => {
      time.enter();
      for (const nic of network.nics) nic.trace?.flush(IDLE_MS * 1000);
      for (const nic of network.nics) nic.recorded?.flush();
      trace?.flush();
      time.kick();
    }, IDLE_MS);
    opened.push(() => clearInterval(idle));
  }
  const ways = network.gateway ? await openWays(args.ways, network.gateway, time, opened) : [];

  let finish: (why: string) => void = () => undefined;
  const finished = new Promise<string>((done) => {
    finish = done;
  });
  const onSignal = (signal: string): void => finish(signal);
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  opened.push(() => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  });
  const servers: VfioUserServer[] = [];
  const closeServers = (): void => {
    for (const server of servers.splice(0)) server.close();
  };
  opened.push(closeServers);
  for (const [i, nic] of network.nics.entries()) {
    const path = args.sockets[i]!;
    await claimSocketPath(path);
    const gone = (): void => {
      if (args.once && !servers.some((server) => server.connected)) finish('the last client has gone');
    };
    servers.push(serveNic(nic, path, args, { time, diagnostics, network, say }, gone));
  }
  if (args.control !== undefined) {
    const macs = args.nics.map(({ mac }) => mac);
    const quit = (): void => finish('quit');
    const { seed, control } = args;
    opened.push(await openControl(control, { network, servers, macs, diagnostics, turns: time, seed, quit }));
  }
  if (args.fault !== undefined) opened.push(breakAll(args.fault, network, time, new Random(`${args.seed} when`)));
  time.kick();
  introduce(args, network, wire, ways, say);
  say(`\n${await finished}: the end`);
  closeServers();
  for (const nic of network.nics) {
    nic.trace?.flush();
    nic.recorded?.flush();
  }
  return conclude(args, network, wire, ways, diagnostics, say);
}

/** Breaks every NIC, and again some seconds later when it was whole in between. Returns the call that ends it. */
function breakAll(fault: DeviceFault, network: ServedNetwork, time: RealTime, random: Random): () => void {
  if (fault === 'bad-nvm' || fault === 'silent-phy') {
    for (const { broken } of network.nics) broken!.begin(fault);
    return () => undefined;
  }
  const alarm = time.alarm(() => {
    for (const { broken } of network.nics) if (broken!.over) broken!.begin(fault, 1);
    if (fault !== 'removal') again();
  });
  const again = (): void => alarm.arm(time.scheduler.now + FAULT_AFTER + random.below(FAULT_WITHIN));
  again();
  return () => alarm.cancel();
}

interface Surroundings {
  readonly time: RealTime;
  readonly diagnostics: Diagnostics;
  readonly network: ServedNetwork;
  readonly say: (text: string) => void;
}

function serveNic(
  nic: ServedNic,
  path: string,
  args: ServeArguments,
  { time, diagnostics, network, say }: Surroundings,
  gone: () => void,
): VfioUserServer {
  try {
    return serveVfioUser(nic.model, {
      path,
      time,
      diagnostics,
      label: nic.label,
      schedule: args.schedule,
      seed: `${args.seed} ${nic.label}`,
      arena: network.arena,
      onClient: (connected, reason) => {
        say(
          `${nic.label}: ${connected ? 'a client has connected' : `the client has gone${reason ? `: ${reason}` : ''}`}`,
        );
        // The server still counts this client while it reports its end.
        if (!connected) setImmediate(gone);
      },
      onWarning: (text) => say(`warning: ${text}`),
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.replace(/^nicforge: /, '') : String(error));
  }
}

function introduce(
  args: ServeArguments,
  network: ServedNetwork,
  wire: Wire | undefined,
  ways: readonly OpenWay[],
  say: (text: string) => void,
): void {
  for (const [i, nic] of network.nics.entries())
    say(`${nic.label}: station address ${macText(args.nics[i]!.mac)}, at ${args.sockets[i]}`);
  say(
    wire
      ? `network: ${wire.text}`
      : 'network: 10.0.2.2/24 is gateway.lab: DHCP from 10.0.2.15, DNS, HTTP (GET /bytes/N, GET /sha256/N, POST /upload), echo 7, discard 9',
  );
  for (const way of ways) say(`way: ${way.text}`);
  if (args.control !== undefined) say(`control: ${args.control}`);
  const lines = qemuArguments(args.sockets, { rootPorts: args.rootPorts });
  say('\nAdd to the command line of QEMU 10.1 or later (512M, twice, is the memory of the guest):\n');
  say(lines.map((line) => `  ${line}`).join(' \\\n'));
  say('\nwaiting for QEMU; Ctrl-C ends');
}

/** Prints the summary; returns the exit status. */
function conclude(
  args: ServeArguments,
  network: ServedNetwork,
  wire: Wire | undefined,
  ways: readonly OpenWay[],
  diagnostics: Diagnostics,
  say: (text: string) => void,
): number {
  for (const nic of network.nics) say(`${nic.label}: ${framesText(nic.frames)}`);
  if (args.fault !== undefined)
    for (const { label, broken } of network.nics) say(`${label}: ${args.fault}, ${broken!.count} times`);
  for (const way of ways) say(`way: ${way.summary()}`);
  if (wire) {
    const { sent, received, sendDropped, receiveDropped } = wire.uplink.counters;
    say(`wire: sent ${sent}, came ${received}, dropped ${sendDropped} going out and ${receiveDropped} coming in`);
  }
  for (const line of findingsText(diagnostics)) say(line);
  if (args.failOn === undefined) return 0;
  const bad = diagnostics.problems().filter((d) => args.failOn === 'warning' || d.severity === 'error').length;
  // What was not kept may have been anything.
  return bad > 0 || diagnostics.dropped > 0 ? 3 : 0;
}
