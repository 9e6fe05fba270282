/**
 * Proof 3: iPXE, unmodified, inside v86 drives our models with its own drivers: lease, then 10 MiB over HTTP. What it
 * fetched is found in the guest's memory and hashed there.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { V86 } from 'v86';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmulatedFunction, I82540em, I82574, Rtl8168h, VirtioNet } from '../../src/emulators/index.js';
import { RealTime, V86Host } from '../../src/hosts/v86/index.js';
import { Diagnostics, diagnosticText } from '../../src/platform/diagnostics.js';
import { openPeer, type Peer, type PeerKind } from '../support/peer.js';
import { proved } from '../support/results.js';
import { piecesOrSkip } from '../support/skips.js';
import { image, v86Wasm } from '../support/v86-files.js';

const pieces = await piecesOrSkip('qemu', 'ipxe', 'seabios');
const MIB = 1 << 20;
const BYTES = 10 * MIB;

const CASES: readonly { title: string; peer: PeerKind; make: () => EmulatedFunction }[] = [
  { title: '82540em, gateway behind the cable', peer: 'gateway', make: () => new I82540em() },
  { title: '82540em, slirp behind the cable', peer: 'slirp', make: () => new I82540em() },
  { title: '82574l, gateway behind the cable', peer: 'gateway', make: () => new I82574() },
  { title: 'rtl8168h, gateway behind the cable', peer: 'gateway', make: () => new Rtl8168h() },
  { title: 'virtio-net, gateway behind the cable', peer: 'gateway', make: () => new VirtioNet() },
];

describe.skipIf(!pieces).each(CASES)('iPXE in v86: $title', ({ peer: kind, make }) => {
  const time = new RealTime();
  const diagnostics = new Diagnostics();
  let host: V86Host;
  let vm: V86;
  let peer: Peer;

  const screen = (): string => vm.screen_adapter.get_text_screen().join('\n');
  const shows = async (pattern: RegExp, within: number): Promise<void> => {
    const end = Date.now() + within;
    while (!pattern.test(screen())) {
      if (Date.now() > end) throw new Error(`iPXE did not show ${pattern}; the screen:\n${screen().trimEnd()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  beforeAll(async () => {
    peer = await openPeer(kind, BYTES, time, pieces!.qemu);
    const fn = make();
    peer.plug(fn.port!);
    host = new V86Host({ slots: [{ device: 10, fn }], time, diagnostics });
    const script = [
      '#!ipxe',
      'dhcp net0 || goto bad',
      'echo LEASE $' + '{net0/ip}',
      `imgfetch --name body ${peer.url} || goto bad`,
      'echo FETCHED',
      'goto stay',
      ':bad',
      'echo FAILED',
      ':stay',
      'sleep 60',
      'goto stay',
      '',
    ].join('\n');
    vm = new V86({
      wasm_fn: host.wasmFn(await v86Wasm()),
      memory_size: 128 * MIB,
      bios: image(readFileSync(pieces!.seabios.bios)),
      vga_bios: image(readFileSync(pieces!.seabios.vgabios)),
      bzimage: image(readFileSync(pieces!.ipxe.lkrn)),
      initrd: { buffer: new Uint8Array(Buffer.from(script)).buffer },
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
    await peer?.close();
    time.stop();
  });

  test('gets a lease and fetches 10 MiB with the right hash; no diagnostic', async () => {
    await shows(/LEASE 10\.0\.2\.15|FAILED/, 90_000);
    await shows(/FETCHED|FAILED/, 120_000);
    expect(screen()).toContain('FETCHED');
    // Pieces of the body may lie in packet buffers too; one copy must be whole.
    const memory = Buffer.from(host.memory!.snapshotView());
    const hashes: string[] = [];
    for (let at = memory.indexOf(peer.head); at >= 0 && hashes.length < 64; at = memory.indexOf(peer.head, at + 1)) {
      if (at + BYTES > memory.length) break;
      const hash = createHash('sha256')
        .update(memory.subarray(at, at + BYTES))
        .digest('hex');
      hashes.push(hash);
      if (hash === peer.sha256) break;
    }
    expect(hashes).toContain(peer.sha256);
    expect(diagnostics.problems().map(diagnosticText)).toEqual([]);
    proved({ nic: make().name, side: 'model', stranger: 'iPXE in v86', what: 'DHCP, 10 MiB over HTTP' });
  }, 220_000);
});
