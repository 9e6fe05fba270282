// Writes the support matrix of the README from what foreign code proved in the last whole run of the tests
// (.cache/proofs.jsonl, kept in docs/proofs.json). A cell without a stranger's run says "not proved".
// Usage: node scripts/matrix.mjs [--check]
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const BEGIN = '<!-- matrix:begin -->';
const END = '<!-- matrix:end -->';
const check = process.argv.includes('--check');
const lines = '.cache/proofs.jsonl';

if (!check && existsSync(lines)) {
  const proofs = readFileSync(lines, 'utf8')
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const unique = [...new Map(proofs.map((proof) => [JSON.stringify(proof), proof])).values()].sort((a, b) =>
    JSON.stringify(a) < JSON.stringify(b) ? -1 : 1,
  );
  writeFileSync('docs/proofs.json', `${JSON.stringify(unique, null, 2)}\n`);
}
const proofs = JSON.parse(readFileSync('docs/proofs.json', 'utf8'));
const nics = ['82540em', 'virtio-net'];
const sides = [
  ['model', 'Our model, judged by'],
  ['driver', 'Our driver, judged by'],
  ['stack', 'Our stack over it, judged by'],
];
const cell = (nic, side) => {
  const mine = proofs.filter((proof) => proof.nic === nic && proof.side === side);
  if (mine.length === 0) return 'not proved';
  const by = new Map();
  for (const proof of mine) by.set(proof.stranger, [...(by.get(proof.stranger) ?? []), proof.what]);
  return [...by].map(([stranger, what]) => `**${stranger}**: ${[...new Set(what)].join('; ')}`).join('<br>');
};
const table = [
  `| NIC | ${sides.map(([, title]) => title).join(' | ')} |`,
  `|---|${sides.map(() => '---').join('|')}|`,
  ...nics.map((nic) => `| \`${nic}\` | ${sides.map(([side]) => cell(nic, side)).join(' | ')} |`),
].join('\n');
const readme = readFileSync('README.md', 'utf8');
const begin = readme.indexOf(BEGIN);
const end = readme.indexOf(END);
if (begin < 0 || end < begin) throw new Error('README.md has no place for the matrix');
const fresh = `${readme.slice(0, begin + BEGIN.length)}\n${table}\n${readme.slice(end)}`;
if (check) {
  if (fresh !== readme) {
    console.error('the support matrix in README.md is not what docs/proofs.json says: npm run matrix');
    process.exitCode = 1;
  }
} else writeFileSync('README.md', fresh);
