/** Runs schedulers: virtual ones in bursts, real ones by sleeping until the next deadline. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { NEVER, type Scheduler } from '../platform/clock.js';

/** Timers fired before Node gets a turn (signals, sockets, output). */
const BURST = 20_000;
/** A sleep shorter than this is a turn of the event loop instead: a timer of Node's costs a millisecond. */
const SHORTEST_SLEEP = 2_000;

/** Runs until `done`, or until nothing is left to do on a virtual clock. */
export async function drive(scheduler: Scheduler, done: () => boolean): Promise<void> {
  while (!done()) {
    if (scheduler.virtual) {
      for (let i = 0; i < BURST && !done(); i++) if (!scheduler.advance()) return;
      await turn();
    } else {
      scheduler.runDue();
      const wait = scheduler.next - scheduler.refresh();
      if (scheduler.next === NEVER || wait > SHORTEST_SLEEP)
        await sleep(Math.min(50, Math.max(1, Math.floor(wait / 1000))));
      else await turn();
    }
  }
}

/** Whole microseconds of the process's monotonic clock: whole, so that the loops' measuring makes no boxed number a turn. */
export function realTime(): number {
  return Math.round(performance.now() * 1000);
}
