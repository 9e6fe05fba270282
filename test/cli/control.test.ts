/** `nicforge serve --control`: every command against the built server, and clients that mean harm. */
import { statSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/platform/random.js';
import { VfioClient, words } from '../hosts/vfio-client.js';
import { ControlClient } from '../support/control.js';
import { type ServeChild, startServe } from '../support/serve.js';
import { temporaryFolder } from '../support/wire.js';

const VERSION = 1;
const READ = 9;
const WRITE = 10;
const CONFIG = 7;

describe.skipIf(process.platform !== 'linux')('control', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let serve: ServeChild;
  let control: ControlClient;
  let vfio: VfioClient;
  const at = (name: string): string => join(folder.path, name);

  beforeAll(async () => {
    folder = await temporaryFolder('control');
    serve = await startServe(['82540em', 'virtio-net', '--socket', at('nic'), '--control', at('control')]);
    control = await ControlClient.open(at('control'));
    vfio = new VfioClient(at('nic.0'));
    await vfio.call(VERSION, Buffer.concat([words(0), Buffer.from('{}\0')]));
  });
  afterAll(async () => {
    vfio?.close();
    control?.close();
    await serve?.kill();
    await folder?.remove();
  });
  const write = async (region: number, place: number, value: number): Promise<void> => {
    expect((await vfio.call(WRITE, words(place, 0, region, 4, value))).errno).toBe(0);
  };
  const nic = '82540em';

  test('only this user may connect', () => {
    expect(statSync(at('control')).mode & 0o777).toBe(0o600);
  });

  test('nics, pull, plug, counters', async () => {
    const nics = await control.must({ do: 'nics' });
    expect(nics).toEqual([
      expect.objectContaining({ label: nic, mac: '52:54:00:12:34:56', connected: true, plugged: true }),
      expect.objectContaining({ label: 'virtio-net', mac: '52:54:00:12:34:57', connected: false, plugged: true }),
    ]);
    await control.must({ do: 'pull', nic });
    expect(await control.must({ do: 'inject', nic, hex: 'ff'.repeat(60) })).toEqual({ fate: 'no-carrier' });
    expect(((await control.must({ do: 'nics' })) as { plugged: boolean }[])[0]!.plugged).toBe(false);
    await control.must({ do: 'plug', nic });
    // CTRL.SLU, RCTL.EN without a ring: the frame waits in the FIFO.
    await write(0, 0, 0x40);
    await write(0, 0x100, 0x8002);
    expect(await control.must({ do: 'inject', nic, hex: 'ff'.repeat(60) })).toEqual({ fate: 'queued' });
    expect(await control.must({ do: 'inject', nic, hex: 'ff'.repeat(60), badFcs: true })).toEqual({ fate: 'bad-fcs' });
    expect(await control.must({ do: 'inject', nic, hex: '02'.repeat(60) })).toEqual({ fate: 'filtered' });
    expect(await control.must({ do: 'inject', nic, hex: 'ff:ff:ff:ff:ff:ff 02 02 02 02 02 02 08 06' })).toEqual({
      fate: 'too-short',
    });
    expect(await control.must({ do: 'counters', nic })).toMatchObject({
      came: { queued: 1, 'bad-fcs': 1, filtered: 1, 'too-short': 1 },
    });
  });

  test('registers, rings and speed', async () => {
    await write(0, 0x3800, 0x1234_5000);
    await write(0, 0x3808, 128);
    const registers = (await control.must({ do: 'registers', nic, like: 'tdba' })) as unknown[];
    expect(registers).toEqual([
      { at: 'BAR0+0x00003800', name: 'TDBAL', value: '0x12345000', fields: expect.any(String) },
      { at: 'BAR0+0x00003804', name: 'TDBAH', value: '0x00000000', fields: expect.any(String) },
    ]);
    const rings = await control.must({ do: 'rings', nic });
    expect(rings).toEqual([
      { ring: 'TX ring 0', address: '0x12345000', entries: 8, head: 0, tail: 0, descriptors: [] },
      { ring: 'RX ring 0', address: '0x0', entries: 0, head: 0, tail: 0, descriptors: [] },
    ]);
    await control.must({ do: 'speed', nic, mbit: 100 });
    await control.until({ do: 'registers', nic, like: 'STATUS' }, /"name":"STATUS"[^}]*SPEED:100 /);
    await control.must({ do: 'speed', nic, mbit: 1000 });
    await control.until({ do: 'registers', nic, like: 'STATUS' }, /"name":"STATUS"[^}]*SPEED:1000 /);
    // Looking clears nothing: the link change is still in ICR, twice.
    for (let i = 0; i < 2; i++)
      expect(await control.must({ do: 'registers', nic, like: 'ICR' })).toMatchObject([
        { fields: expect.stringMatching(/LSC/) },
      ]);
    expect(((await control.must({ do: 'registers', nic: 'virtio-net' })) as { name: string }[]).length).toBeGreaterThan(
      15,
    );
  });

  test('faults, wake, findings, reset', async () => {
    await control.must({ do: 'faults', nic, loss: 1 });
    const before = await control.must({ do: 'counters', nic });
    expect(await control.must({ do: 'inject', nic, hex: 'ff'.repeat(60) })).toEqual({
      fate: 'left to the faults of the cable',
    });
    expect(await control.must({ do: 'counters', nic })).toMatchObject({ came: (before as { came: object }).came });
    await control.must({ do: 'faults', nic });
    expect(await control.must({ do: 'wake', nic })).toEqual({ fate: 'queued' });
    // No register is there.
    await write(0, 0x7000, 1);
    expect(await control.must({ do: 'findings' })).toContainEqual(
      expect.objectContaining({ device: nic, rule: 'unknown-register', severity: 'warning', count: 1 }),
    );
    await write(CONFIG, 4, 6);
    await control.must({ do: 'reset', nic });
    expect(await control.must({ do: 'registers', nic, like: 'TDBAL' })).toMatchObject([{ value: '0x00000000' }]);
  });

  test('break and mend', async () => {
    const status = async (): Promise<number> => {
      const { body } = await vfio.call(READ, words(8, 0, 0, 4));
      return body.readUInt32LE(body.length - 4);
    };
    await control.must({ do: 'break', nic, fault: 'removal' });
    for (let i = 0; i < 200 && (await status()) !== 0xffff_ffff; i++)
      await new Promise((again) => setTimeout(again, 5));
    expect(await status()).toBe(0xffff_ffff);
    await control.must({ do: 'mend', nic });
    expect(await status()).not.toBe(0xffff_ffff);
  });

  test.each([
    ['not json', /JSON object/],
    ['[1]', /JSON object/],
    ['{"do":"fly"}', /"do" is one of nics, pull/],
    ['{"do":"__proto__"}', /"do" is one of/],
    ['{"do":"constructor"}', /"do" is one of/],
    ['{"do":"pull"}', /"nic" is one of 82540em, virtio-net, not nothing/],
    ['{"do":"pull","nic":"x"}', /"nic" is one of/],
    ['{"do":"pull","nic":"82540em","hard":true}', /pull does not know "hard"/],
    ['{"do":"speed","nic":"82540em","mbit":40}', /"mbit" is 10, 100, 1000 or 2500, not 40/],
    ['{"do":"faults","nic":"82540em","loss":2}', /"loss" is a number from 0 to 1, not 2/],
    [
      '{"do":"break","nic":"virtio-net","fault":"bad-nvm"}',
      /"fault" is one of hung-transmitter, lost.*, not "bad-nvm"/,
    ],
    ['{"do":"break","nic":"82540em","fault":"removal","rounds":0}', /"rounds" is a whole number from 1 to 1000/],
    ['{"do":"inject","nic":"82540em","hex":"zz"}', /hexadecimal/],
    ['{"do":"inject","nic":"82540em","hex":"00"}', /14 to 16384 bytes, not 1/],
    ['{"do":"rings","nic":"82540em","count":1e9}', /0 to 256/],
    ['{"do":"wake","nic":"82540em","mac":7}', /"mac" is an address/],
  ])('%s: an error, and the connection goes on', async (line, message) => {
    const answer = await control.line(line);
    expect(answer).toMatchObject({ ok: false, error: expect.stringMatching(message) });
    expect(await control.ask({ do: 'nics', id: 'x' })).toMatchObject({ ok: true, id: 'x' });
  });

  const raw = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = createConnection(at('control'), () => resolve(socket));
      socket.once('error', reject);
    });

  test('a line without end is refused and the connection closed; many commands at once are all answered', async () => {
    const socket = await raw();
    let text = '';
    socket.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    const ended = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    for (let i = 0; i < 8; i++) socket.write(Buffer.alloc(32_768, 0x61));
    await ended;
    expect(text).toBe('{"ok":false,"error":"a command has at most 65536 bytes"}\n');

    const many = await ControlClient.open(at('control'));
    const answers = await Promise.all(Array.from({ length: 2000 }, (_, id) => many.ask({ do: 'counters', nic, id })));
    expect(answers.every((answer, id) => answer.ok && answer.id === id)).toBe(true);
    many.close();
  });

  test('a client that does not read is dropped, others are served', async () => {
    const socket = await raw();
    socket.pause();
    socket.on('error', () => undefined);
    const line = `${JSON.stringify({ do: 'registers', nic })}\n`;
    const closed = new Promise((resolve) => socket.on('close', resolve));
    for (let i = 0; i < 3000; i++) socket.write(line);
    await control.must({ do: 'nics' });
    socket.resume();
    socket.end();
    await closed;
    await control.must({ do: 'nics' });
  });

  test('random bytes and random commands: nothing ends the server', async () => {
    const seed = 'control';
    const random = new Random(seed);
    const names = ['nics', 'speed', 'faults', 'inject', 'wake', 'registers', 'rings', 'counters', 'findings', 'reset'];
    const keys = ['nic', 'mbit', 'loss', 'hex', 'mac', 'like', 'count', 'badFcs', 'id', 'duplicate', 'reorder'];
    const values = [
      nic,
      'virtio-net',
      0,
      1,
      -1,
      0.5,
      1e308,
      null,
      true,
      '',
      'ff'.repeat(64),
      [],
      {},
      10,
      100,
      '52:54:00:00:00:01',
    ];
    for (let i = 0; i < 1500; i++) {
      const request: Record<string, unknown> = { do: random.chance(0.95) ? names[random.below(names.length)] : i };
      for (let n = random.below(4); n > 0; n--)
        request[keys[random.below(keys.length)]!] = values[random.below(values.length)];
      const line = JSON.stringify(request);
      const answer = await control.line(random.chance(0.1) ? line.slice(0, random.below(line.length)) || '{' : line);
      expect(typeof answer.ok, `seed ${seed}, ${line}`).toBe('boolean');
    }
  });

  test('quit: answered, then the server ends as by Ctrl-C', async () => {
    await control.must({ do: 'quit' });
    expect(await serve.ended, serve.err.text).toBe(0);
    expect(serve.out.text).toContain('quit: the end');
  });
});
