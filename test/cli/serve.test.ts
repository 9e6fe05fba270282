/** `nicforge serve`: its arguments, and the built command under a client that is no virtual machine. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse } from '../../src/cli/serve.js';
import { findingsText, framesText, qemuArguments } from '../../src/cli/serve-text.js';
import { parseWire } from '../../src/cli/wire.js';
import { eepromImage } from '../../src/emulators/i82540em/eeprom.js';
import { I82540em, VirtioNet } from '../../src/emulators/index.js';
import { hideCapabilities, ServedNetwork } from '../../src/lab/index.js';
import { Scheduler } from '../../src/platform/clock.js';
import { Diagnostics } from '../../src/platform/diagnostics.js';
import { VfioClient, words } from '../hosts/vfio-client.js';
import { nicforge } from '../support/cli.js';
import { type ServeChild, startServe } from '../support/serve.js';
import { temporaryFolder } from '../support/wire.js';

const VERSION = 1;
const READ = 9;
const WRITE = 10;
const CONFIG = 7;
const MASTER = 4;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (name: string): string => join(folder.path, name);
beforeAll(async () => {
  folder = await temporaryFolder('serve-cli');
});
afterAll(() => folder.remove());

function image(length: number, spoiled = false): string {
  const bytes = new Uint8Array(length).fill(0xff);
  bytes.set(new Uint8Array(eepromImage(Uint8Array.of(0, 0x1b, 0x21, 1, 2, 3)).buffer));
  if (spoiled) bytes[20]! ^= 1;
  const path = at(`image-${length}-${spoiled}`);
  writeFileSync(path, bytes);
  return path;
}

describe('arguments', () => {
  const base = ['82540em', '--socket', '/run/nic'];

  test.each([
    [[], /at least one NIC: 82540em, 82574l, virtio-net/],
    [['82540em'], /needs --socket PATH/],
    [['8139', '--socket', '/run/nic'], /no NIC "8139"; there are 82540em, 82574l, virtio-net/],
    [[...new Array<string>(9).fill('82540em'), '--socket', '/run/nic'], /at most 8 NICs/],
    [[...base, '--frobnicate', 'x'], /Unknown option '--frobnicate'/],
    [[...base, '--forward', 'x'], /--forward takes tcp:ADDRESS:PORT=HOST:PORT/],
    [[...base, '--forward', 'tcp:10.0.2.2:0=127.0.0.1:1'], /0 in .* is no port/],
    [[...base, '--forward', 'tcp:gateway:80=127.0.0.1:1'], /gateway is no IPv4 address/],
    [[...base, '--forward', 'tcp:10.0.2.2:8080=127.0.0.1'], /"127.0.0.1" is not HOST:PORT/],
    [[...base, '--forward', 'tcp:10.0.2.15:8080=127.0.0.1:1'], /10.0.2.15 belongs to guests/],
    [[...base, '--forward', 'tcp:127.0.0.1:8080=127.0.0.1:1'], /a guest cannot send to 127.0.0.1/],
    [[...base, '--publish', '22=tcp:192.0.2.1:22'], /192.0.2.1 is no address of a guest/],
    [[...base, '--publish', '22=udp:10.0.2.15:22'], /--publish takes/],
    [[...base, '--allow', 'example.org'], /--allow takes/],
    [[...base, '--allow', '10.0.2.9:80'], /in the guests' own network; use --forward/],
    [[...base, '--allow', '127.0.0.1:80'], /a guest cannot send to 127.0.0.1/],
    [[...base, '--allow', 'gateway.lab:80'], /no host name/],
    [[...base, '--allow', 'a_b..c:80'], /no host name/],
    [[...base, '--allow', '192.0.2.1:80', '--allow', 'tcp:192.0.2.1:80'], /tcp:192.0.2.1:80 is named twice/],
    [[...base, '--wire', 'tap', '--allow', 'example.org:80'], /with --wire there is none/],
    [[...base, '--mac', '52:54:00:12:34'], /--mac takes an address/],
    [[...base, '--mac', '01:00:5e:00:00:01'], /group address/],
    [[...base, '--mac', '52:54:00:ff:ff:ff'], /no room/],
    [[...base, '--hide', 'msi,pm'], /--hide takes msi, msix, not "pm"/],
    [[...base, '--schedule', 'slow'], /--schedule takes fast, timed, adversarial/],
    [[...base, '--seed', '-1'], /--seed|argument is ambiguous/],
    [[...base, '--fault', 'gremlin'], /--fault takes hung-transmitter, lost-interrupt, .*, not "gremlin"/],
    [['virtio-net', ...base, '--fault', 'bad-nvm'], /--fault bad-nvm: the virtio-net cannot have it/],
    [[...base, '--fail-on', 'note'], /--fail-on takes error, warning/],
    [[...base, '--nvm', '/nonexistent/image'], /--nvm: .* cannot be read/],
    [[...base, '--nvm', '/dev/null', '--mac', '52:54:00:00:00:01'], /exclude each other/],
    [['virtio-net', '--socket', '/run/nic', '--nvm', '/dev/null'], /exactly one NIC/],
    [[...base, '--nvm', '/dev/null'], /128 or 512 bytes, \/dev\/null 0/],
    [[...base, '--wire', 'carrier-pigeon:7'], /--wire takes unix:PATH, unix-connect:PATH, udp:LOCAL=REMOTE or tap/],
    [[...base, '--wire', 'unix'], /unix:PATH/],
    [[...base, '--wire', `unix-connect:/${'x'.repeat(107)}`], /at most 107 bytes/],
    [[...base, '--wire', 'udp:4000'], /udp:LOCAL=REMOTE/],
    [[...base, '--wire', 'udp:4000=localhost:4001'], /PORT or IPV4:PORT, not "localhost:4001"/],
    [[...base, '--wire', 'udp:0=4001'], /PORT or IPV4:PORT, not "0"/],
    [[...base, '--wire', 'tap:a-name-too-long-for-linux'], /1 to 15 letters/],
    [[...base, '--wire', 'tap:a%d'], /1 to 15 letters/],
  ] as const)('%j: one clear line', (argv, message) => {
    expect(() => parse(argv)).toThrow(message);
  });

  test('several NICs get sockets and addresses one after the other', () => {
    const args = parse(['82540em', 'virtio-net', '--socket', '/run/nic', '--mac', '52-54-00-AA-BB-ff']);
    expect(args.sockets).toEqual(['/run/nic.0', '/run/nic.1']);
    expect(args.nics.map(({ mac }) => Buffer.from(mac).toString('hex'))).toEqual(['525400aabbff', '525400aabc00']);
    expect(parse(base).sockets).toEqual(['/run/nic']);
  });

  test('an EEPROM image brings its address; a wrong checksum is told and accepted', () => {
    for (const length of [128, 512]) {
      const good = parse(['virtio-net', ...base, '--nvm', image(length)]);
      expect(good.warnings).toEqual([]);
      expect(good.nics[0]!.nvm).toBeUndefined();
      expect(good.nics[1]!.nvm).toHaveLength(length / 2);
      expect(Buffer.from(good.nics[1]!.mac).toString('hex')).toBe('001b21010203');
    }
    const bad = parse([...base, '--nvm', image(128, true)]);
    expect(bad.warnings).toEqual([expect.stringMatching(/checksum is wrong, word 0x3f should be 0x[0-9a-f]{4}/)]);
    expect(bad.nics[0]!.nvm).toHaveLength(64);
  });

  test('hiding what no NIC has is told', () => {
    expect(parse([...base, '--hide', 'msi']).warnings).toEqual([]);
    expect(parse([...base, '--hide', 'msi,msix']).warnings).toEqual(['--hide msix: no NIC here has it']);
  });

  test('ways', () => {
    const { ways } = parse([
      ...base,
      ...['--forward', 'tcp:10.0.2.2:8080=127.0.0.1:8081', '--forward', 'udp:10.0.2.201:53=resolver:53'],
      ...['--publish', '2222=tcp:10.0.2.15:22', '--publish', '0.0.0.0:8000=tcp:10.0.2.16:80'],
      ...[
        '--allow',
        'Example.org:443',
        '--allow',
        'udp:example.org:443',
        '--allow',
        'localhost:1',
        '--allow',
        '9.9.9.9:53',
      ],
    ]);
    const of = (protocol: string, address: string, port: number, host: string, target: number) => ({
      protocol,
      at: { address, port },
      target: { host, port: target },
    });
    expect(ways.forwards).toEqual([
      of('tcp', '10.0.2.2', 8080, '127.0.0.1', 8081),
      of('udp', '10.0.2.201', 53, 'resolver', 53),
      of('tcp', '198.18.0.1', 443, 'Example.org', 443),
      of('udp', '198.18.0.1', 443, 'example.org', 443),
      of('tcp', '198.18.0.2', 1, 'localhost', 1),
      of('tcp', '9.9.9.9', 53, '9.9.9.9', 53),
    ]);
    expect(ways.publishes).toEqual([
      { at: { host: '127.0.0.1', port: 2222 }, target: { host: '10.0.2.15', port: 22 } },
      { at: { host: '0.0.0.0', port: 8000 }, target: { host: '10.0.2.16', port: 80 } },
    ]);
    expect(ways.names).toEqual({ 'example.org': '198.18.0.1', localhost: '198.18.0.2' });
  });

  test('wires', () => {
    expect(parseWire('unix:a:b')).toEqual({ kind: 'unix', path: 'a:b', connect: false });
    expect(parseWire('unix-connect:/w')).toEqual({ kind: 'unix', path: '/w', connect: true });
    expect(parseWire('udp:4000=192.0.2.7:4001')).toEqual({
      kind: 'udp',
      local: { address: '127.0.0.1', port: 4000 },
      remote: { address: '192.0.2.7', port: 4001 },
    });
    expect(parseWire('tap')).toEqual({ kind: 'tap', device: undefined });
    expect(parseWire('tap:br.7')).toEqual({ kind: 'tap', device: 'br.7' });
  });

  test('the built command: one line on stderr, status 2', async () => {
    for (const argv of [
      ['82540em'],
      [...base, '--wire', 'x'],
      ['82540em', '--socket', at('no/folder')],
      ['82540em', '--socket', folder.path],
      ['82540em', '--socket', at(`${'x'.repeat(110)}`)],
      ['82540em', '--socket', at('s'), '--wire', `unix-connect:${at('nobody')}`],
      ['82540em', '--socket', at('s'), '--pcapng', at('no/folder')],
    ]) {
      const { status, stdout, stderr } = await nicforge(['serve', ...argv], 20_000);
      expect({ argv, status, stdout }).toEqual({ argv, status: 2, stdout: '' });
      expect(stderr).toMatch(/^nicforge: [^\n]+\n$/);
    }
    expect(existsSync(at('s'))).toBe(false);
  });

  test('--help tells every option and the grammar of wires', async () => {
    const { status, stdout } = await nicforge(['serve', '--help']);
    expect(status).toBe(0);
    for (const word of [
      '--socket',
      '--forward',
      '--publish',
      '--allow',
      '--wire',
      '--nvm',
      '--fault',
      'hung-transmitter',
      '--json-log',
      'unix-connect:PATH',
      'udp:LOCAL=REMOTE',
      'tap[:',
    ])
      expect(stdout).toContain(word);
    expect((await nicforge(['--help'])).stdout).toContain('nicforge serve');
  });
});

describe('what is printed', () => {
  test('arguments for QEMU survive a shell', () => {
    expect(qemuArguments(["/run/it's"], { rootPorts: false })).toEqual([
      '-machine q35,memory-backend=nicforge-ram -m 512M',
      '-object memory-backend-memfd,id=nicforge-ram,size=512M,share=on',
      `-device '{"driver":"vfio-user-pci","id":"nicforge0","x-msg-timeout":600000,"socket":{"type":"unix","path":"/run/it'\\''s"}}'`,
    ]);
    const ports = qemuArguments(['/a', '/b'], { rootPorts: true });
    expect(ports.filter((line) => line.startsWith('-device pcie-root-port'))).toHaveLength(2);
    expect(ports.at(-1)).toContain('"bus":"nicforge-port1"');
  });

  test('findings: worst first, with counts', () => {
    const diagnostics = new Diagnostics();
    expect(findingsText(diagnostics)).toEqual(['the guest made no mistake that the models know']);
    const finding = { register: 'R', message: 'm', ref: 'x' };
    diagnostics.report('d', 0, { rule: 'unmodelled', ...finding });
    diagnostics.report('d', 0, { rule: 'dma-fault', ...finding });
    diagnostics.report('d', 0, { rule: 'dma-fault', ...finding });
    diagnostics.report('d', 0, { rule: 'unknown-register', ...finding });
    expect(findingsText(diagnostics)).toEqual([
      '! error d R: m [dma-fault, x] × 2',
      '! warning d R: m [unknown-register, x]',
      'note d R: m [unmodelled, x]',
    ]);
  });
});

describe('the network', () => {
  test('labels are unique, and frames are counted by their fate', () => {
    const scheduler = new Scheduler();
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
    const captured: number[] = [];
    const network = new ServedNetwork({
      nics: [
        { nic: '82540em', mac },
        { nic: 'virtio-net', mac },
        { nic: '82540em', mac },
      ],
      scheduler,
      pcapng: (bytes) => captured.push(bytes.length),
    });
    expect(network.nics.map(({ label }) => label)).toEqual(['82540em.0', 'virtio-net', '82540em.2']);
    const nic = network.nics[1]!;
    const before = captured.length;
    // Nobody has attached a bus: the port itself says that its receiver is off.
    nic.model.port!.deliver({ arena: network.arena, offset: 64, length: 60, fcsOk: true });
    expect(nic.frames.came['receiver-off']).toBe(1);
    expect(framesText(nic.frames)).toBe('sent 0, came 1: 1 receiver-off');
    expect(captured).toHaveLength(before + 1);
  });

  test('capabilities are hidden from configuration space only', () => {
    const virtio = new VirtioNet();
    const hidden = hideCapabilities(virtio, ['msix']);
    expect(hidden.config.msix).toBeUndefined();
    expect(hidden.config.bars).toEqual(virtio.config.bars);
    expect(hidden.port).toBe(virtio.port);
    expect(hideCapabilities(virtio, ['msi'])).toBe(virtio);
    expect(hideCapabilities(new I82540em(), ['msi']).config).not.toHaveProperty('msi');
  });
});

describe.skipIf(process.platform !== 'linux')('the built command and a client', () => {
  const running: ServeChild[] = [];
  const clients: VfioClient[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const serve of running.splice(0)) await serve.kill();
  });
  const start = async (...argv: string[]): Promise<ServeChild> => {
    const serve = await startServe(argv);
    running.push(serve);
    return serve;
  };
  const connect = async (path: string): Promise<VfioClient> => {
    const client = new VfioClient(path);
    clients.push(client);
    await client.call(VERSION, Buffer.concat([words(0), Buffer.from('{}\0')]));
    return client;
  };
  const read = async (client: VfioClient, region: number, place: number, bytes: number): Promise<number> =>
    (await client.call(READ, words(place, 0, region, bytes))).body.readUIntLE(16, bytes);
  const write = async (client: VfioClient, region: number, place: number, value: number): Promise<void> => {
    expect((await client.call(WRITE, words(place, 0, region, 4, value))).errno).toBe(0);
  };

  test('a client goes, the model is reset, the next client is served; SIGTERM ends and leaves nothing', async () => {
    const path = at('again');
    const serve = await start('82540em', '--socket', path);
    for (let round = 0; round < 3; round++) {
      const client = await connect(path);
      expect(await read(client, CONFIG, 0, 4)).toBe(0x100e_8086);
      expect((await read(client, CONFIG, 4, 2)) & MASTER).toBe(0);
      expect(await read(client, 0, 0x28, 4)).toBe(0x00c2_8001);
      await write(client, CONFIG, 4, MASTER);
      expect((await read(client, CONFIG, 4, 2)) & MASTER).toBe(MASTER);
      // The next one comes before the server can have noticed.
      client.close();
    }
    expect(await serve.stop('SIGTERM'), serve.err.text).toBe(0);
    expect(serve.out.text.match(/a client has connected/g)).toHaveLength(3);
    expect(serve.out.text).not.toContain('turned away');
    expect(serve.out.text).toMatch(/^82540em: sent 0, came \d+/m);
    expect(existsSync(path)).toBe(false);
  });

  test.each([
    ['warning', 3],
    ['error', 0],
  ] as const)('--once ends with the last client; --fail-on %s after a warning: status %i', async (severity, status) => {
    const path = at(`once-${severity}`);
    const log = at(`log-${severity}`);
    const serve = await start(
      ...['82540em', 'virtio-net', '--socket', path, '--once', '--fail-on', severity, '--json-log', log],
    );
    const [first, second] = [await connect(`${path}.0`), await connect(`${path}.1`)];
    // No register of the chip is there.
    for (let i = 0; i < 3; i++) await read(first, 0, 0x7000, 4);
    await serve.out.expect(/^! warning 82540em .*\[unknown-register, /m, 10_000);
    first.close();
    await serve.out.expect(/82540em: the client has gone/, 10_000);
    expect(await read(second, CONFIG, 0, 4)).toBe(0x1041_1af4);
    second.close();
    expect(await serve.ended, serve.err.text).toBe(status);
    expect(serve.out.text).toContain('the last client has gone');
    expect(serve.out.text).toMatch(/\[unknown-register, [^\]]+\] × 3$/m);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({ device: '82540em', severity: 'warning', rule: 'unknown-register' });
    expect(existsSync(`${path}.0`) || existsSync(`${path}.1`)).toBe(false);
  });

  test('--hide takes the capability out of the list that the client walks', async () => {
    const walk = async (...hide: string[]): Promise<number[]> => {
      const path = at('hide');
      const serve = await start('82540em', '--socket', path, ...hide);
      const client = await connect(path);
      const ids: number[] = [];
      for (let cap = await read(client, CONFIG, 0x34, 1); cap !== 0; cap = await read(client, CONFIG, cap + 1, 1))
        ids.push(await read(client, CONFIG, cap, 1));
      await serve.stop();
      return ids;
    };
    expect(await walk()).toEqual([0x01, 0x07, 0x05]);
    expect(await walk('--hide', 'msi')).toEqual([0x01, 0x07]);
  });

  test('a socket that a killed server left is taken over; one that is served, and a file, are not', async () => {
    const path = at('stale');
    await (await start('virtio-net', '--socket', path)).kill();
    expect(existsSync(path)).toBe(true);
    const serve = await start('virtio-net', '--socket', path, '--once');
    const second = await nicforge(['serve', 'virtio-net', '--socket', path], 20_000);
    expect(second.status).toBe(2);
    expect(second.stderr).toContain('already listens');
    expect(serve.out.text).not.toContain('client');
    expect(await serve.stop()).toBe(0);

    writeFileSync(path, 'precious');
    const third = await nicforge(['serve', 'virtio-net', '--socket', path], 20_000);
    expect(third.status).toBe(2);
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  test('a wire: a frame from outside reaches the NIC, the capture and the counts', async () => {
    const wire = at('wire');
    const capture = at('wire.pcapng');
    const serve = await start('virtio-net', '--socket', at('wired'), '--wire', `unix:${wire}`, '--pcapng', capture);
    expect(serve.out.text).not.toContain('10.0.2.2');
    const frame = Buffer.alloc(60, 0xa5);
    frame.fill(0xff, 0, 6);
    const socket = createConnection(wire);
    socket.write(Buffer.concat([Buffer.from([0, 0, 0, frame.length]), frame]));
    const deadline = Date.now() + 10_000;
    while (!readFileSync(capture).includes(frame) && Date.now() < deadline) await sleep(5);
    socket.destroy();
    expect(await serve.stop()).toBe(0);
    expect(readFileSync(capture).includes(frame)).toBe(true);
    expect(serve.out.text).toContain('virtio-net: sent 0, came 1: 1 receiver-off');
    expect(serve.out.text).toContain('wire: sent 0, came 1, dropped 0 going out and 0 coming in');
    expect(existsSync(wire)).toBe(false);
  });
});
