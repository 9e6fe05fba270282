// What foreign code proved, for the README and docs/faithfulness. `npm run matrix` lets Linux judge every NIC row by row
// (test/guest/matrix.test.ts, all rows, all interrupt modes, QEMU's own devices as control; some minutes a NIC), prints the
// table, and writes docs/matrix.json and the pages. A cell without a stranger's run says "not proved".
// Usage: node scripts/matrix.mjs            runs, then writes
//        node scripts/matrix.mjs --write    writes from the last runs: .cache/matrix.jsonl, and the proofs of the last whole
//                                           run of the tests, .cache/proofs.jsonl, kept in docs/proofs.json
//        node scripts/matrix.mjs --check    says whether the pages are what docs/*.json say
// The names of the NICs come from dist, so build before.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { NICS } from '../dist/lab/index.js';

const BEGIN = '<!-- matrix:begin -->';
const END = '<!-- matrix:end -->';
const PROOFS = '.cache/proofs.jsonl';
const RESULTS = '.cache/matrix.jsonl';
const check = process.argv.includes('--check');
const write = process.argv.includes('--write');
const nics = NICS.map(({ name }) => name);
let failed = false;

if (!check && !write) {
  mkdirSync('.cache', { recursive: true });
  rmSync(RESULTS, { force: true });
  const { status } = spawnSync('npx', ['vitest', 'run', 'test/guest/matrix.test.ts'], {
    stdio: 'inherit',
    env: { ...process.env, NICFORGE_MATRIX: 'full', NICFORGE_MATRIX_RESULTS: RESULTS },
  });
  failed = status !== 0;
}
if (!check && existsSync(PROOFS)) {
  const unique = [...new Map(lines(PROOFS).map((proof) => [JSON.stringify(proof), proof])).values()];
  unique.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  writeFileSync('docs/proofs.json', json(unique));
}
// A run of some NICs (NICFORGE_MATRIX_NICS) leaves what is known of the others.
if (!check && existsSync(RESULTS))
  writeFileSync('docs/matrix.json', json({ ...read('docs/matrix.json', {}), ...collect(lines(RESULTS)) }));

const proofs = read('docs/proofs.json', []);
const matrix = read('docs/matrix.json', {});
place('README.md', readmeTable());
for (const nic of nics) {
  if (matrix[nic] === undefined) continue;
  const page = `docs/faithfulness/${nic}.md`;
  if (!check && existsSync(page) && !readFileSync(page, 'utf8').includes(BEGIN))
    writeFileSync(page, `${readFileSync(page, 'utf8').trimEnd()}\n\n${BEGIN}\n${END}\n`);
  if (existsSync(page)) place(page, pageText(nic));
}
if (!check) for (const nic of nics) if (matrix[nic]) console.log(`${nic}\n\n${rowTable(nic)}\n`);
if (failed) process.exitCode = 1;

/** Objects of a file with one in each line. */
function lines(path) {
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

function read(path, otherwise) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : otherwise;
}

function json(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Results of a run by NIC: rows with their state in each mode, explained findings, registers touched. */
function collect(found) {
  const out = {};
  for (const line of found) {
    const entry = (out[line.nic] ??= { stranger: '', modes: [], rows: [], explained: [], registers: [] });
    if (line.touched !== undefined) {
      entry.stranger = line.stranger;
      merge(entry.registers, line.touched);
      continue;
    }
    let row = entry.rows.find(({ name }) => name === line.row);
    if (row === undefined) entry.rows.push((row = { name: line.row, model: {}, control: {} }));
    if (line.target === 'model' && !entry.modes.includes(line.mode)) entry.modes.push(line.mode);
    row[line.target][line.mode] = line.status === 'passed' ? 'passed' : `${line.status}: ${line.detail}`.split('\n')[0];
    for (const why of line.explained ?? []) if (!entry.explained.includes(why)) entry.explained.push(why);
  }
  for (const entry of Object.values(out)) entry.explained.sort();
  return out;
}

function merge(into, touched) {
  for (const { register, read, written, fields } of touched) {
    let known = into.find((each) => each.register === register);
    if (known === undefined) into.push((known = { register, read: false, written: false, fields: [] }));
    known.read ||= read;
    known.written ||= written;
    known.fields = [...new Set([...known.fields, ...fields])].sort();
  }
}

function readmeTable() {
  const sides = [
    ['model', 'Our model, judged by'],
    ['driver', 'Our driver, judged by'],
    ['stack', 'Our stack over it, judged by'],
  ];
  const cell = (nic, side) => {
    const mine = proofs.filter((proof) => proof.nic === nic && proof.side === side);
    const by = new Map();
    for (const { stranger, what } of mine) by.set(stranger, [...(by.get(stranger) ?? []), what]);
    if (side === 'model' && matrix[nic]) {
      const { stranger, modes } = matrix[nic];
      const counts = modes.map((mode) => {
        const states = matrix[nic].rows.map(({ model }) => model[mode]).filter(Boolean);
        return `${mode} ${states.filter((state) => state === 'passed').length} of ${states.length}`;
      });
      by.set(stranger, [
        `[rows of the matrix](docs/faithfulness/${nic}.md): ${counts.join(', ')}`,
        ...(by.get(stranger) ?? []),
      ]);
    }
    if (by.size === 0) return 'not proved';
    return [...by].map(([stranger, what]) => `**${stranger}**: ${[...new Set(what)].join('; ')}`).join('<br>');
  };
  return [
    `| NIC | ${sides.map(([, title]) => title).join(' | ')} |`,
    `|---|${sides.map(() => '---').join('|')}|`,
    ...nics.map((nic) => `| \`${nic}\` | ${sides.map(([side]) => cell(nic, side)).join(' | ')} |`),
  ].join('\n');
}

/** Rows of one NIC, a column for each mode and one for the control. */
function rowTable(nic) {
  const { modes, rows } = matrix[nic];
  const controlled = rows.some(({ control }) => Object.keys(control).length > 0);
  const text = (state) => (state === undefined ? '' : state === 'passed' ? 'yes' : state);
  const control = (row) => {
    const states = [...new Set(Object.values(row.control).map(text))];
    return states.length === 1 ? states[0] : states.filter((state) => state !== 'yes').join('; ');
  };
  return [
    `| Row | ${modes.join(' | ')} |${controlled ? " QEMU's own |" : ''}`,
    `|---|${modes.map(() => '---').join('|')}|${controlled ? '---|' : ''}`,
    ...rows.map(
      (row) =>
        `| ${row.name} | ${modes.map((mode) => text(row.model[mode])).join(' | ')} |${controlled ? ` ${control(row)} |` : ''}`,
    ),
  ].join('\n');
}

function pageText(nic) {
  const { stranger, explained, registers } = matrix[nic];
  const touched = registers.filter((each) => each.read || each.written);
  const never = registers.filter((each) => !each.read && !each.written).map(({ register }) => register);
  const access = ({ read, written }) => (read && written ? 'read, written' : read ? 'read' : 'written');
  return [
    '## What a stranger did with it',
    '',
    `${stranger}, row by row in each interrupt mode, without a finding of the model that is not explained below. An empty cell was`,
    "not tried in that mode. \"QEMU's own\": the same row on QEMU's device of the kind, in any mode; a limit is QEMU's. Made by `npm run matrix`.",
    '',
    rowTable(nic),
    '',
    ...(explained.length === 0 ? [] : ['Explained findings:', '', ...explained.map((each) => `- ${each}`), '']),
    '### Registers and fields that the driver touched',
    '',
    'A field counts when it was seen, or written, with another value than after reset.',
    '',
    '| Register | Access | Fields |',
    '|---|---|---|',
    ...touched.map((each) => `| ${each.register} | ${access(each)} | ${each.fields.join(', ')} |`),
    '',
    `Never touched: ${never.length === 0 ? 'none' : never.join(', ')}.`,
  ].join('\n');
}

/** Puts `text` between the marks of a page, or says that it is not there. */
function place(path, text) {
  const page = readFileSync(path, 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) {
    console.error(`${path} has no place for the matrix: npm run matrix -- --write`);
    process.exitCode = 1;
    return;
  }
  const fresh = `${page.slice(0, begin + BEGIN.length)}\n${text}\n${page.slice(end)}`;
  if (fresh === page) return;
  if (!check) writeFileSync(path, fresh);
  else {
    console.error(
      `${path}: the matrix is not what docs/proofs.json and docs/matrix.json say: npm run matrix -- --write`,
    );
    process.exitCode = 1;
  }
}
