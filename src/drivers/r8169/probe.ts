/** Which chip is it? The PCI identity does not say: TXCFG does. */
import type { PciFunction } from '../../pci/function.js';
import { bound, type DriverId, declined, failed, type ProbeOutcome } from '../../pci/probe.js';
import { NicError } from '../../platform/errors.js';
import type { Task } from '../../platform/task.js';
import { pick } from '../../registers/define.js';
import { chipOf, xidOf } from '../../registers/realtek/xids.js';
import { MEDIUM } from '../../registers/rtl8125b/index.js';
import { TXCFG } from '../../registers/rtl8168h/index.js';
import type { DriverOptions, Nic } from '../driver.js';
import { Access } from './access.js';
import { CHIP_DECLINES, DRIVEN, FAST_ETHERNET, notDriven } from './ids.js';
import { R8169Nic } from './nic.js';

const ALL_ONES = -1;
/** MEDIUM.TYPE (r8169 rtl_init_one). */
const FIBER = 0x07;

const DECLINES = {
  noMemory: 'none of its BARs is memory',
  noAddress: 'its memory BAR has no address',
  fiber: 'RTL8125B with a fiber port: known, not driven',
} as const;

/** All of them. */
export const R8169_DECLINES: readonly string[] = [...Object.values(DECLINES), ...CHIP_DECLINES];

/** Looks at the first memory BAR, asks the chip who it is, and opens. After a failure the function masters nothing. */
export function* probeRealtek(fn: PciFunction, id: DriverId, options: DriverOptions): Task<ProbeOutcome<Nic>> {
  const bar = fn.bars.find(({ kind }) => kind !== 'io' && kind !== 'rom');
  if (bar === undefined) return declined(DECLINES.noMemory);
  if (bar.address === undefined) return declined(DECLINES.noAddress);
  try {
    yield* fn.powerUp();
    fn.enable({ memory: true });
    const io = fn.mapBar(bar.index);
    const config = io.read32(TXCFG.at);
    const place = {
      device: id.name,
      register: 'TXCFG',
      value: config,
      ref: 'RTL8169 specification, register 40h, TCR',
    };
    if (config === ALL_ONES) throw new NicError('gone', 'TXCFG reads all ones', place);
    const xid = xidOf(config);
    const row = chipOf(xid);
    if (row === undefined)
      throw new NicError('unsupported', `XID ${xid.toString(16).padStart(3, '0')} is no chip of the family`, place);
    const name = fn.device === FAST_ETHERNET && row.fast !== undefined ? row.fast : row.name;
    const rtl = DRIVEN.find((chip) => (chip.xid & row.mask) === row.value);
    if (rtl === undefined || name !== row.name) return declined(notDriven(row, name));
    const access = new Access(io, rtl.map, rtl.name);
    if (rtl.multiGigabit && pick(access.readOcp(MEDIUM), MEDIUM.TYPE) === FIBER) return declined(DECLINES.fiber);
    return bound(yield* R8169Nic.open(fn, rtl, access, options));
  } catch (error) {
    fn.disableMaster();
    return failed(error instanceof Error ? error : new Error(String(error)));
  }
}
