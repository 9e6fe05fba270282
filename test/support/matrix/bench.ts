/**
 * The bench of the matrix: one Linux guest with free root ports, one network (our gateway and a mirror), and NICs that
 * come by hot-plug: our models over vfio-user, or QEMU's own as control, on the same cable and in the same tests.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { EmulatedFunction, IndirectSpace } from '../../../src/emulators/index.js';
import { RealTime } from '../../../src/hosts/native/real-time.js';
import { openStream, type Uplink } from '../../../src/hosts/uplinks/index.js';
import { serveVfioUser, type VfioUserServer } from '../../../src/hosts/vfio-user/index.js';
import { Gateway } from '../../../src/lab/gateway.js';
import { type Hideable, hideCapabilities } from '../../../src/lab/hide.js';
import { nicKind } from '../../../src/lab/nics.js';
import { Cable, EthernetSwitch } from '../../../src/link/index.js';
import { OwnedArena } from '../../../src/platform/arena.js';
import { type Diagnostic, Diagnostics, diagnosticText } from '../../../src/platform/diagnostics.js';
import { Random } from '../../../src/platform/random.js';
import { hex } from '../../../src/registers/index.js';
import { HardwareCoverage, type RegisterCoverage } from '../../../src/testing/index.js';
import type { Pieces } from '../fetch.js';
import { type LinuxGuest, startLinux, vfioUserDevice } from '../qemu.js';
import type { Chip, Explained, Mode } from './chips.js';
import { Mirror } from './mirror.js';
import { ObservedFunction } from './observe.js';
import { Wire } from './wire.js';

/** What the guest is made of. */
export type BenchPieces = Pick<Pieces, 'qemu' | 'kernel' | 'initramfs' | 'guest'>;

/** Root ports: each NIC of a run gets its own, because QEMU cannot unplug every device (see Chip rows). */
const ROOT_PORTS = 8;
const ARENA = 160 << 20;
/** Lines of the kernel's log up to `warning`, as `dmesg -r` marks them. */
const COMPLAINT = /^<[0-4]>/;
/** What a busy host makes the kernel say. */
const BUSY = /hrtimer: interrupt took|clocksource: .*(watchdog|skew|read-back)/;

/** A line of shell that polls until `condition` holds. */
export function until(condition: string, seconds = 15): string {
  return `for i in $(seq ${seconds * 20}); do ${condition} && break; usleep 50000; done; ${condition}`;
}

/** One guest and its network. */
export class Lab {
  readonly time = new RealTime();
  readonly arena = new OwnedArena(ARENA);
  readonly mirror = new Mirror();
  readonly switch = new EthernetSwitch();
  readonly gateway: Gateway;
  readonly guest: LinuxGuest;
  /** Devices plugged so far. */
  plugged = 0;
  /** What the guest touched of the models' registers. */
  readonly coverage: HardwareCoverage[] = [];
  readonly #spaces: { readonly space: IndirectSpace; readonly coverage: HardwareCoverage }[] = [];
  /** Lines of the kernel's log looked at. */
  #read = 0;

  private constructor(guest: LinuxGuest) {
    this.guest = guest;
    const { scheduler } = this.time;
    const { arena } = this;
    this.gateway = new Gateway({
      scheduler,
      arena,
      random: new Random('matrix'),
      hash: () => createHash('sha256'),
    });
    new Cable(this.switch.port('gateway'), this.gateway.port, { scheduler, arena });
    new Cable(this.switch.port('mirror'), this.mirror.port, { scheduler, arena });
  }

  /** Boots a guest with free root ports. */
  static async open(
    pieces: BenchPieces,
    { cpus = 1, ...options }: { memory?: number; cpus?: number } = {},
  ): Promise<Lab> {
    const ports = Array.from({ length: ROOT_PORTS }, (_, i) => [
      '-device',
      `pcie-root-port,id=rp${i},chassis=${i + 1},slot=${i + 1}`,
    ]);
    const guest = await startLinux({
      pieces,
      initrd: pieces.guest.initrd,
      restarts: true,
      args: () => ['-smp', String(cpus), ...ports.flat()],
      ...options,
    });
    const lab = new Lab(guest);
    await lab.prepare();
    return lab;
  }

  /** After each boot: a quiet guest, its log empty. */
  async prepare(): Promise<void> {
    // IPv6 would send of its own accord, and tests count frames.
    await this.guest.must('for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done');
    this.#read = 0;
    await this.complaints();
  }

  /** Watches what stands behind the windows of a model that is attached. */
  watch(fn: EmulatedFunction): void {
    for (const space of fn.spaces?.() ?? []) this.#spaces.push({ space, coverage: new HardwareCoverage(space.file) });
  }

  /** What the guest touched of all models plugged so far, register by register. */
  touched(): RegisterCoverage[] {
    const spaces = this.#spaces.flatMap(({ space, coverage }) => {
      const { space: name } = space.file.map;
      return [
        ...coverage.report().map((entry) => ({ ...entry, register: `${name} ${entry.register}` })),
        ...space.undeclared().map(({ address, read, written }) => ({
          register: `${name} ${hex(address, 16)}${UNDECLARED}`,
          read,
          written,
          fields: [],
        })),
      ];
    });
    return mergeCoverage([...this.coverage.flatMap((each) => each.report()), ...spaces]);
  }

  /** What the kernel says at level `warning` or worse since the last call. */
  async complaints(): Promise<string[]> {
    const { output } = await this.guest.run(`dmesg -r | tail -n +${this.#read + 1}`);
    const lines = output.split('\n').filter(Boolean);
    this.#read += lines.length;
    return lines.filter((line) => COMPLAINT.test(line) && !BUSY.test(line));
  }

  async close(): Promise<void> {
    await this.guest.close();
    this.time.stop();
  }
}

/** How {@link Lab.touched} marks an address behind a window at which no register is declared. */
export const UNDECLARED = ', no register';

/** Which device a bench has. */
export type Target = 'model' | 'control';

/** Choices of {@link Bench.plug}. */
export interface PlugOptions {
  readonly chip: Chip;
  readonly mode: Mode;
  readonly target: Target;
  /** Capabilities hidden beside those that the mode hides. */
  readonly hide?: readonly Hideable[];
}

/** One NIC in the guest, with its cable. In the guest's shell `$N` is its interface and `$P` its PCI address. */
export class Bench {
  readonly lab: Lab;
  readonly chip: Chip;
  readonly mode: Mode;
  readonly target: Target;
  readonly wire: Wire;
  /** The model's DMA; undefined for the control. */
  readonly dma: ObservedFunction | undefined;
  readonly diagnostics = new Diagnostics();
  readonly warnings: string[] = [];
  readonly mac: string;
  readonly macBytes: Uint8Array;
  /** True for a model that shows MSI-X: QEMU 11.1 cannot unplug it. */
  readonly showsMsix: boolean;
  /** Name of the device in QEMU's monitor. */
  readonly id: string;
  #server: VfioUserServer | undefined;
  #uplink: Uplink | undefined;
  #known = new Map<Diagnostic, number>();
  #gone = false;

  private constructor(
    options: PlugOptions,
    parts: Pick<Bench, 'lab' | 'wire' | 'dma' | 'macBytes' | 'showsMsix' | 'id'>,
  ) {
    this.chip = options.chip;
    this.mode = options.mode;
    this.target = options.target;
    this.lab = parts.lab;
    this.wire = parts.wire;
    this.dma = parts.dma;
    this.macBytes = parts.macBytes;
    this.showsMsix = parts.showsMsix;
    this.id = parts.id;
    this.mac = macText(parts.macBytes);
  }

  get guest(): LinuxGuest {
    return this.lab.guest;
  }

  /** Makes the device, plugs it in, loads the driver; returns when the driver has made an interface. */
  static async plug(lab: Lab, options: PlugOptions): Promise<Bench> {
    const { chip, mode, target } = options;
    const number = lab.plugged++;
    const id = `nic${number}`;
    const macBytes = Uint8Array.of(0x52, 0x54, 0, 0x77, 0, 1 + number);
    const path = join(lab.guest.folder, id);
    await lab.guest.must(chip.driver.load(mode));
    const { scheduler } = lab.time;
    const far = lab.switch.port();
    if (target === 'control') {
      const uplink = await openStream({ time: lab.time, path, name: id });
      const wire = new Wire(uplink.port, far, scheduler, lab.arena);
      const bench = new Bench(options, { lab, wire, dma: undefined, macBytes, showsMsix: false, id });
      bench.#uplink = uplink;
      const { qmp } = lab.guest;
      await qmp.execute('netdev_add', {
        type: 'stream',
        id: `net${number}`,
        server: false,
        addr: { type: 'unix', path },
      });
      const control = chip.control!;
      await qmp.execute('device_add', {
        ...control.device,
        ...(mode !== 'msix' ? control.withoutMsix : {}),
        id,
        bus: `rp${number}`,
        netdev: `net${number}`,
        mac: bench.mac,
      });
      await bench.find();
      return bench;
    }
    const made = hideCapabilities(nicKind(chip.nic).make(macBytes, id), [
      ...chip.driver.hides(mode),
      ...(options.hide ?? []),
    ]);
    for (const { file } of made.maps ?? []) if (file) lab.coverage.push(new HardwareCoverage(file));
    const dma = new ObservedFunction(made, macBytes);
    const wire = new Wire(made.port!, far, scheduler, lab.arena);
    const showsMsix = made.config.msix !== undefined;
    const bench = new Bench(options, { lab, wire, dma, macBytes, showsMsix, id });
    bench.#server = serveVfioUser(dma, {
      path,
      time: lab.time,
      diagnostics: bench.diagnostics,
      label: chip.nic,
      arena: lab.arena,
      onClient: (connected, reason) => {
        if (!connected && reason !== undefined) bench.warnings.push(reason);
      },
      onWarning: (text) => bench.warnings.push(text),
    });
    lab.watch(made);
    await lab.guest.qmp.execute('device_add', { ...vfioUserDevice(path), id, bus: `rp${number}` });
    await bench.find();
    return bench;
  }

  /** Waits for the interface and sets `$N` and `$P`. */
  async find(): Promise<void> {
    const name = `N=$(basename $(dirname $(grep -il ${this.mac} /sys/class/net/[!l]*[0-9]/address)) 2>/dev/null)`;
    await this.sh(until(`{ ${name}; test -n "$N" && test -e /sys/class/net/$N; }`, 20));
    await this.sh(
      'P=$(basename $(readlink /sys/class/net/$N/device)); case $P in virtio*) P=$(basename $(dirname $(readlink -f /sys/class/net/$N/device)));; esac',
    );
    const { switchOn } = this.chip.driver;
    if (switchOn !== undefined) await this.sh(switchOn);
  }

  /** A line of shell that must succeed. */
  sh(line: string, within?: number): Promise<string> {
    return this.guest.must(line, within);
  }

  /** Interface up with carrier and, unless it has one, an address. */
  async up(): Promise<void> {
    await this.sh('ip link set $N up');
    await this.carrier(true);
    const { status } = await this.guest.run('ip addr show $N | grep -q "inet 10.0.2."');
    if (status !== 0) await this.lease();
  }

  carrier(on: boolean): Promise<string> {
    return this.sh(until(`test "$(cat /sys/class/net/$N/carrier 2>/dev/null)" = ${on ? 1 : 0}`));
  }

  async lease(): Promise<void> {
    await this.sh('udhcpc -i $N -n -q -t 10 -T 2', 30_000);
  }

  /** Sends `count` echo requests with `size` bytes of data. @throws unless all are answered */
  async ping(size = 56, count = 3, address = '10.0.2.2'): Promise<string> {
    const out = await this.sh(`ping -I $N -c ${count} -i 0.05 -W 3 -s ${size} ${address}`);
    if (!out.includes(' 0% packet loss')) throw new Error(`ping -s ${size}: ${out}`);
    return out;
  }

  /** Fetches bytes over HTTP and compares hashes. */
  async download(bytes = 2 << 20): Promise<void> {
    const sum = await this.sh(`wget -q -O - http://10.0.2.2/bytes/${bytes} | sha256sum`, 120_000);
    const told = await this.sh(`wget -q -O - http://10.0.2.2/sha256/${bytes}`);
    if (!/^[0-9a-f]{64}$/.test(told) || sum.split(' ')[0] !== told)
      throw new Error(`${bytes} bytes came down with hash ${sum}, not ${told}`);
  }

  /** Sends bytes over HTTP and compares hashes. */
  async upload(bytes = 2 << 20): Promise<void> {
    // Text: busybox's wget ends a body at the first zero byte.
    const sum = await this.sh(
      `test "$(stat -c %s /tmp/up 2>/dev/null)" = ${bytes} || base64 /dev/urandom | head -c ${bytes} > /tmp/up; sha256sum < /tmp/up`,
    );
    const answer = await this.sh(
      'wget -q -O - --header "Content-Type: application/octet-stream" --post-file /tmp/up http://10.0.2.2/upload',
      120_000,
    );
    const found = JSON.parse(answer) as { length: number; sha256: string };
    if (found.length !== bytes || found.sha256 !== sum.split(' ')[0])
      throw new Error(`${bytes} bytes with hash ${sum} went up, ${answer} arrived`);
  }

  /** Errors and warnings of the model since the last call: those that `explained` covers, as register and reason, and others. */
  findings(explained: readonly Explained[]): { unexplained: string[]; explained: string[] } {
    const fresh: Diagnostic[] = [];
    for (const finding of this.diagnostics.problems()) {
      if ((this.#known.get(finding) ?? 0) !== finding.count) fresh.push(finding);
      this.#known.set(finding, finding.count);
    }
    const out = { unexplained: [] as string[], explained: [] as string[] };
    for (const finding of fresh) {
      const known = explained.find((each) => each.rule === finding.rule && each.register.test(finding.register));
      if (known) out.explained.push(`${finding.register}, ${finding.rule}: ${known.why}`);
      else out.unexplained.push(diagnosticText(finding));
    }
    return out;
  }

  /** After a row that failed: settings as a row may expect them. */
  async restore(): Promise<void> {
    const on = ['tx', 'rx', 'sg', 'tso', 'gso', 'gro', 'rxvlan', 'txvlan', 'rxhash'];
    const { guest } = this;
    await guest.run(
      'ip link del vl5; ip link del vl7; ip addr del 10.9.9.2/24 dev $N; killall packets; wait; rm -f /tmp/seen*',
    );
    await guest.run(
      `for f in rx-fcs rx-all; do ethtool -K $N $f off; done; for f in ${on.join(' ')}; do ethtool -K $N $f on; done`,
    );
    await guest.run(
      `ip link set $N down; ip link set $N mtu 1500; ip link set $N address ${this.mac}; ip link set $N up`,
    );
    await this.up();
  }

  /** QEMU's orderly hot-unplug. */
  async unplug(): Promise<void> {
    const { qmp } = this.guest;
    await qmp.execute('device_del', { id: this.id });
    await qmp.waitFor((event) => event.event === 'DEVICE_DELETED' && event.data?.['device'] === this.id);
    this.#gone = true;
    await this.#close();
  }

  /** The device dies without a word: from now on every access reads ones. QEMU is not told. */
  surprise(): void {
    this.#server?.device.shell.remove();
    this.wire.cable.pull();
  }

  /** Takes the device out of the guest and, where QEMU can do that, out of QEMU. */
  async close(): Promise<void> {
    if (this.#gone) return;
    if (!this.showsMsix) return this.unplug();
    this.#gone = true;
    await this.guest.run('echo 1 > /sys/bus/pci/devices/$P/remove', 30_000);
    await this.#close();
  }

  async #close(): Promise<void> {
    this.#server?.close();
    this.#server = undefined;
    this.wire.cable.pull();
    await this.#uplink?.close();
    this.#uplink = undefined;
  }
}

/** An address as Linux prints it. */
export function macText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** One entry for each register, of all its appearances. */
export function mergeCoverage(entries: readonly RegisterCoverage[]): RegisterCoverage[] {
  const all = new Map<string, RegisterCoverage>();
  for (const entry of entries) {
    const known = all.get(entry.register);
    all.set(entry.register, {
      register: entry.register,
      read: entry.read || known?.read === true,
      written: entry.written || known?.written === true,
      fields: [...new Set([...(known?.fields ?? []), ...entry.fields])],
    });
  }
  return [...all.values()];
}
