/** The report: one section for each question, aims beside figures. */
import { median } from './results.mjs';

/** Whole path against lwIP stack to stack, at least. */
const AIM_LWIP = 0.3;
/** Bytes allocated per frame, at most. */
const AIM_BYTES = 1;
const NICS = ['82540em', '82574l', 'virtio-net', 'rtl8168h', 'rtl8125b'];
const LWIP = ['lwip', 'lwIP'];
const PAIR = ['pair', 'our stack to our stack'];
const ONE_THREAD = ['kernel', 'one thread'];
const WORKER = ['kernel', 'server in a worker'];
const RUNTIMEJS = ['runtimejs', 'runtimejs'];

function digits(value) {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value >= 1 ? value.toFixed(2) : value.toFixed(3);
}

function spread(values, unit) {
  return `${digits(median(values))} ${unit} [${digits(Math.min(...values))} to ${digits(Math.max(...values))}]`;
}

/** A row of a figure, or of the reason why there is none. */
function figure(results, label, [item, key], unit, notes = []) {
  const values = results.values(item, key);
  if (values.length === 0) return `  ${label.padEnd(38)}not measured: ${results.reason(item) ?? 'nothing came'}`;
  return `  ${[label.padEnd(38) + spread(values, unit).padEnd(40), ...notes.filter(Boolean)].join('  ')}`.trimEnd();
}

/** `x0.25 of NAME`, or nothing without the other. */
function times(results, figureOf, against, name) {
  const ratios = results.ratios(figureOf, against);
  if (ratios.length === 0) return '';
  return `x${digits(median(ratios))} of ${name}`;
}

function aim(met) {
  return met ? 'met' : 'MISSED';
}

function lwipAim(results, figureOf) {
  const ratios = results.ratios(figureOf, LWIP);
  if (ratios.length === 0) return `aim x${AIM_LWIP} of lwIP: not measured`;
  return `(aim x${AIM_LWIP}: ${aim(median(ratios) >= AIM_LWIP)})`;
}

/** All sections as lines. */
export function sections(results) {
  const lines = ['\nRegister access through the machine, against a bare typed-array read'];
  for (const nic of NICS) {
    const item = `hw ${nic}`;
    for (const key of ['read32', 'write32'])
      lines.push(
        figure(results, `${nic} ${key}`, [item, key], 'ns', [times(results, [item, key], [item, 'bare'], 'bare')]),
      );
  }
  lines.push('\nOne frame through driver and model, against a copy of the same bytes (all summed on arrival)');
  for (const nic of NICS) {
    const item = `hw ${nic}`;
    for (const size of [60, 1514])
      for (const way of ['out', 'in'])
        lines.push(
          figure(results, `${nic} ${size} B ${way}`, [item, `${size} ${way}`], 'frames/s', [
            times(results, [item, `${size} ${way}`], [item, `${size} copy`], 'copy'),
          ]),
        );
  }
  lines.push("\nWhole path: the lab's world and defaults, HTTP download, every byte compared");
  for (const nic of NICS) {
    const own = ['lab', nic];
    lines.push(
      figure(results, `lab, ${nic}`, own, 'Gbit/s', [
        times(results, own, LWIP, 'lwIP'),
        lwipAim(results, own),
        times(results, own, ONE_THREAD, 'kernel'),
        times(results, own, WORKER, 'kernel+worker'),
        times(results, own, RUNTIMEJS, 'runtimejs'),
      ]),
    );
    lines.push(figure(results, `lab, ${nic}, SHA-256 as shipped`, ['lab sha256', nic], 'Gbit/s'));
    lines.push(figure(results, '... first run of a process, not warm', ['first lab sha256', nic], 'Gbit/s'));
  }
  lines.push('\nStack to stack in memory, MTU 1500, software checksums, every byte compared');
  lines.push(
    figure(results, 'our stack, two of them', PAIR, 'Gbit/s', [
      times(results, PAIR, LWIP, 'lwIP'),
      times(results, PAIR, RUNTIMEJS, 'runtimejs'),
    ]),
  );
  lines.push(figure(results, "lwIP, Debian's package, two hosts", LWIP, 'Gbit/s'));
  lines.push(figure(results, 'runtimejs, two hosts', RUNTIMEJS, 'Gbit/s', [times(results, RUNTIMEJS, LWIP, 'lwIP')]));
  lines.push(
    figure(results, "Node's net, kernel loopback", ONE_THREAD, 'Gbit/s', [times(results, ONE_THREAD, LWIP, 'lwIP')]),
  );
  lines.push(
    figure(results, '... with the server in a worker', WORKER, 'Gbit/s', [times(results, WORKER, LWIP, 'lwIP')]),
  );
  lines.push('\nBytes allocated per frame on the whole path, steady state');
  for (const nic of NICS) {
    const own = ['allocation', nic];
    const values = results.values(...own);
    const note = values.length > 0 ? `(aim at most ${AIM_BYTES}: ${aim(median(values) <= AIM_BYTES)})` : '';
    lines.push(figure(results, `lab, ${nic}`, own, 'bytes', [note]));
    const untimed = ['allocation', `${nic} untimed`];
    lines.push(figure(results, '... without timing the loops', untimed, 'bytes', []));
  }
  return lines;
}
