/** What every NIC driver must do on the model of its chip: bring-up, traffic under every schedule, and a clean close. */
import type { DriverOptions, Nic, NicDriver } from '../drivers/index.js';
import type { EmulatedFunction, Schedule } from '../emulators/index.js';
import { Machine } from '../hosts/machine/index.js';
import { PortPhy } from '../lab/port-phy.js';
import { Cable } from '../link/index.js';
import { enumerate, ProbeChain } from '../pci/index.js';
import { OwnedArena } from '../platform/arena.js';
import { Checksum, emptyFrame } from '../platform/phy.js';
import type { ContractCase } from './register-contract.js';
import { finish, until } from './run.js';

const FRAMES = 200;

/** The suite: `driver` on models that `make` gives. The model must be one that the driver's table names. */
export function driverContract(driver: NicDriver, make: () => EmulatedFunction): ContractCase[] {
  const schedules: readonly Schedule[] = ['fast', 'timed', 'adversarial'];
  return schedules.flatMap((schedule) =>
    (['polled', 'intx'] as const).map((mode) => ({
      name: `${driver.name} on ${make().name}, ${schedule}, ${mode}: link, ${FRAMES} frames each way, close`,
      run: () => traffic(driver, make(), schedule, { interrupts: [mode] }),
    })),
  );
}

/** One memory for all cases, which run one after the other. */
let arena: OwnedArena | undefined;

function traffic(driver: NicDriver, model: EmulatedFunction, schedule: Schedule, options: DriverOptions): void {
  arena ??= new OwnedArena(128 << 20);
  arena.clear();
  const machine = new Machine({ schedule, seed: 1, strict: true, arena });
  machine.bus.add(model);
  const far = new PortPhy({ arena: machine.arena, mac: Uint8Array.of(2, 0, 0, 0, 0, 9), name: 'far' });
  if (!model.port) throw new Error('the model has no port');
  new Cable(model.port, far.port, machine);
  const chain = new ProbeChain<Nic, DriverOptions>({ options, close: (nic) => nic.close() });
  chain.register(driver);
  const records = finish(machine, chain.offerAll(enumerate(machine).functions));
  const record = records.find((each) => each.value !== undefined);
  const nic = record?.value;
  if (!record || !nic) throw new Error(`not bound: ${JSON.stringify(records.flatMap((each) => each.steps))}`);
  until(
    machine,
    'link',
    () => nic.linkUp,
    () => nic.step(machine.scheduler.now),
  );
  exchange(machine, nic, far);
  finish(machine, chain.release(record.fn));
  const problems = machine.diagnostics.problems();
  if (problems.length > 0) throw new Error(problems.map((d) => `${d.register}: ${d.message}`).join('; '));
}

/** Sends frames both ways and compares every byte. */
function exchange(machine: Machine, nic: Nic, far: PortPhy): void {
  const frame = emptyFrame(machine.arena);
  let there = 0;
  let back = 0;
  let sent = 0;
  let answered = 0;
  const work = (): void => {
    const now = machine.scheduler.now;
    nic.step(now);
    if (sent < FRAMES && nic.reserve(now, frame, size(sent))) {
      fill(frame.arena.u8, frame.offset, size(sent), far.mac, nic.mac, sent++);
      nic.commit(frame);
      nic.flush(now);
    }
    if (answered < there && far.reserve(now, frame, size(answered))) {
      fill(frame.arena.u8, frame.offset, size(answered), nic.mac, far.mac, answered++);
      far.commit(frame);
      far.flush(now);
    }
    while (far.receive(now, frame)) compare(frame.arena.u8, frame.offset, frame.length, there++);
    while (nic.receive(now, frame)) {
      if (frame.checksum === Checksum.bad) throw new Error('a checksum is called bad in a frame that has none');
      compare(frame.arena.u8, frame.offset, frame.length, back++);
    }
  };
  until(machine, `${FRAMES} frames each way`, () => there === FRAMES && back === FRAMES, work);
}

const size = (i: number): number => 60 + ((i * 97) % 1455);

function fill(u8: Uint8Array, at: number, bytes: number, to: Uint8Array, from: Uint8Array, i: number): void {
  u8.set(to, at);
  u8.set(from, at + 6);
  // A local experimental Ethernet type (802 §9.2.4).
  u8[at + 12] = 0x88;
  u8[at + 13] = 0xb5;
  for (let j = 14; j < bytes; j++) u8[at + j] = i + j * 7;
}

function compare(u8: Uint8Array, at: number, bytes: number, i: number): void {
  if (bytes !== size(i)) throw new Error(`frame ${i} has ${bytes} bytes, not ${size(i)}`);
  for (let j = 14; j < bytes; j++)
    if (u8[at + j] !== ((i + j * 7) & 0xff)) throw new Error(`byte ${j} of frame ${i} is wrong`);
}
