/** Shared units take masks from the 82540EM's map: every field that two maps of the family share stands at the same place. */
import { expect, test } from 'vitest';
import { type AnyReg, i82540em, i82574, maskOf, meta } from '../../src/registers/index.js';

/** Fields that shared units look at, by register. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  CTRL: ['RFCE', 'TFCE', 'VME', 'SLU'],
  RCTL: 'EN SBP UPE MPE LPE LBM RDMTS MO BAM VFE CFIEN CFI DPF PMCF SECRC'.split(' '),
  TCTL: ['EN', 'PSP', 'SWXOFF'],
  RAH: ['RAH', 'ASEL', 'AV'],
  FCRTL: ['RTL', 'XONE'],
  FCRTH: ['RTH'],
  STATUS: ['TXOFF'],
  MDIC: ['DATA', 'REGADD', 'PHYADD', 'OP', 'R', 'I', 'E'],
  WUC: ['APME', 'PME_STATUS'],
  WUFC: 'LNKC MAG EX MC BC ARP IPV4 IPV6 FLX'.split(' '),
  WUS: 'LNKC MAG EX MC BC ARP IPV4 IPV6 FLX'.split(' '),
  IPAV: ['V4', 'V6'],
  ICR: ['TXQE', 'TXD_LOW'],
  TXD_CMD: 'LENGTH CSO EOP IFCS IC RS RPS DEXT VLE IDE'.split(' '),
  TXD_STATUS: ['DD', 'CSS', 'SPECIAL'],
  TXD_DATA: 'DTALEN DTYP EOP IFCS TSE RS DEXT VLE IDE'.split(' '),
  TXD_POPTS: ['DD', 'IXSM', 'TXSM', 'SPECIAL'],
  CTX_IP: ['IPCSS', 'IPCSO', 'IPCSE'],
  CTX_TU: ['TUCSS', 'TUCSO', 'TUCSE'],
  CTX_CMD: ['PAYLEN', 'DTYP', 'TCP', 'IP', 'TSE', 'RS', 'DEXT', 'IDE'],
  CTX_MSS: ['DD', 'HDRLEN', 'MSS'],
};

const field = (map: object, register: string, name: string): number =>
  maskOf((map as Record<string, AnyReg>)[register]![meta].fields[name]!);

test.each(Object.entries(SHARED))('%s', (register, names) => {
  for (const name of names) expect(field(i82574, register, name), name).toBe(field(i82540em, register, name));
});

test.each([
  ['TDLEN', 'TDLEN0', 'LEN'],
  ['TDLEN', 'TDLEN1', 'LEN'],
  ['TXDCTL', 'TXDCTL0', 'LWTHRESH'],
  ['TXDCTL', 'TXDCTL1', 'LWTHRESH'],
])('%s is %s', (family, ours, name) => {
  expect(field(i82574, ours, name)).toBe(field(i82540em, family, name));
});
