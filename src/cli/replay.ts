/** `nicforge replay`: a recorded run once more, without the machine. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { RecordingError, replay } from '../lab/index.js';
import { findingsText } from './serve-text.js';
import { openLines } from './sink.js';
import { UsageError, unreadable } from './usage.js';

export const help = `nicforge replay FILE [options]
  Runs the model of a recording that "nicforge serve --record" made once more: the same accesses, the same guest memory,
  the same clock, no virtual machine. Shows what the guest's driver did wrong, and where the model now does something else
  than it did then: a changed model is tried on an old run by it.

  --trace FILE        every access of the driver in words, as "nicforge serve --trace"; - is stdout

Exit status: 0 the model did the same, 1 it did not, 2 wrong arguments or no recording`;

/** Runs the command; returns the exit status. */
export function replayCommand(argv: readonly string[]): number {
  const { values, positionals } = parseArgs({
    args: [...argv],
    strict: true,
    allowPositionals: true,
    options: { trace: { type: 'string' } },
  });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) throw new UsageError('replay takes one recording');
  const opened: (() => void)[] = [];
  try {
    const source = openSource(path, opened);
    const trace = openLines('trace', values.trace, opened);
    const result = replay(source, trace ? { trace: trace.line } : {});
    trace?.flush();
    const { label, nic, events, doings, time, sent, received, divergence, truncated } = result;
    console.log(
      `${label} (${nic}): ${events} events, ${doings} answers of the model, ${(time / 1e6).toFixed(3)} s, ${sent} frames sent, ${received} came`,
    );
    for (const line of findingsText(result.diagnostics)) console.log(line);
    if (truncated) console.log('the recording ends in the middle of a record: whoever wrote it was stopped');
    if (divergence === undefined) {
      console.log('the model did as it did then');
      return 0;
    }
    const { offset, time: when, text } = divergence;
    console.log(`! at ${(when / 1e6).toFixed(6)} s, byte ${offset} of the recording: ${text}`);
    return 1;
  } catch (error) {
    if (error instanceof RecordingError) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  } finally {
    for (const close of opened.reverse()) close();
  }
}

function openSource(path: string, opened: (() => void)[]): Parameters<typeof replay>[0] {
  try {
    const fd = openSync(path, 'r');
    opened.push(() => closeSync(fd));
    return { bytes: fstatSync(fd).size, read: (from, into, count) => readSync(fd, into, 0, count, from) };
  } catch (error) {
    throw unreadable(path, error);
  }
}
