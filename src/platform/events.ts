/** Rare, human-scale events (bound, link, lease, diagnostic). Per-packet signals are plain optional functions. */
import { EventEmitter } from 'eventemitter3';
import type TypedEmitterOf from 'typed-emitter';
import type { EventMap } from 'typed-emitter';

/** An emitter whose events and arguments are known to the compiler. */
export type TypedEmitter<Events extends EventMap> = TypedEmitterOf<Events>;

/** A new emitter for the events of the type. */
export function createEmitter<Events extends EventMap>(): TypedEmitter<Events> {
  return new EventEmitter() as unknown as TypedEmitter<Events>;
}
