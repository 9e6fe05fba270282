/**
 * Device models inside v86, the PC that runs in JavaScript. They are hooked in through the imports and exports of its
 * WebAssembly module, whose names are part of its interface; nothing of its JavaScript is touched.
 */
import type { EmulatedFunction, Schedule } from '../../emulators/function.js';
import { type GuestMemory, PciShell, type ShellHost } from '../../emulators/shell.js';
import { OwnedArena } from '../../platform/arena.js';
import type { Diagnostics } from '../../platform/diagnostics.js';
import { Random } from '../../platform/random.js';
import type { RealTime } from '../native/real-time.js';
import { type V86InterruptExports, V86Interrupts } from './interrupts.js';
import { V86Memory, type V86MemoryExports } from './memory.js';

/** Where a function sits on v86's one bus. */
export interface V86Slot {
  /** Device number 2 to 31; v86 itself uses 0, 1, 7, 5, 6, 8, 9 and 18 when the devices concerned are on. */
  readonly device: number;
  readonly fn: EmulatedFunction;
}

/** What lives in v86, and by which clock. */
export interface V86HostOptions {
  readonly slots: readonly V86Slot[];
  readonly time: RealTime;
  readonly diagnostics: Diagnostics;
  /** Default `fast`. */
  readonly schedule?: Schedule;
  /** Seed of the adversarial schedule. */
  readonly seed?: number | string;
  /** Memory for packet buffers; default 4 MiB of its own. */
  readonly arena?: OwnedArena;
}

type Fn = (...args: number[]) => number;
type Imports = { env: Record<string, unknown> };
type Exports = Record<string, unknown>;

const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
/** Bus 0, device 1, function 0: the PIIX3, whose registers 60h to 63h route interrupts. */
const PIIX3 = 1 << 3;
const PIRQ_AT = 0x60;
/** Hot-plug registers that SeaBIOS's ACPI tables name and v86 leaves floating: all ones would eject every device. */
const HOTPLUG_FIRST = 0xae00;
const HOTPLUG_LAST = 0xae0f;

interface Window {
  readonly start: number;
  readonly end: number;
  readonly shell: PciShell;
  readonly bar: number;
}

/** One v86 with our functions in it. */
export class V86Host {
  readonly #options: V86HostOptions;
  readonly #shells = new Map<number, PciShell>();
  #memory: V86Memory | undefined;
  #interrupts: V86Interrupts | undefined;
  #mmio: Window[] = [];
  #ports: Window[] = [];
  #address = 0;
  #original: Record<string, Fn> = {};

  constructor(options: V86HostOptions) {
    this.#options = options;
    for (const slot of options.slots) {
      if (slot.device < 2 || slot.device > 31) throw new RangeError(`v86: device ${slot.device} is not 2 to 31`);
      if (this.#shells.has(slot.device << 3)) throw new RangeError(`v86: device ${slot.device} is taken twice`);
      this.#shells.set(slot.device << 3, this.#shell(slot));
    }
  }

  /** The shell of the function in slot `device`. */
  shell(device: number): PciShell | undefined {
    return this.#shells.get(device << 3);
  }

  /** The guest's memory, once the machine exists. */
  get memory(): V86Memory | undefined {
    return this.#memory;
  }

  /** RST# for our functions; v86 does not tell when its machine is reset, so whoever calls its `restart` calls this too. */
  reset(): void {
    for (const shell of this.#shells.values()) shell.reset('bus');
  }

  /**
   * Tells the host that v86 runs from a saved state (its option `initial_state`; call this on `emulator-loaded`): where
   * interrupts go was written before the state was saved, so nobody saw it here. The state must have been saved without
   * functions of ours in it; the guest finds them when it looks at the bus again.
   */
  restored(): void {
    const write = this.#original['io_port_write32']!;
    write(CONFIG_ADDRESS, 0x8000_0000 | (PIIX3 << 8) | PIRQ_AT);
    const routes = this.#original['io_port_read32']!(CONFIG_DATA);
    write(CONFIG_ADDRESS, this.#address);
    for (let i = 0; i < 4; i++) this.#interrupts!.setRoute(i, (routes >>> (8 * i)) & 0xff);
  }

  /** For v86's option `wasm_fn`: instantiates its module (the bytes of `v86.wasm`) with our hooks. */
  wasmFn(wasm: BufferSource): (imports: Imports) => Promise<Exports> {
    return async (imports) => {
      this.#hook(imports.env);
      const { instance } = await WebAssembly.instantiate(wasm, imports as unknown as WebAssembly.Imports);
      const exports: Exports = { ...instance.exports };
      const allocate = exports['allocate_memory'] as Fn;
      // v86 asks for guest memory once; where it lies is all that DMA needs to know.
      exports['allocate_memory'] = (bytes: number): number => {
        const base = allocate(bytes) >>> 0;
        this.#memory = new V86Memory(exports as unknown as V86MemoryExports, base, bytes);
        return base;
      };
      this.#interrupts = new V86Interrupts(exports as unknown as V86InterruptExports);
      return exports;
    };
  }

  // --- Hooks.

  #hook(env: Record<string, unknown>): void {
    const names = [
      'mmap_read8',
      'mmap_read16',
      'mmap_read32',
      'mmap_write8',
      'mmap_write16',
      'mmap_write32',
      'mmap_write64',
      'mmap_write128',
    ];
    const ports = [
      'io_port_read8',
      'io_port_read16',
      'io_port_read32',
      'io_port_write8',
      'io_port_write16',
      'io_port_write32',
    ];
    for (const name of [...names, ...ports, 'run_hardware_timers']) this.#original[name] = env[name] as Fn;
    const original = this.#original;
    for (const width of [8, 16, 32]) {
      const read = original[`mmap_read${width}`];
      const write = original[`mmap_write${width}`]!;
      // Later versions split 16-bit reads and have no import for them.
      if (read) {
        env[`mmap_read${width}`] = (address: number): number => {
          const window = find(this.#mmio, address >>> 0);
          return window === undefined ? read(address) : this.#read(window, (address >>> 0) - window.start, width);
        };
      }
      env[`mmap_write${width}`] = (address: number, value: number): void => {
        const window = find(this.#mmio, address >>> 0);
        if (window === undefined) write(address, value);
        else this.#write(window, (address >>> 0) - window.start, width, value);
      };
      env[`io_port_read${width}`] = (port: number): number => this.#portRead(port, width);
      env[`io_port_write${width}`] = (port: number, value: number): void => this.#portWrite(port, width, value);
    }
    for (const words of [2, 4]) {
      const name = `mmap_write${words * 32}`;
      env[name] = (address: number, ...values: number[]): void => {
        const window = find(this.#mmio, address >>> 0);
        if (window === undefined) original[name]!(address, ...values);
        else
          for (let i = 0; i < words; i++) this.#write(window, (address >>> 0) - window.start + 4 * i, 32, values[i]!);
      };
    }
    // Called between slices of the guest: the moment at which timers may raise interrupts.
    env['run_hardware_timers'] = (...args: number[]): number => {
      this.#options.time.kick();
      return original['run_hardware_timers']!(...args);
    };
  }

  #enter(): void {
    this.#options.time.scheduler.refresh();
    this.#interrupts!.trapped = true;
  }

  #leave(): void {
    this.#interrupts!.trapped = false;
  }

  #read(window: Window, at: number, width: number): number {
    const bytes = width >> 3;
    this.#enter();
    let value = 0;
    if (at % bytes === 0 && window.start + at + bytes <= window.end)
      value = window.shell.readBar(window.bar, at, width);
    else
      for (let i = 0; i < bytes; i++)
        value |=
          (window.start + at + i < window.end ? window.shell.readBar(window.bar, at + i, 8) & 0xff : 0xff) << (8 * i);
    this.#leave();
    return width === 32 ? value | 0 : value & (2 ** width - 1);
  }

  #write(window: Window, at: number, width: number, value: number): void {
    const bytes = width >> 3;
    this.#enter();
    if (at % bytes === 0 && window.start + at + bytes <= window.end)
      window.shell.writeBar(window.bar, at, width, value);
    else
      for (let i = 0; i < bytes && window.start + at + i < window.end; i++)
        window.shell.writeBar(window.bar, at + i, 8, (value >>> (8 * i)) & 0xff);
    this.#leave();
  }

  #portRead(port: number, width: number): number {
    const fall = this.#original[`io_port_read${width}`]!;
    if (port >= CONFIG_DATA && port < CONFIG_DATA + 4 && this.#address < 0) {
      const shell = this.#shells.get((this.#address >> 8) & 0xffff);
      if (shell === undefined) return fall(port);
      this.#enter();
      const value = shell.readConfig((this.#address & 0xfc) + (port & 3), width);
      this.#leave();
      return width === 32 ? value | 0 : value & (2 ** width - 1);
    }
    if (port >= HOTPLUG_FIRST && port <= HOTPLUG_LAST) return 0;
    const window = find(this.#ports, port);
    return window === undefined ? fall(port) : this.#read(window, port - window.start, width);
  }

  #portWrite(port: number, width: number, value: number): void {
    const fall = this.#original[`io_port_write${width}`]!;
    if (port >= CONFIG_ADDRESS && port < CONFIG_ADDRESS + 4) {
      const shift = 8 * (port & 3);
      const mask = width === 32 ? -1 : (2 ** width - 1) << shift;
      this.#address = (this.#address & ~mask) | ((value << shift) & mask);
      fall(port, value);
      return;
    }
    if (port >= CONFIG_DATA && port < CONFIG_DATA + 4 && this.#address < 0) {
      this.#configWrite(port, width, value, fall);
      return;
    }
    const window = find(this.#ports, port);
    if (window === undefined) fall(port, value);
    else this.#write(window, port - window.start, width, value);
  }

  #configWrite(port: number, width: number, value: number, fall: Fn): void {
    const bdf = (this.#address >> 8) & 0xffff;
    const at = (this.#address & 0xfc) + (port & 3);
    const shell = this.#shells.get(bdf);
    if (shell !== undefined) {
      this.#enter();
      shell.writeConfig(at, width, value);
      this.#leave();
      return;
    }
    // v86 does not check that somebody is there.
    if (!this.#exists(bdf)) return;
    fall(port, value);
    if (bdf !== PIIX3) return;
    this.#interrupts!.trapped = true;
    for (let i = 0; i < width / 8; i++) {
      const index = at + i - PIRQ_AT;
      if (index >= 0 && index < 4) this.#interrupts!.setRoute(index, (value >>> (8 * i)) & 0xff);
    }
    this.#leave();
  }

  /** Asks v86 for the vendor ID of one of its own functions; the address register is put back. */
  #exists(bdf: number): boolean {
    const write = this.#original['io_port_write32']!;
    write(CONFIG_ADDRESS, 0x8000_0000 | (bdf << 8));
    const id = this.#original['io_port_read32']!(CONFIG_DATA);
    write(CONFIG_ADDRESS, this.#address);
    return (id & 0xffff) !== 0xffff;
  }

  // --- Functions.

  #shell(slot: V86Slot): PciShell {
    const { time, diagnostics } = this.#options;
    const { scheduler } = time;
    const schedule = this.#options.schedule ?? 'fast';
    const random = new Random(this.#options.seed ?? 1).fork(slot.fn.name);
    const arena = this.#options.arena ?? new OwnedArena(4 << 20);
    const label = `${slot.fn.name} 00:${slot.device.toString(16).padStart(2, '0')}.0`;
    const host: ShellHost = {
      memory: this.#gate(),
      arena,
      allocBuffer: (bytes) => arena.alloc(bytes),
      get now() {
        return scheduler.now;
      },
      alarm: (fire) => time.alarm(fire),
      schedule,
      delay: (most) => (schedule === 'adversarial' ? random.below(most + 1) : 0),
      slice: (most) => (schedule === 'adversarial' ? 1 + random.below(most) : most),
      setPin: (on) => this.#interrupts?.setPin(slot.device, slot.fn.config.interruptPin, on),
      message: (_vector, low, _high, data) => this.#interrupts?.message(low, data),
      pme: () => undefined,
      report: (finding) => diagnostics.report(label, scheduler.now, finding),
      decodingChanged: () => this.#decode(),
    };
    return new PciShell(slot.fn, host);
  }

  /** Guest memory before and after it exists. */
  #gate(): GuestMemory {
    const memory = (): V86Memory => this.#memory ?? NOTHING;
    return {
      read: (address, arena, at, bytes) => memory().read(address, arena, at, bytes),
      write: (address, arena, at, bytes) => memory().write(address, arena, at, bytes),
      read32: (address) => memory().read32(address),
      read16: (address) => memory().read16(address),
      write32: (address, value) => memory().write32(address, value),
      write16: (address, value) => memory().write16(address, value),
      get fault() {
        return memory().fault;
      },
    };
  }

  #decode(): void {
    this.#mmio = [];
    this.#ports = [];
    for (const shell of this.#shells.values()) {
      for (const bar of shell.fn.config.bars) {
        const start = shell.barBase(bar.index);
        if (start === undefined || start === 0) continue;
        (bar.kind === 'io' ? this.#ports : this.#mmio).push({ start, end: start + bar.bytes, shell, bar: bar.index });
      }
    }
  }
}

const NOTHING = new V86Memory(
  { memory: new WebAssembly.Memory({ initial: 0 }), jit_dirty_cache: () => undefined },
  0,
  0,
);

function find(windows: readonly Window[], address: number): Window | undefined {
  for (let i = 0; i < windows.length; i++) {
    const window = windows[i]!;
    if (address >= window.start && address < window.end) return window;
  }
  return undefined;
}
