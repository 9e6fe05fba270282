/**
 * Waiting is a value, never a loop. Bring-up is a generator that reads top to bottom and yields its waits; a runner
 * resumes it when time has passed. No call in here or in a task blocks.
 */
import { type AnyReg, explainFields, meta } from '../registers/define.js';
import type { Micros, Scheduler } from './clock.js';
import { NicError } from './errors.js';
import type { Mmio } from './mmio.js';

/**
 * A piece of set-up work. It yields how many microseconds to wait (0: look again soon) and is resumed with the time.
 * `yield*` runs another task in its place.
 */
export type Task<T> = Generator<Micros, T, Micros>;

/** Waits `duration` microseconds. */
export function* sleep(duration: Micros): Task<void> {
  yield duration;
}

/** Options of {@link until}. */
export interface UntilOptions {
  /** Microseconds after which the wait fails. */
  readonly within: Micros;
  /** Datasheet section, for the error. */
  readonly ref: string;
  /** Microseconds between looks; default grows from 1 to a sixteenth of `within`. */
  readonly every?: Micros;
  /** Who waits, for the error. */
  readonly device?: string;
}

/** Reads a register at its declared width; element `index` of an array. */
export function readReg(io: Mmio, register: AnyReg, index = 0): number {
  const info = register[meta];
  const offset = info.at + index * info.stride;
  return info.width === 32 ? io.read32(offset) : info.width === 16 ? io.read16(offset) : io.read8(offset);
}

/** Writes a register at its declared width; element `index` of an array. */
export function writeReg(io: Mmio, register: AnyReg, value: number, index = 0): void {
  const info = register[meta];
  const offset = info.at + index * info.stride;
  if (info.width === 32) io.write32(offset, value);
  else if (info.width === 16) io.write16(offset, value);
  else io.write8(offset, value);
}

/**
 * Waits until `(register & mask) === value` and returns the register's value.
 * @throws NicError `timeout` naming register, mask, last value and section; `gone` when the register reads all ones.
 */
export function* until(io: Mmio, register: AnyReg, mask: number, value: number, options: UntilOptions): Task<number> {
  const info = register[meta];
  const ones = info.width === 32 ? -1 : (1 << info.width) - 1;
  const start = yield 0;
  const deadline = start + options.within;
  let pause = 1;
  let now = start;
  let last = readReg(io, register);
  while ((last & mask) !== value && now < deadline) {
    if (last === ones) break;
    now = yield Math.min(options.every ?? pause, deadline - now);
    pause = Math.min(pause * 2, Math.max(1, options.within >> 4));
    last = readReg(io, register);
  }
  if ((last & mask) === value && last !== ones) return last;
  const place = { register: info.name, value: last, ref: options.ref, ...(options.device ? { device: options.device } : {}) };
  if (last === ones) throw new NicError('gone', `${info.name} reads all ones: the device is gone`, place);
  throw new NicError(
    'timeout',
    `${info.name} & ${explainFields(register, mask)} did not become ${explainFields(register, value)} within ${options.within} us`,
    place,
  );
}

/** Waits until `condition` holds, looking every `every` microseconds. @throws NicError `timeout` with `what` */
export function* untilTrue(condition: () => boolean, what: string, options: UntilOptions): Task<void> {
  const start = yield 0;
  const deadline = start + options.within;
  let now = start;
  while (!condition()) {
    if (now >= deadline) throw new NicError('timeout', `${what} did not happen within ${options.within} us`, { ref: options.ref, ...(options.device ? { device: options.device } : {}) });
    now = yield Math.min(options.every ?? 100, deadline - now);
  }
}

/** Runs tasks on a scheduler. */
export interface RunningTask {
  /** True until it has returned, failed or been stopped. */
  readonly running: boolean;
  /** Ends it: its `finally` blocks run. */
  stop(): void;
}

/** Immediate re-looks in a row before a task sleeps for a microsecond: a timer costs more than a PHY access. */
const SPINS = 8;

/**
 * Runs `task`; exactly one of `done` and `failed` is called, from a timer, never from inside `spawn`.
 */
export function spawn<T>(
  scheduler: Scheduler,
  task: Task<T>,
  done: (value: T) => void,
  failed: (error: unknown) => void,
): RunningTask {
  const state = { running: true, stop };
  const timer = scheduler.timer(step);
  function stop(): void {
    if (!state.running) return;
    state.running = false;
    timer.cancel();
    try {
      task.return(undefined as T);
    } catch (error) {
      failed(error);
    }
  }
  function step(): void {
    for (let spin = 0; spin < SPINS; spin++) {
      let result: IteratorResult<Micros, T>;
      try {
        result = task.next(scheduler.now);
      } catch (error) {
        state.running = false;
        failed(error);
        return;
      }
      if (result.done) {
        state.running = false;
        done(result.value);
        return;
      }
      if (result.value > 0) {
        timer.arm(scheduler.now + Math.max(1, Math.ceil(result.value)));
        return;
      }
    }
    timer.arm(scheduler.now + 1);
  }
  timer.arm(scheduler.now);
  return state;
}
