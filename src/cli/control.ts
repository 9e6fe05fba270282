/** `--control SOCKET`: a running `nicforge serve` takes commands as lines of JSON. Who connects is not trusted. */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { VfioUserServer } from '../hosts/vfio-user/index.js';
import { dumpRegisters, dumpRings, faultsOf, type ServedNetwork, type ServedNic } from '../lab/index.js';
import { type FaultRates, FaultStage, GIGABIT, type LinkSpeed } from '../link/index.js';
import type { Turns } from '../net/node/index.js';
import type { Diagnostics } from '../platform/diagnostics.js';
import { Random } from '../platform/random.js';
import { pci } from '../registers/index.js';
import { findingJson, macText } from './serve-text.js';
import { claimSocketPath } from './socket-path.js';
import { UsageError } from './usage.js';

/** The commands, for `--help`. */
export const controlHelp = `Commands of --control, one JSON object in a line each, such as {"do":"pull","nic":"82540em"}; the answer is a line
{"ok":true,"result":...} or {"ok":false,"error":"..."} with the "id" of the command if it had one:
  nics                          the NICs and their state; "nic" of other commands is a label told here
  pull, plug                    the cable
  speed      mbit               what the other end of the cable offers: 10, 100, 1000, 2500
  faults     loss corrupt duplicate reorder (0 to 1), reorderWithin (us)     of the cable; none named: none
  break      fault [rounds]     breaks the device: a name that --fault takes
  mend                          makes it whole again
  inject     hex [badFcs]       a frame for the NIC, from its destination address on, without FCS; answers its fate
  wake       [mac]              a magic packet
  registers  [like]             registers by name and field; "like" is a part of a name
  rings      [count]            rings, each with descriptors around its head
  counters                      frames by fate, protocol messages
  findings                      what the driver did wrong so far
  reset                         resets the function, as the machine's reset does
  quit                          ends the server`;

/** Bytes of one command. */
const MOST_LINE = 64 << 10;
const MOST_CLIENTS = 8;
/** Answers that a client may leave unread. */
const MOST_WAITING = 4 << 20;
const MOST_FRAME = 16_384;
const SPEEDS: readonly LinkSpeed[] = [10, 100, 1000, 2500];

/** What is controlled. */
export interface Controlled {
  readonly network: ServedNetwork;
  /** One for each NIC, in the same order. */
  readonly servers: readonly VfioUserServer[];
  readonly macs: readonly Uint8Array[];
  readonly diagnostics: Diagnostics;
  readonly turns: Turns;
  readonly seed: number;
  quit(): void;
}

type Request = Readonly<Record<string, unknown>>;

/** Executes commands; apart from the socket. */
export class Control {
  readonly #on: Controlled;
  #frame = 0;

  constructor(on: Controlled) {
    this.#on = on;
  }

  /** The answer to one line. Never throws. */
  answer(line: string): string {
    let id: unknown;
    try {
      const request = parse(line);
      id = request['id'];
      this.#on.turns.enter();
      try {
        const result = this.#run(request);
        return JSON.stringify({ ...(id === undefined ? {} : { id }), ok: true, result: result ?? null });
      } finally {
        this.#on.turns.kick();
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return JSON.stringify({ ...(id === undefined ? {} : { id }), ok: false, error: text });
    }
  }

  #run(request: Request): unknown {
    const name = request['do'];
    const command = typeof name === 'string' && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined)
      throw new UsageError(`"do" is one of ${Object.keys(COMMANDS).join(', ')}, not ${short(name)}`);
    for (const key of Object.keys(request))
      if (key !== 'do' && key !== 'id' && key !== 'nic' && !command.takes.includes(key))
        throw new UsageError(`${name as string} does not know ${short(key)}`);
    return command.run(this, request);
  }

  /** Index of the NIC that a request names; the only one when there is one. */
  index(request: Request): number {
    const { nics } = this.#on.network;
    const name = request['nic'];
    if (name === undefined && nics.length === 1) return 0;
    const at = nics.findIndex(({ label }) => label === name);
    if (at < 0)
      throw new UsageError(`"nic" is one of ${nics.map(({ label }) => label).join(', ')}, not ${short(name)}`);
    return at;
  }

  nic(request: Request): ServedNic {
    return this.#on.network.nics[this.index(request)]!;
  }

  nics(): unknown {
    const { network, servers, macs } = this.#on;
    return network.nics.map(({ label, nic, cable }, i) => ({
      label,
      nic,
      mac: macText(macs[i]!),
      socket: servers[i]!.path,
      connected: servers[i]!.connected,
      plugged: cable.plugged,
      // A chip that is off, or whose PHY is held in reset, offers nothing.
      link: cable.plugged && cable.a.ability !== undefined,
    }));
  }

  speed(request: Request): void {
    const mbit = SPEEDS.find((speed) => speed === request['mbit']);
    if (mbit === undefined) throw new UsageError(`"mbit" is 10, 100, 1000 or 2500, not ${short(request['mbit'])}`);
    this.nic(request).cable.b.offer({ ...GIGABIT, speeds: [mbit], half: [] });
  }

  faults(request: Request): FaultRates {
    const rates: Record<string, number> = {};
    for (const key of RATES) {
      const value = request[key];
      if (value === undefined) continue;
      const most = key === 'reorderWithin' ? 60_000_000 : 1;
      if (typeof value !== 'number' || !(value >= 0 && value <= most))
        throw new UsageError(`"${key}" is a number from 0 to ${most}, not ${short(value)}`);
      rates[key] = value;
    }
    const { cable, label } = this.nic(request);
    if (Object.keys(rates).length === 0) cable.faults = undefined;
    else if (cable.faults) cable.faults.rates = rates;
    else cable.faults = new FaultStage(rates, new Random(`${this.#on.seed} faults ${label}`));
    return rates;
  }

  break(request: Request): void {
    const { model, broken } = this.nic(request);
    const can = faultsOf(model);
    const fault = can.find((each) => each === request['fault']);
    if (fault === undefined)
      throw new UsageError(`"fault" is one of ${can.join(', ')}, not ${short(request['fault'])}`);
    const rounds = request['rounds'] ?? 1;
    if (typeof rounds !== 'number' || !Number.isInteger(rounds) || rounds < 1 || rounds > 1000)
      throw new UsageError(`"rounds" is a whole number from 1 to 1000, not ${short(rounds)}`);
    broken!.begin(fault, rounds);
  }

  inject(request: Request): unknown {
    const text = request['hex'];
    const badFcs = request['badFcs'] ?? false;
    if (typeof text !== 'string' || !/^([0-9a-f]{2}[\s:]*)+$/i.test(text))
      throw new UsageError('"hex" is the bytes of a frame in hexadecimal');
    if (typeof badFcs !== 'boolean') throw new UsageError(`"badFcs" is true or false, not ${short(badFcs)}`);
    return this.#send(request, Buffer.from(text.replace(/[\s:]/g, ''), 'hex'), badFcs);
  }

  wake(request: Request): unknown {
    const own = macText(this.#on.macs[this.index(request)]!);
    const mac = request['mac'] ?? own;
    if (typeof mac !== 'string' || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac))
      throw new UsageError(`"mac" is an address such as ${own}, not ${short(mac)}`);
    const target = Buffer.from(mac.replaceAll(':', ''), 'hex');
    const sync = Buffer.alloc(6, 0xff);
    const header = Buffer.from([...sync, 0x52, 0x55, 0x0a, 0, 2, 2, 0x08, 0x42]);
    return this.#send(request, Buffer.concat([header, sync, ...new Array<Buffer>(16).fill(target)]), false);
  }

  /** Puts a frame on the NIC's cable as if its other end had sent it. */
  #send(request: Request, bytes: Uint8Array, badFcs: boolean): unknown {
    if (bytes.length < 14 || bytes.length > MOST_FRAME)
      throw new UsageError(`a frame has 14 to ${MOST_FRAME} bytes, not ${bytes.length}`);
    const { cable, frames } = this.nic(request);
    const { arena } = this.#on.network;
    this.#frame ||= arena.alloc(MOST_FRAME + 64);
    // Two bytes in, so that IP headers are aligned.
    arena.u8.set(bytes, this.#frame + 2);
    const before = { ...frames.came };
    const frame = { arena, offset: this.#frame + 2, length: bytes.length, fcsOk: !badFcs };
    if (!cable.b.transmit(frame)) return { fate: 'no-carrier' };
    const fate = Object.entries(frames.came).find(([name, count]) => count > before[name as keyof typeof before]);
    return { fate: fate?.[0] ?? (cable.faults ? 'left to the faults of the cable' : 'under way') };
  }

  registers(request: Request): unknown {
    const like = request['like'] ?? '';
    if (typeof like !== 'string') throw new UsageError(`"like" is a part of a name, not ${short(like)}`);
    const wanted = like.toUpperCase();
    return dumpRegisters(this.nic(request).model).filter(({ name }) => name.toUpperCase().includes(wanted));
  }

  rings(request: Request): unknown {
    const count = request['count'] ?? 8;
    if (typeof count !== 'number' || !Number.isInteger(count) || count < 0 || count > 256)
      throw new UsageError(`"count" is a whole number from 0 to 256, not ${short(count)}`);
    const server = this.#on.servers[this.index(request)]!;
    const { shell } = server.device;
    // Without a client, or with bus mastering off, looking would itself be a mistake.
    const master = server.connected && (shell.config.get(pci.COMMAND) & pci.COMMAND.MASTER) !== 0;
    return dumpRings(this.nic(request).model, master ? shell : undefined, count);
  }

  counters(request: Request): unknown {
    const { frames } = this.nic(request);
    const came = Object.fromEntries(Object.entries(frames.came).filter(([, count]) => count > 0));
    return { sent: frames.sent, came, messages: this.#on.servers[this.index(request)]!.messages };
  }

  findings(): unknown {
    return this.#on.diagnostics.list().map((d) => ({ ...(JSON.parse(findingJson(d)) as object), count: d.count }));
  }

  reset(request: Request): void {
    this.#on.servers[this.index(request)]!.device.reset();
  }

  quit(): void {
    // The answer goes out first.
    setImmediate(() => this.#on.quit());
  }
}

const RATES = ['loss', 'corrupt', 'duplicate', 'reorder', 'reorderWithin'] as const;

interface CommandKind {
  readonly takes: readonly string[];
  readonly run: (control: Control, request: Request) => unknown;
}

const COMMANDS: Readonly<Record<string, CommandKind>> = {
  nics: { takes: [], run: (control) => control.nics() },
  pull: { takes: [], run: (control, request) => control.nic(request).cable.pull() },
  plug: { takes: [], run: (control, request) => control.nic(request).cable.plug() },
  speed: { takes: ['mbit'], run: (control, request) => control.speed(request) },
  faults: { takes: RATES, run: (control, request) => control.faults(request) },
  break: { takes: ['fault', 'rounds'], run: (control, request) => control.break(request) },
  mend: { takes: [], run: (control, request) => control.nic(request).broken!.end() },
  inject: { takes: ['hex', 'badFcs'], run: (control, request) => control.inject(request) },
  wake: { takes: ['mac'], run: (control, request) => control.wake(request) },
  registers: { takes: ['like'], run: (control, request) => control.registers(request) },
  rings: { takes: ['count'], run: (control, request) => control.rings(request) },
  counters: { takes: [], run: (control, request) => control.counters(request) },
  findings: { takes: [], run: (control) => control.findings() },
  reset: { takes: [], run: (control, request) => control.reset(request) },
  quit: { takes: [], run: (control) => control.quit() },
};

function parse(line: string): Request {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UsageError('a command is a JSON object in one line');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError('a command is a JSON object in one line');
  return value as Request;
}

/** A value of a stranger, cut. */
function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** Listens at `path` (absolute); only this user may connect. Returns the call that ends it. @throws UsageError */
export async function openControl(path: string, controlled: Controlled): Promise<() => void> {
  await claimSocketPath(path, 'control');
  const control = new Control(controlled);
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.on('close', () => clients.delete(socket));
    socket.on('error', () => socket.destroy());
    converse(socket, control);
  });
  server.maxConnections = MOST_CLIENTS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new UsageError(`--control: ${error.message}`)));
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return () => {
    server.close();
    for (const socket of clients) socket.destroySoon();
    rmSync(path, { force: true });
  };
}

/** Cuts what comes into lines and answers each. */
function converse(socket: Socket, control: Control): void {
  let have = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    have += text;
    for (let end = have.indexOf('\n'); end >= 0 && !socket.destroyed; end = have.indexOf('\n')) {
      const line = have.slice(0, end);
      have = have.slice(end + 1);
      if (line.trim() !== '') socket.write(`${control.answer(line)}\n`);
      if (socket.writableLength > MOST_WAITING) socket.destroy();
    }
    if (have.length <= MOST_LINE) return;
    have = '';
    socket.end(`${JSON.stringify({ ok: false, error: `a command has at most ${MOST_LINE} bytes` })}\n`);
    socket.removeAllListeners('data');
    socket.resume();
  });
}
