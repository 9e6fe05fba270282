/** `nicforge probe`: the probe chain over the lab's bus or an imported one, as a story; or what of the chain is covered. */
import { parseArgs } from 'node:util';
import { allDrivers, type DriverOptions, type Nic } from '../drivers/index.js';
import { Machine } from '../hosts/machine/index.js';
import { NICS, runTask, World } from '../lab/index.js';
import { describeFunction, enumerate, explainProbe, ProbeChain } from '../pci/index.js';
import { plugTopology, probeCoverage, probeCoverageText, realtekStandIns, topologyFromDump } from '../testing/index.js';
import { drive } from './drive.js';
import { readInput, UsageError } from './usage.js';

export const help = `nicforge probe [--explain] [--topology FILE] [--json]
nicforge probe --coverage [--json]
  --explain        for each function on the lab's bus: which drivers were asked, in which order and with which score,
                   who declined and why, who bound
  --topology FILE  the bus of another machine instead, from the output of "lspci -xxx"; its functions are configuration
                   spaces only, so drivers that bind real chips fail there
  --coverage       offers what every row of every driver's table describes; names rows that are never asked and reasons
                   for declining that nothing provokes; ends with status 1 unless all are covered`;

/** What to print, and the exit status. */
export interface ProbeResult {
  readonly text: string;
  readonly status: 0 | 1;
}

/** Runs the command. @throws UsageError */
export async function probeCommand(argv: readonly string[]): Promise<ProbeResult> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      explain: { type: 'boolean', default: false },
      coverage: { type: 'boolean', default: false },
      topology: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.coverage) {
    if (values.explain || values.topology !== undefined) throw new UsageError('--coverage goes with --json only');
    return coverage(values.json);
  }
  const { machine, issues } = values.topology === undefined ? lab() : imported(values.topology);
  const chain = new ProbeChain<Nic, DriverOptions>({ options: {}, close: (nic) => nic.close() });
  for (const driver of allDrivers) chain.register(driver);
  const { functions } = enumerate(machine);
  const records = await runTask({ scheduler: machine.scheduler, drive }, chain.offerAll(functions));
  if (values.json) {
    const plain = records.map(({ fn, driver, chip, steps }) => ({
      address: fn.name,
      vendor: fn.vendor,
      device: fn.device,
      driver: driver ?? null,
      nic: chip ?? null,
      steps,
    }));
    return { text: JSON.stringify(plain), status: 0 };
  }
  const story = values.explain
    ? explainProbe(records, describeFunction)
    : records
        .map((record) => `${record.fn.name} ${describeFunction(record.fn)}: ${record.driver ?? 'no driver'}`)
        .join('\n');
  return { text: [story, ...issues.map((issue) => `not taken over: ${issue}`)].join('\n'), status: 0 };
}

function lab(): { machine: Machine; issues: readonly string[] } {
  return { machine: new World().machine, issues: [] };
}

function imported(path: string): { machine: Machine; issues: readonly string[] } {
  const { nodes, issues } = topologyFromDump(readInput(path).toString());
  if (nodes.length === 0) throw new UsageError(`${path} shows no function; it should be what "lspci -xxx" prints`);
  const machine = new Machine();
  plugTopology(machine.bus, nodes);
  return { machine, issues };
}

function coverage(json: boolean): ProbeResult {
  const mac = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56);
  const result = probeCoverage<Nic, DriverOptions>(allDrivers, {
    options: { interrupts: ['polled'] },
    close: (nic) => nic.close(),
    models: () => NICS.map((nic) => nic.make(mac, nic.name)),
    more: realtekStandIns(),
  });
  return { text: json ? JSON.stringify(result) : probeCoverageText(result), status: result.complete ? 0 : 1 };
}
