/** 82574L: the BM PHY: a clause 22 PHY with pages. Source: 82574 §9; paging as e1000e's and em's access to BM PHYs. */
import type { LinkPort } from '../../link/port.js';
import { i82574, pick, put, RegisterFile } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import type { PhyRegisters } from '../intel/mdi.js';
import { MiiPhy } from '../mii/phy.js';

const { BM_PAGE_SELECT, BM_PORT_PAGE, BM_WUC_ADDRESS, BM_WUC_DATA, BM_PORT_GENERAL, BM_CS_STATUS } = i82574;
const { PHY_ID, PHY_PAGE, PHY_PAGES, FIRST_PAGED, WAKE_REGISTERS } = i82574;

/** Register numbers that mean the same on every page. */
const ANY_PAGE = new Set([BM_PAGE_SELECT.at / 2, BM_PORT_PAGE.at / 2, i82574.BM_BIAS1.at / 2, i82574.BM_BIAS2.at / 2]);

/** Speed as BM_CS_STATUS and STATUS show it (82574 §10.2.2). */
export function speedCode(speed: number): number {
  return speed === 1000 ? 2 : speed === 100 ? 1 : 0;
}

/** The PHY with its pages. */
export class BmPhy implements PhyRegisters {
  /** Page 0 and what is on every page. */
  readonly phy: MiiPhy;
  readonly #pages = new Map<number, RegisterFile>();
  readonly #wake = new Uint16Array(WAKE_REGISTERS);
  #page = 0;

  constructor(bus: DeviceBus, port: LinkPort) {
    this.phy = new MiiPhy(bus, port, { map: i82574.phyMap, id: PHY_ID });
    for (const [page, map] of Object.entries(PHY_PAGES)) this.#pages.set(Number(page), new RegisterFile(map));
    const select = (page: number): void => {
      this.#page = page;
    };
    this.phy.regs.on(BM_PAGE_SELECT, { write: (value) => select(value) });
    this.phy.regs.on(BM_PORT_PAGE, { write: (value) => select(pick(value, BM_PORT_PAGE.PAGE)) });
    const wake = this.#pages.get(PHY_PAGE.wake)!;
    wake.on(BM_WUC_DATA, {
      read: () => (this.#wakeReachable ? this.#wake[wake.get(BM_WUC_ADDRESS) % WAKE_REGISTERS]! : 0),
      write: (value) => {
        if (this.#wakeReachable) this.#wake[wake.get(BM_WUC_ADDRESS) % WAKE_REGISTERS] = value;
      },
    });
  }

  /** Power-on or a reset of the bus. */
  reset(): void {
    this.phy.reset();
    for (const page of this.#pages.values()) page.reset();
    this.#wake.fill(0);
    this.#page = 0;
  }

  /** Registers that the chip does not have read 0. */
  read(register: number): number {
    return this.#file(register).read(2 * register, 16);
  }

  write(register: number, value: number): void {
    this.#file(register).write(2 * register, 16, value);
  }

  /** Shows the settled mode in BM_CS_STATUS. */
  showMode(): void {
    const { mode } = this.phy;
    const pause = mode?.pause ? BM_CS_STATUS.RX_PAUSE | BM_CS_STATUS.TX_PAUSE : 0;
    const up = BM_CS_STATUS.LINK | BM_CS_STATUS.LINK_GLOBAL | BM_CS_STATUS.SPD_DPLX_RESOLVED;
    this.phy.regs.set(
      BM_CS_STATUS,
      put(
        mode ? up | pause | (mode.fullDuplex ? BM_CS_STATUS.DPLX : 0) : 0,
        BM_CS_STATUS.SPEED,
        speedCode(mode?.speed ?? 1000),
      ),
    );
  }

  get #wakeReachable(): boolean {
    return (this.#pages.get(PHY_PAGE.port)!.get(BM_PORT_GENERAL) & BM_PORT_GENERAL.WUC_ENABLE) !== 0;
  }

  #file(register: number): RegisterFile {
    if (this.#page === 0 || register < FIRST_PAGED || ANY_PAGE.has(register)) return this.phy.regs;
    return this.#pages.get(this.#page) ?? NOTHING;
  }
}

/** A page that the chip does not have. */
const NOTHING = new RegisterFile({ chip: '82574l', space: 'PHY', bytes: 64, widths: [16], registers: {} });
