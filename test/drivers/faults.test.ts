/**
 * Broken hardware under our drivers: every fault by name, 300 seeds each, in every interrupt mode, with models that are
 * prompt and models that are late. A driver recovers, or ends with one error that says what and where; and never says
 * that a frame was sent that was not.
 */
import { describe, expect, it } from 'vitest';
import { allDrivers, type DriverOptions, type InterruptMode, type Nic } from '../../src/drivers/index.js';
import { Machine } from '../../src/hosts/machine/index.js';
import { breakDevice, type DeviceFault, faultsOf, NICS, type NicKind, PortPhy } from '../../src/lab/index.js';
import { Cable } from '../../src/link/index.js';
import { enumerate, ProbeChain } from '../../src/pci/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { NicError } from '../../src/platform/errors.js';
import { emptyFrame } from '../../src/platform/phy.js';
import { Random } from '../../src/platform/random.js';
import { finish } from '../../src/testing/run.js';

const SEEDS = 300 * Number(process.env['NICFORGE_CASES'] ?? 1);
const FRAMES = 30;
/** Bytes of a frame; its number stands at 14. */
const SIZE = 100;
const TYPE = [0x88, 0xb5];
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
/** Between two looks at a NIC that does nothing. */
const SLOWEST = 5_000;
const LIMIT = 60_000_000;
/** Number of the first frame that is sent when all is well again. */
const AFTER = 0x4000_0000;
const MODES: readonly InterruptMode[] = ['polled', 'intx', 'msi', 'msix'];
const arena = new OwnedArena(192 << 20);

/** What a driver reported at its end. */
interface Outcome {
  readonly failures: readonly Error[];
  readonly recovered: readonly string[];
  readonly faults: number;
  readonly text: string;
}

class Run {
  readonly machine: Machine;
  readonly far: PortPhy;
  readonly cable: Cable;
  readonly broken: ReturnType<typeof breakDevice>;
  readonly failures: Error[] = [];
  readonly recovered: string[] = [];
  /** Frames of the NIC that were on the wire. */
  onWire = 0;
  readonly #label: string;

  constructor(kind: NicKind, fault: DeviceFault, seed: number) {
    arena.clear();
    const random = new Random(`${kind.name} ${fault} ${seed}`);
    this.#label = `${kind.name}, ${fault}, seed ${seed}`;
    const schedule = random.chance(0.5) ? 'fast' : 'adversarial';
    this.machine = new Machine({ arena, schedule, seed: random.u32(), strict: true });
    const model = kind.make(MAC, kind.name);
    this.broken = breakDevice(model, { random, cable: () => this.cable });
    if (fault === 'bad-nvm' || fault === 'silent-phy') this.broken.begin(fault);
    this.machine.bus.add(this.broken.model);
    this.far = new PortPhy({ arena, mac: Uint8Array.of(2, 0, 0, 0, 0, 9), name: 'far' });
    this.cable = new Cable(model.port!, this.far.port, this.machine);
    this.cable.tap = (_time, from) => {
      if (from === model.port) this.onWire++;
    };
  }

  probe(mode: InterruptMode): {
    nic: Nic | undefined;
    error: Error | undefined;
    chain: ProbeChain<Nic, DriverOptions>;
  } {
    const options = { interrupts: [mode, 'intx'] as const };
    const chain = new ProbeChain<Nic, DriverOptions>({ options, close: (nic) => nic.close() });
    let error: Error | undefined;
    for (const driver of allDrivers)
      chain.register({
        ...driver,
        *probe(fn, id, chosen) {
          const outcome = yield* driver.probe(fn, id, chosen);
          if (outcome.kind === 'failed') error = outcome.error;
          return outcome;
        },
      });
    const records = finish(this.machine, chain.offerAll(enumerate(this.machine).functions));
    const nic = records.find((record) => record.value !== undefined)?.value;
    nic?.events.on('failed', (failure) => this.failures.push(failure));
    nic?.events.on('recovered', (reason) => this.recovered.push(reason));
    return { nic, error, chain };
  }

  /** Numbered frames both ways, as long as the NIC lives, until as many have arrived as are asked. */
  exchange(nic: Nic, first: number, done: (there: ReadonlySet<number>, back: ReadonlySet<number>) => boolean): void {
    const { machine, far } = this;
    const frame = emptyFrame(arena);
    const [there, back] = [new Set<number>(), new Set<number>()];
    let sent = first;
    let answered = first;
    let idle = 20;
    let ready = true;
    nic.onReady = () => {
      ready = true;
    };
    const number = (): number => arena.view.getUint32(frame.offset + 14);
    for (const start = machine.scheduler.now; machine.scheduler.now - start < LIMIT; ) {
      const { now } = machine.scheduler;
      let moved = 0;
      // In interrupt modes it is looked at when it asked for it, when it has something to send, or when its time has come.
      if (nic.interruptMode === 'polled' || ready || now >= nic.nextStep) {
        ready = false;
        while (nic.receive(now, frame)) {
          back.add(number());
          moved++;
        }
        moved += nic.step(now);
      }
      if (nic.linkUp && sent < first + FRAMES && nic.reserve(now, frame, SIZE)) {
        write(frame.offset, far.mac, nic.mac, sent++);
        nic.commit(frame);
        nic.flush(now);
        moved++;
      }
      if (nic.linkUp && answered < first + FRAMES && far.reserve(now, frame, SIZE)) {
        write(frame.offset, nic.mac, far.mac, answered++);
        far.commit(frame);
        far.flush(now);
        moved++;
      }
      while (far.receive(now, frame)) {
        there.add(number());
        moved++;
      }
      if (this.failures.length > 0 || done(there, back)) return;
      // Once everything was sent and something of it is lost, more is sent.
      if (sent === first + FRAMES && answered === sent && idle === SLOWEST && this.broken.over) {
        sent = first;
        answered = first;
      }
      idle = moved > 0 ? 20 : Math.min(idle * 2, SLOWEST);
      this.#wait(idle);
    }
    throw new Error(
      `${this.#label}: ${there.size} and ${back.size} of ${FRAMES} frames arrived, link ${nic.linkUp}, ${JSON.stringify(nic.statistics())}`,
    );
  }

  #wait(duration: number): void {
    const { scheduler } = this.machine;
    let over = false;
    const timer = scheduler.timer(() => {
      over = true;
    });
    timer.arm(scheduler.now + duration);
    while (!over) scheduler.advance();
  }

  check(nic: Nic, most: number): void {
    const { txPackets = 0 } = nic.statistics();
    expect(txPackets, `${this.#label}: frames reported as sent`).toBeLessThanOrEqual(most);
    const problems = this.machine.diagnostics.problems().map((d) => `${d.register}: ${d.message}`);
    expect(problems, this.#label).toEqual([]);
  }
}

function write(at: number, to: Uint8Array, from: Uint8Array, number: number): void {
  arena.u8.set(to, at);
  arena.u8.set(from, at + 6);
  arena.u8.set(TYPE, at + 12);
  arena.view.setUint32(at + 14, number);
  arena.u8.fill(number, at + 18, at + SIZE);
}

/** One seed; what the driver said of it. */
function run(kind: NicKind, fault: DeviceFault, seed: number): Outcome {
  const test = new Run(kind, fault, seed);
  const { nic, error, chain } = test.probe(MODES[seed % MODES.length]!);
  const outcome = (): Outcome => ({
    failures: error ? [error] : test.failures,
    recovered: test.recovered,
    faults: test.broken.count,
    text: `${kind.name}, ${fault}, seed ${seed}: ${error ?? test.failures.join('; ')}`,
  });
  if (!nic) return outcome();
  test.exchange(nic, 0, (there, back) => there.size === FRAMES && back.size === FRAMES);
  test.broken.begin(fault, fault === 'hung-transmitter' ? 1 : 3);
  // While it is broken frames may get lost; afterwards all of a new set must arrive.
  const started = test.machine.scheduler.now;
  let rounds = 1;
  while (!test.broken.over && test.failures.length === 0 && test.machine.scheduler.now - started < LIMIT) {
    const first = 1000 * rounds++;
    const until = test.machine.scheduler.now + 10_000;
    test.exchange(nic, first, () => test.machine.scheduler.now >= until);
  }
  if (test.failures.length === 0)
    test.exchange(nic, AFTER, (there, back) => last(there) === FRAMES && last(back) === FRAMES);
  // Without a cable a frame goes nowhere, and virtio has no way to say so (virtio 1.2 §5.1.6.2).
  test.check(nic, fault === 'link-flap' ? Number.POSITIVE_INFINITY : test.onWire);
  for (const { fn } of chain.records) finish(test.machine, chain.release(fn));
  return outcome();
}

const last = (numbers: ReadonlySet<number>): number => [...numbers].filter((number) => number >= AFTER).length;

describe.each(NICS)('$name broken', (kind) => {
  const faults = faultsOf(kind.make(MAC, kind.name));

  it.each(faults)(`%s: recovers or ends with one clear error, ${SEEDS} seeds`, (fault) => {
    let wrong = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const { failures, faults: count, text } = run(kind, fault, seed);
      wrong += count;
      const final = fault === 'removal' || fault === 'bad-nvm' || fault === 'silent-phy';
      expect(failures.length, text).toBe(final ? 1 : 0);
      for (const failure of failures) {
        expect(failure, text).toBeInstanceOf(NicError);
        const { code, place } = failure as NicError;
        expect(code, text).toBe(fault === 'removal' ? 'gone' : fault === 'bad-nvm' ? 'bad-nvm' : 'timeout');
        expect(place.register ?? place.ref, text).toBeDefined();
      }
    }
    expect(wrong).toBeGreaterThan(SEEDS / 2);
  });
});
