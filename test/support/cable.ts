/** Two ports joined directly: no delay, no loss. Frames go through synchronously, with a bound on nesting. */
import type { LinkAbility, LinkFrame, LinkPort, Medium } from '../../src/link/port.js';

/** Joins two ports; the returned call pulls both plugs. */
export function join(a: LinkPort, b: LinkPort): () => void {
  const other = (port: LinkPort): LinkPort => (port === a ? b : a);
  const medium: Medium = {
    carry(from: LinkPort, frame: LinkFrame): boolean {
      const to = other(from);
      if (!a.ability || !b.ability) return false;
      to.deliver(frame);
      return true;
    },
    offered(from: LinkPort, ability: LinkAbility | undefined): void {
      other(from).heard(ability);
    },
  };
  a.plug(medium);
  b.plug(medium);
  return () => {
    a.unplug();
    b.unplug();
  };
}
