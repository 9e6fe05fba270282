/** The lab's story, from an unknown bus to verified downloads: enumerate, probe, then one job for each NIC that bound. */
import { allDrivers, type DriverOptions, type Nic } from '../drivers/index.js';
import { enumerate, type PciHost, type PciTopology, ProbeChain, type ProbeRecord } from '../pci/index.js';
import type { OwnedArena } from '../platform/arena.js';
import type { Scheduler } from '../platform/clock.js';
import type { Diagnostics } from '../platform/diagnostics.js';
import type { Random } from '../platform/random.js';
import { spawn, type Task } from '../platform/task.js';
import { type JobOptions, NicJob } from './job.js';
import { type DeviceReport, type LabReport, milliseconds, texts } from './report.js';

/** Runs a scheduler until `done` holds. A host gives one that fits its clock. */
export type Drive = (scheduler: Scheduler, done: () => boolean) => Promise<void>;

/** What a run works on. */
export interface LabSetup {
  readonly host: PciHost;
  readonly scheduler: Scheduler;
  readonly arena: OwnedArena;
  readonly random: Random;
  readonly diagnostics: Diagnostics;
  readonly drive: Drive;
  readonly driverOptions?: DriverOptions;
  /** Only NICs of these names; default all that bind. */
  readonly only?: readonly string[];
  readonly job: Pick<JobOptions, 'download' | 'upload' | 'hash' | 'realTime' | 'dhcp' | 'pollInterval'>;
  /** Longest turn so far of a loop that is not a NIC's, in real microseconds. */
  readonly otherTurns?: () => number;
  readonly onEnumerated?: (topology: PciTopology) => void;
  readonly onProbed?: (records: readonly ProbeRecord<Nic>[]) => void;
  readonly onProgress?: (record: ProbeRecord<Nic>, job: NicJob, bytes: number, total: number) => void;
  readonly onEnded?: (report: DeviceReport) => void;
}

/** Runs a task to its end on the scheduler. @throws what the task throws */
export async function runTask<T>(setup: Pick<LabSetup, 'scheduler' | 'drive'>, task: Task<T>): Promise<T> {
  let result: { value: T } | undefined;
  let problem: { error: unknown } | undefined;
  spawn(
    setup.scheduler,
    task,
    (value) => {
      result = { value };
    },
    (error) => {
      problem = { error };
    },
  );
  await setup.drive(setup.scheduler, () => result !== undefined || problem !== undefined);
  if (problem) throw problem.error;
  if (!result) throw new Error('the clock stood still before the task had ended');
  return result.value;
}

/** Enumerates, probes, and gives each bound NIC its job, one after the other. */
export async function runLab(setup: LabSetup): Promise<LabReport> {
  const { scheduler, diagnostics } = setup;
  const topology = enumerate(setup.host);
  setup.onEnumerated?.(topology);
  const chain = new ProbeChain<Nic, DriverOptions>({ options: setup.driverOptions ?? {}, close: (nic) => nic.close() });
  for (const driver of allDrivers) chain.register(driver);
  const records: ProbeRecord<Nic>[] = [];
  const probeTimes = new Map<string, number>();
  for (const fn of topology.functions) {
    const began = scheduler.now;
    records.push(await runTask(setup, chain.offer(fn)));
    probeTimes.set(fn.name, scheduler.now - began);
  }
  setup.onProbed?.(records);
  const devices: DeviceReport[] = [];
  let longest = 0;
  for (const record of records) {
    const nic = record.value;
    if (nic === undefined || (setup.only && !setup.only.includes(nic.name))) continue;
    const job = new NicJob({
      ...setup.job,
      nic,
      scheduler,
      arena: setup.arena,
      random: setup.random.fork(record.fn.name),
      onProgress: (bytes, total) => setup.onProgress?.(record, job, bytes, total),
    });
    job.start();
    await setup.drive(scheduler, () => job.ended);
    if (!job.ended) job.phase = 'failed';
    longest = Math.max(longest, job.loop.longestTurn);
    job.loop.stop();
    let report = deviceReport(record, nic, job, probeTimes.get(record.fn.name) ?? 0, diagnostics);
    try {
      await runTask(setup, chain.release(record.fn));
    } catch (error) {
      report = { ...report, error: report.error ?? `closing: ${error instanceof Error ? error.message : error}` };
    }
    devices.push(report);
    setup.onEnded?.(report);
  }
  longest = Math.max(longest, setup.otherTurns?.() ?? 0);
  const named = new Set(devices.flatMap((device) => device.diagnostics));
  const rest = texts(diagnostics.problems()).filter((text) => !named.has(text));
  const issues = topology.issues.map((issue) => `error ${issue.kind}: ${issue.message}`);
  const all = [...issues, ...rest];
  return {
    ok: all.length === 0 && devices.length > 0 && devices.every(good),
    devices,
    diagnostics: all,
    longestTurnMs: milliseconds(longest),
  };
}

function good(device: DeviceReport): boolean {
  return device.error === undefined && device.sha256Ok && device.diagnostics.length === 0;
}

function deviceReport(
  record: ProbeRecord<Nic>,
  nic: Nic,
  job: NicJob,
  probeTime: number,
  diagnostics: Diagnostics,
): DeviceReport {
  const { fn } = record;
  const mine = diagnostics.problems().filter((d) => d.device.endsWith(fn.name));
  const payload = job.received + job.uploaded;
  const statistics = job.stack.stats;
  return {
    address: fn.name,
    vendor: fn.vendor.toString(16).padStart(4, '0'),
    device: fn.device.toString(16).padStart(4, '0'),
    nic: nic.name,
    driver: nic.driver,
    link: nic.link.up
      ? `${nic.link.speed > 0 ? `${nic.link.speed} Mbit/s` : 'up'}${nic.link.fullDuplex ? ' full' : ''}`
      : 'down',
    ipv4: job.ipv4,
    bytes: job.received,
    sha256Ok: job.sha256Ok,
    uploaded: job.uploaded,
    uploadOk: job.uploadOk,
    mbitPerSecond: job.realSeconds > 0 ? Math.round((payload * 8) / 1e4 / job.realSeconds) / 100 : 0,
    virtualSeconds: (job.at.ended - job.at.begun + probeTime) / 1e6,
    frames: statistics.framesIn + statistics.framesOut,
    diagnostics: texts(mine),
    interrupts: nic.interruptMode,
    times: { probe: milliseconds(probeTime), ...job.times },
    ...(job.error === undefined ? {} : { error: job.error }),
  };
}
