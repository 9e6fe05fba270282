/** Traces and the comments of captures: exact words for what a driver does, on both chips; nothing changes for the model. */

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { drive } from '../../src/cli/drive.js';
import { nodeHash } from '../../src/cli/lab.js';
import { I82540em, VirtioNet } from '../../src/emulators/index.js';
import { Machine } from '../../src/hosts/machine/index.js';
import { FunctionTrace, NICS, runLab, World, watchFunction } from '../../src/lab/index.js';
import { hex, streamDigest } from '../../src/net/index.js';
import { enumerate, type PciFunction } from '../../src/pci/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { i82540em, pci, virtio } from '../../src/registers/index.js';

const { CTRL, STATUS, RCTL, TDT } = i82540em;

function bench(made: I82540em | VirtioNet): {
  fn: PciFunction;
  lines: string[];
  trace: FunctionTrace;
  machine: Machine;
} {
  const machine = new Machine({ arena: new OwnedArena(32 << 20), ramBytes: 4 << 20, seed: 1 });
  const lines: string[] = [];
  const trace = new FunctionTrace(made, {
    label: 'nic',
    now: () => machine.scheduler.now,
    line: (text) => lines.push(text.replace(/^\[\d+\.\d{6}\] nic /, '')),
  });
  machine.bus.add(watchFunction(made, trace));
  const fn = enumerate(machine).functions.find((each) => each.device === made.config.device)!;
  fn.enable({ memory: true, io: true, master: true });
  trace.flush();
  lines.length = 0;
  return { fn, lines, trace, machine };
}

/** Lets time go by. */
function pass({ scheduler }: Machine, time: number): void {
  const end = scheduler.now + time;
  scheduler.at(end, () => undefined);
  while (scheduler.now < end) scheduler.advance(end);
}

describe('a trace', () => {
  test('names fields, what they changed, parts of registers, and offsets where nothing is', () => {
    const { fn, lines, trace } = bench(new I82540em());
    const io = fn.mapBar(0);
    io.read32(CTRL.at);
    io.write32(CTRL.at, CTRL.FD | CTRL.SLU | (1 << 8));
    io.write8(CTRL.at, 0x40);
    io.read32(0x7000);
    io.write32(TDT.at, 3);
    io.write32(TDT.at, 4);
    trace.flush();
    expect(lines.filter((line) => !line.startsWith('!'))).toEqual([
      'R CTRL = FD | SLU | SPEED:1000 (0x00000241)',
      'W CTRL = FD | SLU | SPEED:100 (0x00000141) (changed: SPEED:1000>100)',
      'W CTRL.7:0 = 0x40 (changed: -FD)',
      'R BAR0+0x7000 = 0x00000000',
      'W TDT = 0x00000003',
      'W TDT = 0x00000004 (was 0x00000003)',
    ]);
    expect(lines.filter((line) => line.includes('[unknown-register]'))).toHaveLength(1);
  });

  test('folds polls, and tells what ended them', () => {
    const { fn, lines, trace, machine } = bench(new I82540em());
    const io = fn.mapBar(0);
    for (let i = 0; i < 412; i++) {
      io.read32(STATUS.at);
      pass(machine, 10);
    }
    io.write32(RCTL.at, RCTL.EN | RCTL.BAM);
    trace.flush();
    expect(lines[0]).toMatch(
      /^R STATUS read 412 times in \d+ us, unchanged = FD \| SPEED:1000 \| ASDV:1000 \(0x00000281\)$/,
    );
    expect(lines[1]).toMatch(/^W RCTL = EN \| .*BAM/);
    // What is idle is told, what goes on is not.
    io.read32(STATUS.at);
    const before = lines.length;
    trace.flush(1000);
    expect(lines).toHaveLength(before);
    pass(machine, 2000);
    trace.flush(1000);
    expect(lines).toHaveLength(before + 1);
  });

  test('tells configuration space with its capabilities, resets, and the doorbells of virtio', () => {
    const { fn, lines, trace } = bench(new VirtioNet());
    fn.read32(0);
    fn.read16(pci.COMMAND.at);
    fn.write16(pci.COMMAND.at, pci.COMMAND.MEMORY);
    fn.read16(0x98 + pci.MSIX_CONTROL.at);
    const io = fn.mapBar(4);
    io.write8(virtio.DEVICE_STATUS.at, 1);
    io.write16(0x3004, 1);
    trace.flush();
    expect(lines.filter((line) => !line.startsWith('!'))).toEqual([
      'R VENDOR_ID,DEVICE_ID = 0x10411af4',
      'R COMMAND = MEMORY | MASTER (0x0006) (changed: -IO)',
      'W COMMAND = MEMORY (0x0002) (changed: -MASTER)',
      'R MSIX_CONTROL = TABLE_SIZE:0x003 (0x0003)',
      'W DEVICE_STATUS = ACKNOWLEDGE (0x01)',
      'W NOTIFY[1] = 0x0001',
    ]);
  });
});

/** Blocks of type 6 of a capture with their comment. */
function comments(parts: readonly Uint8Array[]): string[] {
  const found: string[] = [];
  for (const block of parts) {
    const view = new DataView(block.buffer, block.byteOffset, block.length);
    if (view.getUint32(0, true) !== 6) continue;
    let at = 28 + ((view.getUint32(20, true) + 3) & ~3);
    let comment = '';
    while (view.getUint16(at, true) !== 0) {
      const length = view.getUint16(at + 2, true);
      if (view.getUint16(at, true) === 1) comment = Buffer.from(block.subarray(at + 4, at + 4 + length)).toString();
      at += 4 + ((length + 3) & ~3);
    }
    found.push(comment);
  }
  return found;
}

/** The write that tells a NIC of frames to send, in a comment. */
const DOORBELLS: Readonly<Record<string, RegExp>> = {
  '82540em': /W TDT=0x0000/,
  '82574l': /W TDT0=0x0000/,
  'virtio-net': /accesses since the frame before: .*W NOTIFY\[1\]=0x0001/,
  rtl8168h: /W TPPOLL=0x40/,
  rtl8125b: /W TPPOLL=0x0001/,
};

describe.each(NICS.map(({ name }) => name))('%s under our driver', (name) => {
  const run = async (watched: boolean) => {
    const lines: string[] = [];
    const parts: Uint8Array[] = [];
    const world = new World({
      nics: [name],
      seed: 3,
      hash: () => createHash('sha256'),
      ...(watched
        ? { trace: (line: string) => lines.push(line), pcapng: (block: Uint8Array) => parts.push(block.slice()) }
        : {}),
    });
    const bytes = 200_000;
    const report = await runLab({
      host: world.machine,
      scheduler: world.scheduler,
      arena: world.arena,
      random: world.random,
      diagnostics: world.diagnostics,
      drive,
      job: {
        download: {
          url: `http://gateway.lab/bytes/${bytes}`,
          bytes,
          sha256: hex(streamDigest(bytes, () => createHash('sha256'))),
        },
        hash: nodeHash,
      },
    });
    for (const nic of world.nics) nic.trace?.flush();
    return { report, lines, parts, now: world.scheduler.now };
  };

  test('trace and capture change nothing; each frame has its descriptor and its accesses', async () => {
    const plain = await run(false);
    const { report, lines, parts, now } = await run(true);
    expect(report.ok).toBe(true);
    expect(now).toBe(plain.now);
    expect(report.devices[0]!.frames).toBe(plain.report.devices[0]!.frames);

    const told = comments(parts);
    const out = told.filter((text) =>
      /^(TX ring 0|TX ring of normal priority|transmit queue 1) descriptor \d+ at 0x[0-9a-f]+: ([0-9a-f]{8} ?){4}/.test(
        text,
      ),
    );
    const came = told.filter((text) =>
      /^delivered: (RX ring 0|RX ring|receive queue 0) descriptor \d+ at 0x[0-9a-f]+: ([0-9a-f]{8} ?){4}/.test(text),
    );
    const lost = told.filter((text) => /^(no-carrier|receiver-off|filtered|queued)/.test(text));
    expect(came.length).toBeGreaterThan(137);
    expect(out.length).toBeGreaterThan(8);
    expect(out.length + came.length + lost.length).toBe(told.length);
    expect(told.filter((text) => DOORBELLS[name]!.test(text)).length).toBeGreaterThan(5);

    expect(lines.filter((line) => / sends \d+ bytes: .* \((TX ring|transmit queue)/.test(line))).toHaveLength(
      out.length,
    );
    expect(lines.filter((line) => / delivered: \d+ bytes: .* \((RX ring|receive queue)/.test(line))).toHaveLength(
      came.length,
    );
    expect(lines.some((line) => / DMA read \d+ bytes in \d+/.test(line))).toBe(true);
    expect(lines.some((line) => / (interrupt raised|message, vector \d)/.test(line))).toBe(true);
    expect(lines.every((line) => /^\[\d+\.\d{6}\] \S+ 0 [!-~]/.test(line) && line.length < 600)).toBe(true);
  });
});
