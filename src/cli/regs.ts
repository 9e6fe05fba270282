/** `nicforge regs`: a register as bit diagram and fields; by name or by offset. */
import {
  type AnyReg,
  explainFields,
  type Field,
  hex,
  i82540em,
  i82574,
  maskOf,
  meta,
  pci,
  pick,
  type RegisterMap,
  registerAt,
  rtl8125b,
  rtl8168h,
  virtio,
} from '../registers/index.js';
import { cHeader } from './regs-header.js';
import { columns, nearest } from './text.js';
import { number32, UsageError } from './usage.js';

/** What is declared of a chip. */
interface Declared {
  /** The first is the one that offsets mean. */
  readonly maps: readonly RegisterMap[];
  /** The room's module: also what stands in no map, descriptors for example. */
  readonly all: Readonly<Record<string, unknown>>;
}

const CHIPS: Readonly<Record<string, Declared>> = {
  '82540em': { maps: [i82540em.bar0Map, i82540em.phyMap, i82540em.ioMap], all: i82540em },
  '82574l': {
    maps: [i82574.bar0Map, i82574.phyMap, ...Object.values(i82574.PHY_PAGES), i82574.ioMap, i82574.nvmMap],
    all: i82574,
  },
  rtl8168h: { maps: rtl8168h.MAPS, all: rtl8168h },
  rtl8125b: { maps: rtl8125b.MAPS, all: rtl8125b },
  'virtio-net': { maps: [virtio.commonMap, virtio.isrMap, virtio.netConfigMap, virtio.notifyMap], all: virtio },
  pci: { maps: [pci.type0Map, pci.type1Map], all: pci },
};

export const help = `nicforge regs CHIP [REGISTER|@OFFSET [VALUE]]
nicforge regs CHIP --c [PREFIX]
  Shows a register: bit diagram, fields, access, reset value, section of the datasheet; with a value, what it means.
  Without REGISTER, lists all registers of the chip; with --c, prints all of them, their fields and the descriptors as
  a header for C, each name behind PREFIX. Chips: ${Object.keys(CHIPS).join(', ')}.
  Example: nicforge regs 82540em CTRL 0x04000240`;

/** Runs the command and returns what it prints. */
export function regs(args: readonly string[]): string {
  const [chip, name, valueText] = args;
  if (chip === undefined) throw new UsageError('regs needs a chip; see nicforge regs --help');
  if (args.length > 3) throw new UsageError('regs takes a chip, a register and a value');
  const declared = CHIPS[chip];
  if (!declared)
    throw new UsageError(`no registers of "${chip}" are known; there are ${Object.keys(CHIPS).join(', ')}`);
  const { maps } = declared;
  if (name === '--c') {
    if (valueText !== undefined && !/^[A-Za-z_]\w*$/.test(valueText))
      throw new UsageError(`"${valueText}" cannot begin a name in C`);
    return cHeader(chip, maps, declared.all, valueText);
  }
  if (name === undefined) return maps.map(list).join('\n\n');
  const { register, index, map } = find(maps, name);
  const value = valueText === undefined ? undefined : number32('the value', valueText) | 0;
  return show(map, register, index, value);
}

function list(map: RegisterMap): string {
  const rows = Object.values(map.registers)
    .map((register) => register[meta])
    .map((info) => [
      hex(info.at, 16),
      info.count > 1 ? `${info.name}[${info.count}]` : info.name,
      String(info.width),
      info.doc,
      info.ref,
    ]);
  return `${map.chip} ${map.space}\n${columns([['offset', 'register', 'bits', 'what', 'section'], ...rows])}`;
}

function find(maps: readonly RegisterMap[], name: string): { register: AnyReg; index: number; map: RegisterMap } {
  if (name.startsWith('@')) {
    const offset = number32('the offset', name.slice(1));
    const map = maps[0]!;
    const found = registerAt(map, offset);
    if (!found) throw new UsageError(`${map.chip} ${map.space} has no register at ${hex(offset, 16)}`);
    return { ...found, map };
  }
  const match = /^([^[]+)(?:\[(\d+)\])?$/.exec(name);
  const wanted = match?.[1]?.toUpperCase();
  for (const map of maps) {
    for (const register of Object.values(map.registers)) {
      const info = register[meta];
      if (info.name.toUpperCase() !== wanted) continue;
      const index = Number(match?.[2] ?? 0);
      if (index >= info.count) throw new UsageError(`${info.name} has elements 0 to ${info.count - 1}`);
      return { register, index, map };
    }
  }
  const names = maps.flatMap((map) => Object.values(map.registers).map((register) => register[meta].name));
  const near = nearest(name, names);
  throw new UsageError(`${maps[0]!.chip} has no register "${name}"${near ? `; did you mean ${near}?` : ''}`);
}

function show(map: RegisterMap, register: AnyReg, index: number, value: number | undefined): string {
  const info = register[meta];
  const lines = [
    `${map.chip} ${map.space} ${info.name}${info.count > 1 ? `[${index}]` : ''} at ${hex(info.at + index * info.stride, 16)}, ${info.width} bits: ${info.doc} (${info.ref})`,
    `reset ${info.volatile ? 'not fixed' : hex(info.reset, info.width)}${info.alias.length > 0 ? `, also at ${info.alias.map((a) => hex(a, 16)).join(', ')}` : ''}`,
    '',
    diagram(info.width, info.fields, value ?? info.reset),
    '',
  ];
  const fields = Object.entries(info.fields).sort(([, a], [, b]) => b.lo - a.lo);
  const rows = fields.map(([name, field]) => {
    const x = pick(value ?? info.reset, maskOf(field));
    const meaning = field.values?.[x];
    const range = field.bits === 1 ? String(field.lo) : `${field.lo + field.bits - 1}:${field.lo}`;
    return [
      range,
      name,
      field.access,
      `${x > 9 ? `0x${x.toString(16)}` : x}${meaning ? ` ${meaning}` : ''}`,
      field.inert ? `${field.doc} (stored, without effect in the model)` : field.doc,
    ];
  });
  lines.push(columns([['bits', 'field', 'access', value === undefined ? 'reset' : 'value', 'meaning'], ...rows]));
  if (value !== undefined)
    lines.push('', `${info.name} = ${explainFields(register, value)} (${hex(value, info.width)})`);
  return lines.join('\n');
}

/** Sixteen bits a row: numbers, values, and a letter for each field's extent. */
function diagram(width: number, fields: Readonly<Record<string, Field>>, value: number): string {
  const owner: string[] = new Array<string>(width).fill('-');
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const legend: string[] = [];
  Object.entries(fields)
    .sort(([, a], [, b]) => b.lo - a.lo)
    .forEach(([name, field], i) => {
      const letter = letters[i % letters.length]!;
      legend.push(`${letter} ${name}`);
      for (let b = field.lo; b < field.lo + field.bits; b++) owner[b] = letter;
    });
  const rows: string[] = [];
  for (let high = width - 1; high >= 0; high -= 16) {
    const bits = Array.from({ length: Math.min(16, high + 1) }, (_, i) => high - i);
    const line = (cell: (b: number) => string): string => bits.map((b) => cell(b).padStart(3)).join('');
    rows.push(
      `bit  ${line(String)}`,
      `field${line((b) => owner[b]!)}`,
      `value${line((b) => String((value >>> b) & 1))}`,
    );
  }
  return `${rows.join('\n')}\n${legend.join(', ')}; - reserved`;
}
