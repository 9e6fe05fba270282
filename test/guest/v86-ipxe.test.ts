/**
 * Proof 3: iPXE, unmodified, inside v86 drives our 82540EM with its own `intel` driver: lease, then 10 MiB over HTTP. What
 * it fetched is found in the guest's memory and hashed there. Behind the cable stands slirp.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join as joinPath } from 'node:path';
import { V86 } from 'v86';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { I82540em } from '../../src/emulators/i82540em/index.js';
import { openStream, type StreamUplink } from '../../src/hosts/uplinks/index.js';
import { RealTime, V86Host } from '../../src/hosts/v86/index.js';
import { Diagnostics, diagnosticText } from '../../src/platform/diagnostics.js';
import { join } from '../support/cable.js';
import { type FileServer, noise, serveBytes } from '../support/http.js';
import { type QemuProcess, startQemu } from '../support/qemu.js';
import { piecesOrSkip } from '../support/skips.js';

const pieces = await piecesOrSkip('qemu', 'ipxe', 'seabios');
const MIB = 1 << 20;
const BYTES = 10 * MIB;

function exactly(path: string): ArrayBuffer {
  const data = readFileSync(path);
  // v86 wants images in multiples of 4 bytes.
  const padded = new Uint8Array((data.length + 3) & ~3);
  padded.set(data);
  return padded.buffer;
}

describe.skipIf(!pieces)('iPXE in v86 on our 82540EM', () => {
  const time = new RealTime();
  const diagnostics = new Diagnostics();
  const chip = new I82540em();
  let host: V86Host;
  let vm: V86;
  let slirp: QemuProcess;
  let uplink: StreamUplink;
  let http: FileServer;

  const screen = (): string => vm.screen_adapter.get_text_screen().join('\n');
  const shows = async (pattern: RegExp, within: number): Promise<void> => {
    const end = Date.now() + within;
    while (!pattern.test(screen())) {
      if (Date.now() > end) throw new Error(`iPXE did not show ${pattern}; the screen:\n${screen().trimEnd()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  beforeAll(async () => {
    http = await serveBytes(BYTES);
    slirp = await startQemu(
      pieces!.qemu,
      (folder) => [
        '-machine',
        'none',
        '-netdev',
        'user,id=u',
        '-netdev',
        'hubport,id=h1,hubid=0,netdev=u',
        '-netdev',
        `stream,id=s,server=off,addr.type=unix,addr.path=${joinPath(folder, 'wire')}`,
        '-netdev',
        'hubport,id=h2,hubid=0,netdev=s',
      ],
      async (folder) => {
        uplink = await openStream({ time, path: joinPath(folder, 'wire') });
      },
    );
    join(chip.port, uplink.port);
    host = new V86Host({ slots: [{ device: 10, fn: chip }], time, diagnostics });
    const wasm = readFileSync(
      createRequire(import.meta.url)
        .resolve('v86')
        .replace('libv86.mjs', 'v86.wasm'),
    );
    const script = Buffer.from(
      `#!ipxe\ndhcp net0 || goto bad\necho LEASE \${net0/ip}\nimgfetch --name body http://10.0.2.2:${http.port}/body || goto bad\necho FETCHED\n:stay\nsleep 60\ngoto stay\n:bad\necho FAILED\ngoto stay\n`,
    );
    vm = new V86({
      wasm_fn: host.wasmFn(wasm),
      memory_size: 128 * MIB,
      bios: { buffer: exactly(pieces!.seabios.bios) },
      vga_bios: { buffer: exactly(pieces!.seabios.vgabios) },
      bzimage: { buffer: exactly(pieces!.ipxe.lkrn) },
      initrd: { buffer: new Uint8Array(script).buffer },
      net_device: { type: 'none' },
      autostart: true,
      disable_keyboard: true,
      disable_mouse: true,
      disable_speaker: true,
    });
    await new Promise<void>((resolve) => vm.add_listener('emulator-loaded', () => resolve()));
  });

  afterAll(async () => {
    await vm?.destroy();
    await uplink?.close();
    await slirp?.close();
    await http?.close();
    time.stop();
  });

  test('gets a lease', () => shows(/LEASE 10\.0\.2\.15/, 60_000), 70_000);

  test('fetches 10 MiB with the right hash', async () => {
    await shows(/FETCHED|FAILED/, 120_000);
    expect(screen()).toContain('FETCHED');
    const memory = Buffer.from(host.memory!.snapshotView());
    const at = memory.indexOf(noise(64));
    expect(at).toBeGreaterThan(0);
    expect(
      createHash('sha256')
        .update(memory.subarray(at, at + BYTES))
        .digest('hex'),
    ).toBe(http.sha256);
  }, 130_000);

  test('no diagnostic', () => {
    expect(diagnostics.problems().map(diagnosticText)).toEqual([]);
  });
});
