/** Register access through the machine, and frames through driver and model, of one NIC. Argument: the NIC's name. */
import { allDrivers } from '../../../dist/drivers/index.js';
import { Machine } from '../../../dist/hosts/machine/index.js';
import { nicKind } from '../../../dist/lab/index.js';
import { Cable, GIGABIT, LinkPort } from '../../../dist/link/index.js';
import { enumerate, ProbeChain } from '../../../dist/pci/index.js';
import { copy, emptyFrame, OwnedArena, spawn, sum16 } from '../../../dist/platform/index.js';
import { i82540em, i82574, rtl8125b, rtl8168h, virtio } from '../../../dist/registers/index.js';
import { nanoseconds, serve } from './item.mjs';

const ACCESSES = 2_000_000;
const BATCH = 32;
const STEPS = 5_000_000;
const SLOT = 2048;

/** For each NIC: a register to read and one to write whose accesses have no side effect. */
const REGISTERS = {
  '82540em': () => ({ bar: 0, read: i82540em.STATUS.at, write: i82540em.VET.at }),
  '82574l': () => ({ bar: 0, read: i82574.STATUS.at, write: i82574.VET.at }),
  rtl8168h: () => ({ bar: 2, read: rtl8168h.TXCFG.at, write: rtl8168h.MAR0.at }),
  rtl8125b: () => ({ bar: 2, read: rtl8125b.TXCFG.at, write: rtl8125b.MAR0.at }),
  'virtio-net': (fn) => {
    const { bar, offset } = commonConfig(fn);
    return { bar, read: offset + virtio.DEVICE_FEATURE.at, write: offset + virtio.DRIVER_FEATURE_SELECT.at };
  },
};

/** Where the vendor capability says that the common configuration is (virtio 1.2 §4.1.4). */
function commonConfig(fn) {
  for (const { id, at } of fn.capabilities)
    if (id === 0x09 && fn.read8(at + 3) === 1) return { bar: fn.read8(at + 4), offset: fn.read32(at + 8) };
  throw new Error('no common configuration');
}

/** A machine with the NIC bound, its link up, and a bare port at the other end of its cable. */
function bringUp(name) {
  const arena = new OwnedArena(128 << 20);
  const machine = new Machine({ arena, seed: 1 });
  const model = nicKind(name).make(Uint8Array.of(2, 0, 0, 0, 0, 1), name);
  machine.bus.add(model);
  const far = new LinkPort('far');
  far.offer(GIGABIT);
  new Cable(model.port, far, machine);
  const chain = new ProbeChain({ options: {}, close: (nic) => nic.close() });
  for (const driver of allDrivers) chain.register(driver);
  let records;
  let problem;
  spawn(
    machine.scheduler,
    chain.offerAll(enumerate(machine).functions),
    (value) => {
      records = value;
    },
    (error) => {
      problem = error;
    },
  );
  for (let i = 0; i < STEPS && !records && !problem && machine.scheduler.advance(); i++);
  if (problem) throw problem;
  const record = records?.find((each) => each.value !== undefined);
  if (!record) throw new Error(`no driver bound ${name}`);
  const nic = record.value;
  const pass = (time) => {
    const until = machine.scheduler.now + time;
    for (let i = 0; i < STEPS && machine.scheduler.advance(until); i++);
    nic.step(machine.scheduler.now);
  };
  for (let i = 0; i < 10_000 && !nic.linkUp; i++) pass(1000);
  if (!nic.linkUp) throw new Error(`${name}: no link`);
  return { arena, machine, far, nic, fn: record.fn, pass };
}

/** Nanoseconds of a 32-bit read and a write through the machine, and of a bare typed array's. */
function registers({ fn }, name) {
  const { bar, read, write } = REGISTERS[name](fn);
  const mmio = fn.mapBar(bar);
  const words = new Int32Array(1024);
  for (let i = 0; i < words.length; i++) words[i] = i;
  let sum = 0;
  let begun = nanoseconds();
  for (let i = 0; i < ACCESSES; i++) sum = (sum + mmio.read32(read)) | 0;
  const reading = nanoseconds() - begun;
  begun = nanoseconds();
  for (let i = 0; i < ACCESSES; i++) mmio.write32(write, i & 0xffff);
  const writing = nanoseconds() - begun;
  begun = nanoseconds();
  for (let i = 0; i < ACCESSES; i++) sum = (sum + words[i & 1023]) | 0;
  const bare = nanoseconds() - begun;
  if (mmio.read32(write) !== ((ACCESSES - 1) & 0xffff) || !Number.isInteger(sum))
    throw new Error('wrong value read back');
  return { read32: reading / ACCESSES, write32: writing / ACCESSES, bare: bare / ACCESSES };
}

/** Frames/s out and in, and copies/s of as many bytes; the sum of all bytes that came is compared with that of those sent. */
function frames({ arena, machine, far, nic, pass }, size, count) {
  const place = arena.alloc(SLOT) + 2;
  const scratch = arena.alloc(SLOT) + 2;
  const { u8 } = arena;
  u8.set([2, 0, 0, 0, 0, 9, ...nic.mac, 0x88, 0xb5], place);
  for (let i = 14; i < size; i++) u8[place + i] = i * 7;
  let sum = 0;
  let came = 0;
  far.receive = (frame) => {
    sum = (sum + sum16(frame.arena, frame.offset, frame.length)) | 0;
    came++;
    return 'delivered';
  };
  const frame = emptyFrame(arena);
  const check = (what) => {
    const one = sum16(arena, place, size);
    if (came !== count || sum !== Math.imul(one, count))
      throw new Error(`${what}: ${came} of ${count} frames came, sum ${sum}`);
    sum = came = 0;
  };
  let begun = nanoseconds();
  let sent = 0;
  for (let turn = 0; turn < STEPS && came < count; turn++) {
    const now = machine.scheduler.now;
    for (let i = 0; i < BATCH && sent < count && nic.reserve(now, frame, size); i++, sent++) {
      copy(frame.arena, frame.offset, arena, place, size);
      nic.commit(frame);
    }
    nic.flush(now);
    pass(20);
  }
  const out = nanoseconds() - begun;
  check('out');
  const onWire = { arena, offset: place, length: size, fcsOk: true };
  u8.set(nic.mac, place);
  u8.set([2, 0, 0, 0, 0, 9], place + 6);
  sent = 0;
  begun = nanoseconds();
  for (let turn = 0; turn < STEPS && came < count; turn++) {
    for (let i = 0; i < BATCH && sent < count; i++, sent++) far.transmit(onWire);
    for (let i = 0; i < BATCH && nic.receive(machine.scheduler.now, frame); i++) {
      sum = (sum + sum16(frame.arena, frame.offset, frame.length)) | 0;
      came++;
    }
    pass(20);
  }
  const into = nanoseconds() - begun;
  check('in');
  begun = nanoseconds();
  for (let i = 0; i < count; i++) {
    copy(arena, scratch, arena, place, size);
    sum = (sum + sum16(arena, scratch, size)) | 0;
    came++;
  }
  const copies = nanoseconds() - begun;
  check('copy');
  arena.free(place - 2);
  arena.free(scratch - 2);
  const rate = (ns) => (count * 1e9) / ns;
  return { out: rate(out), in: rate(into), copy: rate(copies) };
}

const name = process.argv[2];
let bench;
serve(({ frames: count }) => {
  bench ??= bringUp(name);
  const figures = {};
  for (const [key, value] of Object.entries(registers(bench, name))) figures[key] = value;
  for (const size of [60, 1514])
    for (const [key, value] of Object.entries(frames(bench, size, count))) figures[`${size} ${key}`] = value;
  return figures;
});
