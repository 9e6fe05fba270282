/** What was rewritten so that it makes no garbage still does what it did: the switch's table and the servers' stream. */
import { describe, expect, it } from 'vitest';
import { Cable, EthernetSwitch, GIGABIT, LinkPort } from '../../src/link/index.js';
import { checkStream, STREAM_PERIOD, writeStream } from '../../src/net/stream.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { Scheduler } from '../../src/platform/clock.js';

function lan(count: number) {
  const arena = new OwnedArena(1 << 20);
  const scheduler = new Scheduler();
  const lanSwitch = new EthernetSwitch();
  const at = arena.alloc(64);
  const got = new Array<number>(count).fill(0);
  const ends = got.map((_, i) => {
    const port = new LinkPort(`end ${i}`);
    port.offer(GIGABIT);
    port.receive = () => {
      got[i]!++;
      return 'delivered';
    };
    return { port, cable: new Cable(port, lanSwitch.port(), { arena, scheduler }) };
  });
  /** Sends from `end` with the given last address words; returns who got it. */
  const send = (end: number, to: number, from: number): number[] => {
    got.fill(0);
    arena.u8.fill(0, at, at + 60);
    arena.view.setUint32(at + 2, to);
    arena.view.setUint32(at + 8, from);
    ends[end]!.port.transmit({ arena, offset: at, length: 60, fcsOk: true });
    return got.flatMap((n, i) => (n > 0 ? [i] : []));
  };
  return { lanSwitch, ends, send };
}

describe('the switch', () => {
  it('floods to strangers, learns, follows who moves and forgets who is unplugged', () => {
    const { ends, send } = lan(3);
    expect(send(0, 2, 1)).toEqual([1, 2]);
    expect(send(1, 1, 2)).toEqual([0]);
    expect(send(0, 2, 1)).toEqual([1]);
    expect(send(2, 1, 2)).toEqual([0]);
    expect(send(0, 2, 1)).toEqual([2]);
    ends[2]!.cable.pull();
    expect(send(0, 2, 1)).toEqual([1]);
    ends[2]!.cable.plug();
    expect(send(0, 2, 1)).toEqual([1, 2]);
  });

  it('goes on when strangers fill its table: known ones are found, others are flooded to', () => {
    const { lanSwitch, send } = lan(3);
    send(1, 99, 2);
    for (let i = 0; i < 20_000; i++) send(0, 98, 1000 + i);
    expect(send(0, 2, 1)).toEqual([1]);
    lanSwitch.flooded = lanSwitch.forwarded = 0;
    for (let i = 0; i < 20_000; i++) expect(send(1, 1000 + i, 2)[0]).toBe(0);
    expect(lanSwitch.flooded + lanSwitch.forwarded).toBe(20_000);
    expect(lanSwitch.flooded).toBeGreaterThan(0);
    expect(lanSwitch.forwarded).toBeGreaterThan(4000);
  });
});

describe('the stream', () => {
  it('is the same however it is cut', () => {
    const u8 = new Uint8Array(200_000);
    let position = STREAM_PERIOD - 100_000;
    for (const bytes of [0, 1, 1023, 1024, 1025, 16_384, 65_537, 3, 131_072]) {
      u8.fill(0);
      writeStream(u8, 7, position, bytes);
      expect(checkStream(u8, 7, position, bytes)).toBe(-1);
      expect([u8[6], u8[7 + bytes], u8.subarray(7 + bytes).every((byte) => byte === 0)]).toEqual([0, 0, true]);
      position += bytes;
    }
    expect(position).toBeGreaterThan(STREAM_PERIOD);
  });
});
