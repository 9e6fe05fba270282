/** Runs tasks and conditions on a machine's virtual clock, with an end in any case. */
import type { Machine } from '../hosts/machine/index.js';
import { spawn, type Task } from '../platform/task.js';

/** Timers fired at most before something is given up. */
const STEPS = 5_000_000;

/** Runs the clock, doing `work` every 20 us, until `done`. */
export function until(machine: Machine, what: string, done: () => boolean, work: () => void): void {
  let problem: unknown;
  const timer = machine.scheduler.timer(() => {
    try {
      work();
    } catch (error) {
      problem = error;
    }
    timer.arm(machine.scheduler.now + 20);
  });
  timer.arm(machine.scheduler.now);
  for (let i = 0; i < STEPS && !done() && problem === undefined; i++) machine.scheduler.advance();
  timer.cancel();
  if (problem !== undefined) throw problem;
  if (!done()) throw new Error(`${what}: not by ${machine.scheduler.now} us`);
}

/** Runs a task to its end. @throws what the task throws; Error when the clock stands still before */
export function finish<T>(machine: Machine, task: Task<T>): T {
  let result: { value: T } | undefined;
  let problem: unknown;
  spawn(
    machine.scheduler,
    task,
    (value) => {
      result = { value };
    },
    (error) => {
      problem = error;
    },
  );
  for (let i = 0; i < STEPS && !result && problem === undefined && machine.scheduler.advance(); i++);
  if (problem !== undefined) throw problem;
  if (!result) throw new Error('a task did not end');
  return result.value;
}
