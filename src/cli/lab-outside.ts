/** The lab with something foreign in it: QEMU's models as NICs, QEMU's user network or a Linux kernel behind the cable. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findQemu, openQemu, qemuMissing } from '../hosts/qemu/index.js';
import { openStream, openTap, RealTime, type Uplink } from '../hosts/uplinks/index.js';
import { type JobOptions, type LabReport, type LabSetup, runLab, World } from '../lab/index.js';
import { hex, streamDigest, writeStream } from '../net/index.js';
import { OwnedArena } from '../platform/arena.js';
import { Diagnostics } from '../platform/diagnostics.js';
import { Random } from '../platform/random.js';
import type { DhcpOptions } from '../stack/index.js';
import { drive, realTime } from './drive.js';
import { finish, type LabArguments, nodeHash, story } from './lab.js';
import { type LoopbackServer, startLoopbackServer } from './loopback-server.js';
import { openLines, openSink } from './sink.js';
import { UsageError } from './usage.js';

/** Address of QEMU's user network for this machine's loopback; the Linux peer takes the same. */
const FAR = '10.0.2.2';
const FALLBACK: DhcpOptions = {
  fallback: { address: '10.0.2.15/24', router: FAR },
  fallbackAfter: 300_000,
  firstWait: 100_000,
};

/** What QEMU calls our NICs. */
const QEMU_DEVICES: Readonly<Record<string, string>> = {
  '82540em': 'e1000',
  '82574l': 'e1000e',
  'virtio-net': 'virtio-net-pci,disable-legacy=on',
};

/** Runs the command; returns the exit status. */
export async function labOutside(args: LabArguments): Promise<number> {
  const report = args.host === 'qemu' ? await onQemu(args) : await withPeer(args);
  return finish(args, report);
}

function jobOf(args: LabArguments, server: LoopbackServer, dhcp?: DhcpOptions): LabSetup['job'] {
  const bytes = args.mib * 1_048_576;
  const sha256 = hex(streamDigest(bytes, () => createHash('sha256')));
  const base = `http://${FAR}:${server.port}`;
  const upload: JobOptions['upload'] = { url: `${base}/upload`, bytes, sha256, fill: writeStream };
  return {
    download: { url: `${base}/bytes/${bytes}`, bytes, sha256 },
    ...(args.upload ? { upload } : {}),
    hash: nodeHash,
    realTime,
    ...(dhcp ? { dhcp } : {}),
  };
}

/** QEMU's device models under our drivers, QEMU's user network behind them. */
async function onQemu(args: LabArguments): Promise<LabReport> {
  if (args.peer === 'linux') throw new UsageError("--host qemu has QEMU's user network behind the NIC: --peer slirp");
  if (args.loss > 0 || (args.pcapng ?? args.trace) !== undefined || args.schedule !== 'fast')
    throw new UsageError(
      "--loss, --pcapng, --trace and --schedule belong to our own cable and models; --host qemu has QEMU's",
    );
  const missing = qemuMissing();
  if (missing !== undefined) throw new UsageError(`--host qemu: ${missing}`);
  const nics = args.everyNic ? args.nics.filter((nic) => QEMU_DEVICES[nic] !== undefined) : args.nics;
  const devices = nics.flatMap((nic, i) => {
    const device = QEMU_DEVICES[nic];
    if (device === undefined) throw new UsageError(`QEMU has no model of ${nic}`);
    return ['-netdev', `user,id=n${i}`, '-device', `${device},netdev=n${i},mac=52:54:00:12:34:5${i},romfile=`];
  });
  const server = await startLoopbackServer();
  const host = await openQemu({ args: devices });
  try {
    return await runLab({
      host,
      scheduler: host.scheduler,
      arena: new OwnedArena(128 << 20),
      random: new Random(args.seed),
      diagnostics: new Diagnostics(),
      drive: async (_scheduler, done) => host.until(done, 'the lab', 600_000),
      only: nics,
      ...(args.interrupts ? { driverOptions: { interrupts: [args.interrupts] } } : {}),
      job: jobOf(args, server),
      ...story(args),
    });
  } finally {
    await host.close();
    server.close();
  }
}

interface Peer {
  readonly uplink: Uplink;
  readonly server: LoopbackServer;
  readonly dhcp: DhcpOptions | undefined;
  close(): Promise<void>;
}

/** Our machine and models, a foreign TCP behind the cable; the clock is real. */
async function withPeer(args: LabArguments): Promise<LabReport> {
  const time = new RealTime();
  const peer = args.peer === 'linux' ? await linuxPeer(time) : await slirpPeer(time);
  const opened: (() => void)[] = [];
  try {
    const pcapng = openSink('pcapng', args.pcapng, opened);
    const trace = openLines('trace', args.trace, opened);
    const world = new World({
      nics: args.nics,
      seed: args.seed,
      schedule: args.schedule,
      scheduler: time.scheduler,
      uplink: peer.uplink.port,
      ...(args.loss > 0 ? { faults: { loss: args.loss } } : {}),
      ...(pcapng ? { pcapng } : {}),
      ...(trace ? { trace: trace.line } : {}),
    });
    return await runLab({
      host: world.machine,
      scheduler: time.scheduler,
      arena: world.arena,
      random: world.random,
      diagnostics: world.diagnostics,
      drive,
      ...(args.interrupts ? { driverOptions: { interrupts: [args.interrupts] } } : {}),
      job: jobOf(args, peer.server, peer.dhcp),
      ...story(args),
    });
  } finally {
    time.stop();
    await peer.close();
    for (const close of opened.reverse()) close();
  }
}

/** QEMU's user network alone: a DHCP server and a TCP that are not ours. */
async function slirpPeer(time: RealTime): Promise<Peer> {
  const qemu = findQemu();
  if (qemu === undefined) throw new UsageError(`--peer slirp: ${qemuMissing()}`);
  const folder = mkdtempSync(join(tmpdir(), 'nicforge-slirp-'));
  const path = join(folder, 'wire');
  const uplink = await openStream({ time, path, name: 'slirp' });
  const server = await startLoopbackServer();
  const child: ChildProcess = spawn(
    qemu,
    [
      '-machine',
      'none',
      '-nodefaults',
      '-display',
      'none',
      '-netdev',
      'user,id=u',
      '-netdev',
      'hubport,id=h1,hubid=0,netdev=u',
      '-netdev',
      `stream,id=s,server=off,addr.type=unix,addr.path=${path}`,
      '-netdev',
      'hubport,id=h2,hubid=0,netdev=s',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await drive(time.scheduler, () => uplink.connected || child.exitCode !== null);
  return {
    uplink,
    server,
    dhcp: undefined,
    close: async () => {
      child.kill('SIGKILL');
      server.close();
      await uplink.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A Linux kernel's TCP in a network namespace of its own, over TAP. It has no DHCP server: the static fallback is used. */
async function linuxPeer(time: RealTime): Promise<Peer> {
  const space = `nicforge-${process.pid}`;
  const ip = (...words: string[]): void => {
    execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  try {
    ip('netns', 'add', space);
  } catch (error) {
    throw new UsageError(
      `--peer linux needs the right to make a network namespace: ${error instanceof Error ? error.message.split('\n').at(-1) || error.message : error}`,
    );
  }
  let uplink: ReturnType<typeof openTap> | undefined;
  let server: LoopbackServer | undefined;
  const close = async (): Promise<void> => {
    server?.close();
    await uplink?.close();
    ip('netns', 'del', space);
  };
  try {
    uplink = openTap({ time });
    ip('link', 'set', uplink.device, 'netns', space);
    ip('-n', space, 'addr', 'add', `${FAR}/24`, 'dev', uplink.device);
    ip('-n', space, 'link', 'set', uplink.device, 'up');
    server = await startLoopbackServer(FAR, ['ip', 'netns', 'exec', space]);
    return { uplink, server, dhcp: FALLBACK, close };
  } catch (error) {
    await close();
    throw error;
  }
}
