/** Tables and bars for a terminal. */

/** Rows of cells as aligned columns, two spaces apart; the first row is the head. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A progress bar of 30 characters with a percentage and MiB. */
export function progressBar(done: number, total: number): string {
  const part = total > 0 ? Math.min(1, done / total) : 0;
  const full = Math.floor(part * 30);
  return `[${'#'.repeat(full)}${'.'.repeat(30 - full)}] ${(part * 100).toFixed(0).padStart(3)} %  ${(done / 1048576).toFixed(1)} of ${(total / 1048576).toFixed(0)} MiB`;
}

/** The listed word nearest to `word` by edits, when it is near enough to be meant. */
export function nearest(word: string, list: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const item of list) {
    const far = distance(word.toUpperCase(), item.toUpperCase());
    if (far < least) {
      least = far;
      best = item;
    }
  }
  return best;
}

/** Edits from one word to another; two letters exchanged are one edit. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
