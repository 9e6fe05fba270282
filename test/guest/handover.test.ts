/**
 * iPXE boots Linux through our NICs in QEMU: DHCP, kernel, initial file system and 10 MiB over HTTP from our gateway.
 * Then Linux's own driver takes the device as iPXE left it, without a power cycle, and hashes what iPXE fetched.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RealTime } from '../../src/hosts/native/real-time.js';
import { serveVfioUser, type VfioUserServer } from '../../src/hosts/vfio-user/index.js';
import { Gateway } from '../../src/lab/gateway.js';
import { NICS, nicKind } from '../../src/lab/nics.js';
import { Cable } from '../../src/link/index.js';
import { HttpServer, writeStream } from '../../src/net/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { Diagnostics, diagnosticText } from '../../src/platform/diagnostics.js';
import { Random } from '../../src/platform/random.js';
import { macText } from '../support/matrix/bench.js';
import { CHIPS, type Chip } from '../support/matrix/chips.js';
import { APPEND, type LinuxGuest, startLinux, vfioUserDevice } from '../support/qemu.js';
import { proved } from '../support/results.js';
import { piecesOrSkip } from '../support/skips.js';

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs', 'ipxe');
const BYTES = 10 << 20;
const PORT = 8080;
const MAC = Uint8Array.of(0x52, 0x54, 0, 0x77, 0x01, 0x01);

const SCRIPT = [
  '#!ipxe',
  'dhcp',
  `kernel http://10.0.2.2:${PORT}/vmlinuz ${APPEND}`,
  `initrd http://10.0.2.2:${PORT}/initrd`,
  // iPXE wraps a named image into an archive: Linux finds it as a file.
  `initrd http://10.0.2.2:${PORT}/body body.bin`,
  'boot',
  '',
].join('\n');

/** Chips that iPXE knows: RTL8125B has no driver there. */
const KNOWN = CHIPS.filter(({ nic }) => nic !== 'rtl8125b' && NICS.some(({ name }) => name === nic));

describe.skipIf(!pieces).each(KNOWN)('iPXE, then Linux: $nic', (chip: Chip) => {
  const time = new RealTime();
  const arena = new OwnedArena(96 << 20);
  const diagnostics = new Diagnostics();
  const warnings: string[] = [];
  const body = Buffer.alloc(BYTES);
  const fetched: string[] = [];
  let clients = 0;
  let server: VfioUserServer | undefined;
  let guest: LinuxGuest;

  beforeAll(async () => {
    writeStream(body, 0, 0, BYTES);
    const { scheduler } = time;
    const gateway = new Gateway({
      scheduler,
      arena,
      random: new Random('handover'),
      hash: () => createHash('sha256'),
    });
    const files: Record<string, Uint8Array> = {
      '/vmlinuz': readFileSync(pieces!.kernel.vmlinuz),
      '/initrd': readFileSync(pieces!.initramfs.path),
      '/body': body,
    };
    gateway.loop.add(
      new HttpServer(gateway.stack, {
        port: PORT,
        handler: ({ method, path }) => {
          const file = files[path];
          if (file === undefined) return { status: 404 };
          if (method === 'GET') fetched.push(path);
          return { status: 200, headers: { 'Content-Type': 'application/octet-stream' }, body: file };
        },
      }),
    );
    const fn = nicKind(chip.nic).make(MAC, chip.nic);
    new Cable(fn.port!, gateway.port, { scheduler, arena });
    const started = startLinux({
      pieces: pieces!,
      loader: { kernel: pieces!.ipxe.lkrn, initrd: (folder) => join(folder, 'script.ipxe') },
      prepare: async (folder) => {
        writeFileSync(join(folder, 'script.ipxe'), SCRIPT);
        server = serveVfioUser(fn, {
          path: join(folder, 'nic'),
          time,
          diagnostics,
          arena,
          onClient: (connected) => {
            if (connected) clients++;
          },
          onWarning: (text) => warnings.push(text),
        });
      },
      args: (folder) => [
        '-device',
        'pcie-root-port,id=rp,chassis=1',
        '-device',
        JSON.stringify({ ...vfioUserDevice(join(folder, 'nic')), bus: 'rp' }),
      ],
    });
    guest = await started.catch((error: unknown) => {
      throw new Error(`${error}; iPXE fetched ${fetched.join(', ') || 'nothing'}`);
    });
  });

  afterAll(async () => {
    await guest?.close();
    server?.close();
    time.stop();
  });

  test('iPXE fetched everything, and 10 MiB have the right hash', async () => {
    expect(fetched).toEqual(['/vmlinuz', '/initrd', '/body']);
    const sum = await guest.must('sha256sum /body.bin');
    expect(sum.split(' ')[0]).toBe(createHash('sha256').update(body).digest('hex'));
    proved({
      nic: chip.nic,
      side: 'model',
      stranger: 'iPXE in QEMU over vfio-user',
      what: 'boots Linux: DHCP, 30 MiB',
    });
  });

  test('Linux takes the device without a power cycle', async () => {
    await guest.must(chip.driver.load(chip.modes[0]!));
    const find = `N=$(basename $(dirname $(grep -il ${macText(MAC)} /sys/class/net/[!l]*/address)) 2>/dev/null)`;
    await guest.must(`for i in $(seq 100); do ${find}; test -n "$N" && break; usleep 100000; done; test -n "$N"`);
    await guest.must('ip link set $N up; udhcpc -i $N -n -q -t 10 -T 2');
    expect(await guest.must('ping -c 5 -i 0.1 10.0.2.2')).toContain(' 0% packet loss');
    const sum = await guest.must(`wget -q -O - http://10.0.2.2:${PORT}/body | sha256sum`, 120_000);
    expect(sum.split(' ')[0]).toBe(createHash('sha256').update(body).digest('hex'));
    expect(clients).toBe(1);
    proved({
      nic: chip.nic,
      side: 'model',
      stranger: `Linux ${pieces!.kernel.version.replace(/\+.*/, '')} in QEMU over vfio-user`,
      what: 'takes over from iPXE without a power cycle',
    });
  });

  test('nothing diagnosed', () => {
    expect(diagnostics.problems().map(diagnosticText)).toEqual([]);
    expect(warnings).toEqual([]);
  });
});
