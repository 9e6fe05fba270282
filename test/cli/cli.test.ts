/** The built command as a user runs it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { NICS } from '../../src/lab/index.js';
import { labJson, nicforge } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'nicforge-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('lab', () => {
  test('every NIC, one JSON document and nothing else', async () => {
    const { report, result } = await labJson(['--mib', '4']);
    expect(result.status).toBe(0);
    expect(result.stdout.trim().split('\n')).toHaveLength(1);
    expect(report.ok).toBe(true);
    expect(report.devices.map((device) => device.nic).sort()).toEqual(NICS.map((nic) => nic.name).sort());
    for (const device of report.devices) {
      expect(device).toMatchObject({ bytes: 4_194_304, sha256Ok: true, diagnostics: [] });
      expect(device.address).toMatch(/^[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/);
      expect(device.vendor).toMatch(/^[0-9a-f]{4}$/);
      expect(device.ipv4).toMatch(/^10\.0\.2\.\d+\/24$/);
      expect(device.frames).toBeGreaterThan(1000);
      expect(device.mbitPerSecond).toBeGreaterThan(0);
      expect(device.virtualSeconds).toBeGreaterThanOrEqual(0);
    }
  });

  test('tells the story: the bus, who was asked, the progress, the table', async () => {
    const { status, stdout } = await nicforge(['lab', '--mib', '1', '--nic', '82540em', '--verbose']);
    expect(status).toBe(0);
    expect(stdout).toContain('Ethernet controller: Intel Corporation 82540EM');
    expect(stdout).toMatch(/1\. e1000 \(82540em, score 200\) bound/);
    expect(stdout).toContain('[##############################] 100 %');
    expect(stdout).toMatch(/^address +nic +driver/m);
    expect(stdout).toContain('longest loop iteration');
  });

  test('the real clock', async () => {
    const { report } = await labJson(['--mib', '2', '--clock', 'real']);
    expect(report.ok, JSON.stringify(report)).toBe(true);
  });

  test('loss that nothing gets through ends with a reason and status 1', async () => {
    const { report, result } = await labJson(['--mib', '1', '--nic', '82540em', '--loss', '1']);
    expect(result.status).toBe(1);
    expect(report.ok).toBe(false);
    expect(report.devices[0]!.error).toMatch(/no DHCP lease/);
  });

  test('the same seed gives the same capture', async () => {
    const files = ['a', 'b', 'c'].map((name) => join(folder, `${name}.pcapng`));
    for (const [i, file] of files.entries()) {
      const { report } = await labJson([
        '--mib',
        '1',
        '--schedule',
        'adversarial',
        '--loss',
        '0.01',
        '--seed',
        i < 2 ? '5' : '6',
        '--pcapng',
        file,
      ]);
      expect(report.ok, JSON.stringify(report)).toBe(true);
    }
    const [first, again, other] = files.map((file) => readFileSync(file));
    expect(first!.length).toBeGreaterThan(1_000_000);
    expect(again!.equals(first!)).toBe(true);
    expect(other!.equals(first!)).toBe(false);
  });
});

describe('registers and bus', () => {
  test('regs shows a register and decodes a value', async () => {
    const { status, stdout } = await nicforge(['regs', '82540em', 'CTRL', '0x04000240']);
    expect(status).toBe(0);
    expect(stdout).toContain('CTRL = SLU | SPEED:1000 | RST (0x04000240)');
    expect(stdout).toMatch(/^26 +RST +sc +1 +Reset the MAC/m);
    expect((await nicforge(['regs', '82540em', '@0x2808'])).stdout).toContain('82540em BAR0 RDLEN at 0x2808');
    expect((await nicforge(['regs', 'virtio-net'])).stdout).toContain('DEVICE_STATUS');
  });

  test('regs --c prints a header: offsets, masks, values, descriptors; no name twice', async () => {
    const chips = /Chips: ([^.]*)\./.exec((await nicforge(['regs', '--help'])).stdout)![1]!.split(', ');
    expect(chips).toContain('82540em');
    for (const chip of chips) {
      const { status, stdout } = await nicforge(['regs', chip, '--c', 'X_']);
      expect(status).toBe(0);
      const names = [...stdout.matchAll(/^#define (\w+)/gm)].map(([, name]) => name!).slice(1);
      expect(names.length).toBeGreaterThan(50);
      expect(new Set(names).size).toBe(names.length);
      expect(names.filter((name) => !/^X_[A-Z]/.test(name))).toEqual([]);
    }
    const { stdout } = await nicforge(['regs', '82540em', '--c']);
    expect(stdout).toMatch(/^#define CTRL_SLU +0x00000040u /m);
    expect(stdout).toMatch(/^#define CTRL_SPEED_1000 +\(2u << 8\) /m);
    expect(stdout).toMatch(/^#define RAL\(i\) +\(0x5400 \+ 8 \* \(i\)\) /m);
    expect(stdout).toMatch(/^#define TXD_CMD_EOP +0x01000000u /m);
  });

  test('probe --coverage is complete; --topology takes the bus of another machine', async () => {
    const coverage = await nicforge(['probe', '--coverage']);
    expect(coverage.status, coverage.stdout).toBe(0);
    expect(coverage.stdout).toMatch(/^e1000: rows asked 32 of 32 \(100 %\)/m);
    expect(coverage.stdout).toMatch(/^complete$/m);
    const { complete, rows } = JSON.parse((await nicforge(['probe', '--coverage', '--json'])).stdout);
    expect(complete).toBe(true);
    expect(rows.length).toBeGreaterThan(50);
    const file = join(folder, 'bus.txt');
    writeFileSync(file, (await nicforge(['lspci', '-x'])).stdout);
    const story = await nicforge(['probe', '--explain', '--topology', file]);
    expect(story.stdout).toMatch(/e1000 \(82540em, score 200\) failed: 82540em: STATUS reads all ones/);
    expect((await nicforge(['probe', '--topology', file, '--coverage'])).status).toBe(2);
    expect((await nicforge(['probe', '--topology', join(folder, 'none')])).stderr).toMatch(/cannot be read/);
  });

  test('lspci lists the bus, and reads back what it dumps', async () => {
    const plain = await nicforge(['lspci']);
    expect(plain.stdout).toContain('00:03.0 Ethernet controller: Intel Corporation 82540EM');
    expect((await nicforge(['lspci', '-v'])).stdout).toContain('Capabilities: [dc] Power Management');
    const file = join(folder, 'dump.txt');
    writeFileSync(file, (await nicforge(['lspci', '-x'])).stdout);
    expect((await nicforge(['lspci', file])).stdout.trim()).toBe(plain.stdout.trim());
  });

  test('probe says who was asked', async () => {
    const { stdout } = await nicforge(['probe', '--explain']);
    expect(stdout).toMatch(/driver e1000\n +1\. e1000 \(82540em, score 200\) bound/);
    expect(stdout).toContain('nobody has it in its table');
    expect(JSON.parse((await nicforge(['probe', '--json'])).stdout)).toHaveLength(NICS.length + 3);
  });
});

describe('wrong arguments: one clear line and status 2', () => {
  test.each([
    [['nonsense'], /there is no command "nonsense"/],
    [['lab', '--nic', 'rtl8139'], /--nic takes .*, not "rtl8139"/],
    [['lab', '--mib', '0'], /--mib takes a whole number/],
    [['lab', '--mib', 'many'], /--mib takes a whole number/],
    [['lab', '--loss', '2'], /--loss takes a probability/],
    [['lab', '--schedule', 'slow'], /--schedule takes fast, timed, adversarial/],
    [['lab', '--what'], /--what/],
    [['lab', '--host', 'qemu', '--peer', 'linux'], /--peer slirp/],
    [['lab', '--host', 'qemu', '--loss', '0.1'], /belong to our own cable/],
    [['lab', '--pcapng', '/nonexistent/file'], /cannot be written/],
    [['lab', '--trace', '/nonexistent/file'], /cannot be written/],
    [['replay'], /one recording/],
    [['replay', '/nonexistent/file'], /cannot be read/],
    [['replay', '/dev/null'], /the recording ends within a record/],
    [['regs', '82540em', 'CRTL'], /did you mean CTRL\?/],
    [['regs', '82540em', '--c', '1'], /"1" cannot begin a name in C/],
    [['regs', 'nochip'], /no registers of "nochip"/],
    [['regs', '82540em', 'CTRL', '0x1ffffffff'], /at most 32 bits/],
    [['regs', '82540em', 'RAL[99]'], /elements 0 to 15/],
    [['lspci', '/nonexistent/file'], /cannot be read/],
  ])('%j', async (args, message) => {
    const { status, stdout, stderr } = await nicforge(args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(message);
  });

  test('help and version', async () => {
    for (const args of [
      ['--help'],
      ['lab', '--help'],
      ['lspci', '--help'],
      ['probe', '--help'],
      ['regs', '--help'],
      ['--version'],
    ]) {
      const { status, stdout, stderr } = await nicforge(args);
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout.length).toBeGreaterThan(4);
    }
  });
});
