import { describe, expect, it } from 'vitest';
import { Script } from './script.js';

const received = (s: Script) => s.stack.stats;

describe('receiving', () => {
  it('acknowledges data at once when told to', () => {
    const s = new Script().establish().in('P. 1:11(10) ack 1').out('. 1:1(0) ack 11');
    expect(s.read()).toEqual(Script.pattern(1, 10));
  });
  it('delays the acknowledgement of a short segment', () => {
    const s = new Script({ settings: { delayedAck: 40_000 } }).establish().in('P. 1:11(10) ack 1').quiet();
    s.at(39).quiet().at(40).out('. 1:1(0) ack 11');
  });
  it('acknowledges every second full segment', () => {
    const s = new Script({ settings: { delayedAck: 40_000 } }).establish();
    s.in('. 1:1001(1000) ack 1').quiet().in('. 1001:2001(1000) ack 1').out('. 1:1(0) ack 2001');
  });
  it('lets data carry the acknowledgement', () => {
    const s = new Script({ settings: { delayedAck: 40_000 } }).establish().in('P. 1:11(10) ack 1');
    s.write(5);
    s.out('P. 1:6(5) ack 11').at(100).drain();
    expect(s.socket.ackAt).toBe(Number.POSITIVE_INFINITY);
  });
  it('acknowledges a gap at once, and its filling', () => {
    const s = new Script({ settings: { delayedAck: 40_000 } }).establish();
    s.in('. 11:21(10) ack 1').out('. 1:1(0) ack 1').in('. 1:11(10) ack 1').out('. 1:1(0) ack 21');
    expect(s.read()).toEqual(Script.pattern(1, 20));
  });
  it('puts segments together whatever their order', () => {
    const s = new Script().establish();
    for (const from of [41, 21, 61, 11, 51, 31, 71]) s.in(`. ${from}:${from + 10}(10) ack 1`);
    s.drain();
    s.in('. 1:11(10) ack 1').out('. 1:1(0) ack 81');
    expect(s.read()).toEqual(Script.pattern(1, 80));
  });
  it('tells the ranges it has, the newest first', () => {
    const s = new Script().establish(8192, 'mss 1000 sackok').in('. 11:21(10) ack 1').out('. 1:1(0) ack 1 sack 11-21');
    s.in('. 41:51(10) ack 1').out('. 1:1(0) ack 1 sack 41-51,11-21');
    s.in('. 31:41(10) ack 1').out('. 1:1(0) ack 1 sack 31-51,11-21');
    s.in('. 1:11(10) ack 1').out('. 1:1(0) ack 21 sack 31-51');
    s.in('. 21:31(10) ack 1');
    expect(s.drain('sack')).toEqual(['. 1:1(0) ack 51']);
  });
  it('tells at most four ranges', () => {
    const s = new Script().establish(8192, 'mss 1000 sackok');
    for (const from of [11, 31, 51, 71, 91]) s.in(`. ${from}:${from + 10}(10) ack 1`);
    const sent = s.drain('sack');
    expect(sent.at(-1)).toBe('. 1:1(0) ack 1 sack 91-101,11-21,31-41,51-61');
  });
  it('survives more ranges than it can note', () => {
    const s = new Script().establish();
    for (let i = 40; i > 0; i--) s.in(`. ${i * 20}:${i * 20 + 10}(10) ack 1`);
    for (let i = 0; i < 41; i++)
      s.in(`. ${i * 20 + 10}:${i * 20 + 20}(10) ack 1`).in(`. ${i * 20}:${i * 20 + 10}(10) ack 1`);
    s.drain();
    s.in('. 1:10(9) ack 1');
    for (let i = 0; i < 41; i++) s.in(`. ${i * 20}:${i * 20 + 20}(20) ack 1`);
    expect(s.drain().at(-1)).toBe('. 1:1(0) ack 820');
    expect(s.read()).toEqual(Script.pattern(1, 819));
  });
  it('answers old data with an acknowledgement', () => {
    const s = new Script().establish().in('. 1:11(10) ack 1').out('. 1:1(0) ack 11').in('. 1:11(10) ack 1');
    s.out('. 1:1(0) ack 11');
    expect(s.read().length).toBe(10);
  });
  it('takes the new part of data it has in part', () => {
    const s = new Script().establish().in('. 1:11(10) ack 1').in('. 6:21(15) ack 1');
    s.drain();
    expect(s.read()).toEqual(Script.pattern(1, 20));
  });
  it('trims what lies beyond the window', () => {
    const s = new Script({ settings: { receiveBytes: 64 } })
      .establish()
      .in('. 1:101(100) ack 1')
      .out('. 1:1(0) ack 65 win 0');
    expect(s.read()).toEqual(Script.pattern(1, 64));
  });
  it('answers segments beyond the window', () => {
    const s = new Script({ settings: { receiveBytes: 64 } })
      .establish()
      .in('. 100:110(10) ack 1')
      .out('. 1:1(0) ack 1');
    expect(s.socket.readable).toBe(0);
  });
  it('opens its window when the application reads', () => {
    const s = new Script({ settings: { receiveBytes: 64 } })
      .establish()
      .in('. 1:65(64) ack 1')
      .out('. 1:1(0) ack 65 win 0');
    s.read(10);
    s.quiet();
    s.read(30);
    s.out('. 1:1(0) ack 65 win 40');
  });
  it('answers probes of its closed window', () => {
    const s = new Script({ settings: { receiveBytes: 64 } })
      .establish()
      .in('. 1:65(64) ack 1')
      .out('. 1:1(0) ack 65 win 0');
    s.in('. 65:66(1) ack 1').out('. 1:1(0) ack 65 win 0');
    expect(s.socket.readable).toBe(64);
  });
  it('never shrinks its window', () => {
    const s = new Script({ settings: { receiveBytes: 256 } })
      .establish()
      .in('. 1:101(100) ack 1')
      .out('. 1:1(0) ack 101 win 156');
    s.read(10);
    s.in('. 101:111(10) ack 1').out('. 1:1(0) ack 111 win 146');
  });
  it('scales its window', () => {
    const s = new Script()
      .establish(8192, 'mss 1000 ws 0')
      .in('. 1:1001(1000) ack 1')
      .out('. 1:1(0) ack 1001 win 32643');
    expect(s.socket.rcvScale).toBe(3);
  });
  it('ignores urgent', () => {
    const s = new Script().establish().in('U. 1:11(10) ack 1').out('. 1:1(0) ack 11');
    expect(s.read().length).toBe(10);
  });
  it('drops segments without ACK', () => {
    const s = new Script().establish().in('P 1:11(10)').quiet();
    expect(s.socket.readable).toBe(0);
  });
});

describe('sending', () => {
  it('cuts data into segments of the peer’s MSS', () => {
    const s = new Script().establish();
    s.write(2500);
    s.out('. 1:1001(1000) ack 1', '. 1001:2001(1000) ack 1');
    s.in('. 1:1(0) ack 2001').out('P. 2001:2501(500) ack 1');
  });
  it('sends all at once without Nagle', () => {
    const s = new Script({ settings: { nagle: false } }).establish();
    s.write(2500);
    s.out('. 1:1001(1000) ack 1', '. 1001:2001(1000) ack 1', 'P. 2001:2501(500) ack 1');
  });
  it('holds a short segment while data is in flight (Nagle)', () => {
    const s = new Script().establish();
    s.write(10);
    s.out('P. 1:11(10) ack 1');
    s.write(10);
    s.quiet().in('. 1:1(0) ack 11').out('P. 11:21(10) ack 1');
  });
  it('stays within the peer’s window', () => {
    const s = new Script().establish(1500);
    s.write(4000);
    s.out('. 1:1001(1000) ack 1').in('. 1:1(0) ack 1001 win 1500').out('. 1001:2001(1000) ack 1');
  });
  it('starts with ten segments (RFC 6928)', () => {
    const s = new Script().establish(65535);
    s.write(20_000);
    expect(s.drain().length).toBe(10);
    s.in('. 1:1(0) ack 2001 win 65535');
    expect(s.drain().length).toBe(4);
  });
  it('starts with one segment after a lost SYN', () => {
    const s = new Script()
      .connect()
      .at(1000)
      .out('S 0:0(0)')
      .in('S. 0:0(0) ack 1 win 60000 mss 1000')
      .out('. 1:1(0) ack 1');
    s.write(5000);
    s.out('. 1:1001(1000) ack 1');
  });
  it('grows by a segment per round trip in congestion avoidance', () => {
    const s = new Script().establish(65535);
    s.socket.ssthresh = 10_000;
    s.write(60_000);
    expect(s.drain().length).toBe(10);
    for (let i = 1; i <= 10; i++) s.in(`. 1:1(0) ack ${1 + i * 1000} win 65535`);
    expect(s.drain().length).toBe(10 + 1);
  });
  it('measures the round trip', () => {
    const s = new Script().establish();
    expect(s.socket.srtt).toBe(0);
    s.write(10);
    s.drain();
    s.at(80).in('. 1:1(0) ack 11').quiet();
    expect(s.socket.srtt).toBe(10_000);
  });
  it('keeps a segment below a smaller MTU', () => {
    const s = new Script({ mtu: 600 }).establish(65535);
    s.write(1120);
    s.out('. 1:561(560) ack 1', 'P. 561:1121(560) ack 1');
  });
});

describe('a closed window', () => {
  it('is probed, ever more rarely', () => {
    const s = new Script().establish(1000);
    s.write(1500);
    s.out('. 1:1001(1000) ack 1').in('. 1:1(0) ack 1001 win 0').quiet();
    s.at(199).quiet().at(200).out('. 1001:1002(1) ack 1').in('. 1:1(0) ack 1001 win 0').quiet();
    s.at(599).quiet().at(600).out('. 1001:1002(1) ack 1').in('. 1:1(0) ack 1001 win 0').quiet();
    s.at(1399).quiet().at(1400).out('. 1001:1002(1) ack 1');
  });
  it('opens: all is sent', () => {
    const s = new Script().establish(1000);
    s.write(1500);
    s.out('. 1:1001(1000) ack 1').in('. 1:1(0) ack 1001 win 0').quiet().at(200).out('. 1001:1002(1) ack 1');
    s.in('. 1:1(0) ack 1001 win 1000').out('P. 1001:1501(500) ack 1').in('. 1:1(0) ack 1501').quiet();
    expect(s.socket.unsent).toBe(0);
  });
  it('that takes the probe’s byte goes on from there', () => {
    const s = new Script().establish(1000);
    s.write(1500);
    s.out('. 1:1001(1000) ack 1').in('. 1:1(0) ack 1001 win 0').quiet().at(200).out('. 1001:1002(1) ack 1');
    s.in('. 1:1(0) ack 1002 win 1000').out('P. 1002:1501(499) ack 1');
  });
  it('does not end the connection while probes are answered', () => {
    const s = new Script({ settings: { userTimeout: 30_000_000 } }).establish(1000);
    s.write(1500);
    s.drain();
    s.in('. 1:1(0) ack 1001 win 0');
    for (let i = 1; i < 100; i++) {
      s.at(i * 5000);
      if (s.drain().length > 0) s.in('. 1:1(0) ack 1001 win 0');
    }
    expect(s.socket.end).toBeUndefined();
  });
  it('ends it when they are not', () => {
    const s = new Script({ settings: { userTimeout: 30_000_000 } }).establish(1000);
    s.write(1500);
    s.drain();
    s.in('. 1:1(0) ack 1001 win 0');
    for (let i = 1; i < 30; i++) s.at(i * 5000).drain();
    expect(s.socket.end).toBe('timeout');
  });
  it('is probed for a FIN alone', () => {
    const s = new Script().establish(1000);
    s.write(1000);
    s.out('P. 1:1001(1000) ack 1').in('. 1:1(0) ack 1001 win 0').quiet();
    s.socket.close();
    s.quiet().at(200).out('F. 1001:1001(0) ack 1').in('. 1:1(0) ack 1002 win 0').quiet();
    expect(s.state).toBe('FIN-WAIT-2');
  });
  it('of a few bytes is not filled in dribs (SWS)', () => {
    const s = new Script().establish(1000);
    s.write(3000);
    s.out('. 1:1001(1000) ack 1').in('. 1:1(0) ack 1001 win 10').quiet();
    s.in('. 1:1(0) ack 1001 win 600').out('. 1001:1601(600) ack 1');
  });
});

describe('blind attacks (RFC 5961)', () => {
  it('a reset must hit the very next number', () => {
    const s = new Script().establish().in('R 2:2(0)').out('. 1:1(0) ack 1').in('R 100000000:100000000(0)').quiet();
    expect(s.state).toBe('ESTABLISHED');
    s.in('R 1:1(0)').quiet();
    expect(s.socket.end).toBe('reset');
  });
  it('a SYN is challenged', () => {
    const s = new Script()
      .establish()
      .in('S 1:1(0)')
      .out('. 1:1(0) ack 1')
      .in('S 77777777:77777777(0)')
      .out('. 1:1(0) ack 1');
    expect(s.state).toBe('ESTABLISHED');
  });
  it('an acknowledgement of the future is challenged', () => {
    const s = new Script().establish().in('. 1:11(10) ack 500').out('. 1:1(0) ack 1');
    expect(s.socket.readable).toBe(0);
  });
  it('an acknowledgement of the far past is challenged', () => {
    const s = new Script().establish().in('. 1:11(10) ack -100000').out('. 1:1(0) ack 1');
    expect(s.socket.readable).toBe(0);
  });
  it('challenges are limited to ten a second', () => {
    const s = new Script().establish();
    let sent = 0;
    for (let i = 0; i < 100; i++) sent += s.in('S 1:1(0)').drain().length;
    expect(sent).toBe(10);
    expect(received(s).tcpChallengeLimited).toBe(90);
    s.at(1001).in('S 1:1(0)').out('. 1:1(0) ack 1');
  });
  it('initial numbers differ by connection and grow with time', () => {
    const first = new Script().connect().iss!;
    const s = new Script();
    s.port = 81;
    const other = s.stack.connect('10.0.0.2', 4000, {}, 81);
    expect(other.iss).not.toBe(first);
    s.stack.ingress(400_000_000, 1);
    const later = s.stack.connect('10.0.0.2', 4000, {}, 80);
    expect((later.iss - first) | 0).toBe(100_000_000);
  });
});
