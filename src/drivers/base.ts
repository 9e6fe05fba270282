/** What every NIC of ours does alike: link state, events, and ending once. */
import { createEmitter, type TypedEmitter } from '../platform/events.js';
import type { LinkState, NicEvents } from './driver.js';

const DOWN: LinkState = { up: false, speed: 0, fullDuplex: false };

/** State that is reported, and how it changes. */
export class NicStatus {
  readonly events: TypedEmitter<NicEvents> = createEmitter<NicEvents>();
  link: LinkState = DOWN;
  /** Frames move. */
  running = false;
  /** It ended: closed or lost. */
  ended = false;

  /** Takes notice of the link; an event when it changed. */
  setLink(up: boolean, speed: number, fullDuplex: boolean): void {
    const next: LinkState = up ? { up, speed, fullDuplex } : DOWN;
    const { link } = this;
    if (link.up === next.up && link.speed === next.speed && link.fullDuplex === next.fullDuplex) return;
    this.link = next;
    this.events.emit('link', next);
  }

  /** The device is lost; one event, ever. */
  fail(error: Error): void {
    if (this.ended) return;
    this.end();
    this.events.emit('failed', error);
  }

  /** Nothing moves any more. */
  end(): void {
    this.running = false;
    this.ended = true;
    this.setLink(false, 0, false);
  }
}
