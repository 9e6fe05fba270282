/** `nicforge probe`: the probe chain over the lab's bus, as a story. */
import { parseArgs } from 'node:util';
import { allDrivers, type DriverOptions, type Nic } from '../drivers/index.js';
import { runTask, World } from '../lab/index.js';
import { describeFunction, enumerate, explainProbe, ProbeChain } from '../pci/index.js';
import { drive } from './drive.js';

export const help = `nicforge probe --explain [--json]
  For each function on the lab's bus: which drivers were asked, in which order and with which score, who declined and why, who bound.`;

/** Runs the command and returns what it prints. */
export async function probeCommand(argv: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...argv],
    options: { explain: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  });
  const world = new World();
  const chain = new ProbeChain<Nic, DriverOptions>({ options: {}, close: (nic) => nic.close() });
  for (const driver of allDrivers) chain.register(driver);
  const { functions } = enumerate(world.machine);
  const records = await runTask({ scheduler: world.scheduler, drive }, chain.offerAll(functions));
  if (values.json) {
    return JSON.stringify(
      records.map(({ fn, driver, chip, steps }) => ({
        address: fn.name,
        vendor: fn.vendor,
        device: fn.device,
        driver: driver ?? null,
        nic: chip ?? null,
        steps,
      })),
    );
  }
  if (values.explain) return explainProbe(records, describeFunction);
  return records
    .map((record) => `${record.fn.name} ${describeFunction(record.fn)}: ${record.driver ?? 'no driver'}`)
    .join('\n');
}
