/** 82540EM: reset, EEPROM and interrupts; the rest is the family's (8254x chapters 13 and 14). */

import type { PciFunction } from '../../pci/function.js';
import type { DriverId } from '../../pci/probe.js';
import { NicError } from '../../platform/errors.js';
import type { Mmio } from '../../platform/mmio.js';
import { sleep, type Task, until } from '../../platform/task.js';
import { put } from '../../registers/define.js';
import * as chip from '../../registers/i82540em/index.js';
import type { DriverOptions, InterruptMode } from '../driver.js';
import { isGone } from '../intel/hw.js';
import { IntelNic, type IntelParts } from '../intel/nic.js';
import { macOf } from '../intel/nvm.js';
import { chooseInterrupts } from '../interrupts.js';
import { QUIRK } from './ids.js';
import { type NvmMethod, readNvm } from './nvm.js';

const { CTRL, ICR, IMC, IOADDR, IODATA, MANC, RCTL, RXD_LENGTH, RXD_STATUS, RXDCTL, STATUS, TCTL, TXDCTL } = chip;
const { CE, SE, SEQ, CXE, RXE, TCPE, IPE } = RXD_STATUS;
const { LSC, RXDMT0, RXO, RXSEQ, RXT0, TXDW } = ICR;

const QUIET_US = 10_000;
const RESET_US = 10_000;
const RELOAD_US = 5_000;
const ALL_ONES = -1;

const PARTS: IntelParts = {
  driver: 'e1000',
  chip,
  rxRegisters: [chip],
  rxFormat: {
    lengthAt: RXD_LENGTH.at,
    statusAt: RXD_STATUS.at,
    tagAt: RXD_STATUS.at,
    damaged: CE | SE | SEQ | CXE | RXE,
    wrongSum: TCPE | IPE,
  },
  rxControl: put(RXDCTL.GRAN, RXDCTL.WTHRESH, 1),
  txRegisters: chip,
  // Every descriptor is written back as it is done (8254x §13.4.43).
  txControl: put(TXDCTL.GRAN, TXDCTL.WTHRESH, 1),
  // 8254x §13.4.22, LPE: the largest frame is 16384 bytes.
  largestMtu: 16_110,
  // It masters 32 bits on a PC's bus.
  dmaBelow: 2 ** 32,
  causes: RXT0 | RXDMT0 | RXO | RXSEQ | LSC | TXDW,
  missed: RXDMT0,
  asserted: 0,
};

/** A bound 82540EM. */
export class E1000Nic extends IntelNic {
  /** How the EEPROM was read. */
  readonly nvmMethod: NvmMethod;
  readonly #port: Mmio | undefined;

  private constructor(
    fn: PciFunction,
    id: DriverId,
    nvm: { readonly words: readonly number[]; readonly method: NvmMethod },
    io: Mmio,
    port: Mmio | undefined,
    options: DriverOptions,
  ) {
    super(fn, id, macOf(nvm.words, id.name, '8254x §5.6.1'), io, PARTS, options);
    this.nvmMethod = nvm.method;
    this.#port = port;
  }

  /** Brings a function up (8254x chapter 14). @throws NicError; the function is then quiet and holds no memory */
  static *open(fn: PciFunction, id: DriverId, options: DriverOptions): Task<E1000Nic> {
    yield* fn.powerUp();
    const ioBar = fn.bars.find((bar) => bar.kind === 'io' && bar.address !== undefined);
    const throughIo = id.quirks.includes(QUIRK.resetThroughIo) && ioBar !== undefined;
    fn.enable({ memory: true, io: throughIo });
    const io = fn.mapBar(0);
    const port = throughIo ? fn.mapBar(ioBar.index) : undefined;
    if (isGone(io, chip)) {
      const place = { device: id.name, register: 'STATUS', ref: '8254x §13.4.2' };
      throw new NicError('gone', 'STATUS reads all ones', place);
    }
    yield* resetMac(io, port);
    const nic = new E1000Nic(fn, id, yield* readNvm(io, id.name), io, port, options);
    yield* nic.bringUp(nic.start(), options.interrupts);
    return nic;
  }

  protected override reset(): Task<void> {
    return resetMac(this.io, this.#port);
  }

  protected override setUpChip(): void {}

  protected override enableInterrupts(modes: readonly InterruptMode[]): InterruptMode {
    const handler = (): boolean => this.interrupt();
    return chooseInterrupts(this.fn, modes, { intx: handler, msi: () => void handler() }).mode;
  }

  /** 8254x §13.6.6. */
  protected override managed(): boolean {
    return (this.io.read32(MANC.at) & MANC.SMBUS_EN) !== 0;
  }
}

/**
 * Masks interrupts, stops both units and resets the MAC (8254x §14.3). The reset goes through the I/O BAR when `port`
 * is given: through memory, a completion that never comes may hang the bus.
 * @throws NicError `timeout`, `gone`
 */
function* resetMac(io: Mmio, port: Mmio | undefined): Task<void> {
  io.write32(IMC.at, ALL_ONES);
  io.write32(RCTL.at, 0);
  io.write32(TCTL.at, TCTL.PSP);
  // A read flushes what was posted; then what is under way on the bus may end.
  io.read32(STATUS.at);
  yield* sleep(QUIET_US);
  const control = io.read32(CTRL.at) | CTRL.RST;
  if (port) {
    port.write32(IOADDR.at, CTRL.at);
    port.write32(IODATA.at, control);
  } else {
    io.write32(CTRL.at, control);
  }
  // 8254x §13.4.1: nothing may be read for a microsecond.
  yield* sleep(2);
  yield* until(io, CTRL, CTRL.RST, 0, { within: RESET_US, ref: '8254x §13.4.1' });
  yield* sleep(RELOAD_US);
  // Firmware may have left ARP filtering to a management controller (8254x §13.6.6).
  io.write32(MANC.at, io.read32(MANC.at) & ~MANC.ARP_EN);
  io.write32(IMC.at, ALL_ONES);
  io.read32(ICR.at);
}
