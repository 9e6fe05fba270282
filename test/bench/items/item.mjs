/** One thing that is measured, in a process of its own, so that nobody else's types are in its inline caches. */

/** Serves rounds to the process that forked this one: each message `{round}` is answered with what `measure` gives. */
export function serve(measure) {
  process.on('message', async (message) => {
    try {
      process.send({ figures: await measure(message) });
    } catch (error) {
      process.send({ unavailable: error instanceof Error ? error.message : String(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
  process.send({ ready: true });
}

/** Nanoseconds of the process's clock. */
export function nanoseconds() {
  return Number(process.hrtime.bigint());
}

/** Gbit/s of `bytes` in `ns` nanoseconds. */
export function gigabits(bytes, ns) {
  return (bytes * 8) / ns;
}
