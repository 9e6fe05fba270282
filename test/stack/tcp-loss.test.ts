import { describe, expect, it } from 'vitest';
import { Script } from './script.js';

/** ESTABLISHED with ten segments of 1000 in flight and more queued. */
function flying(extra = 'mss 1000', bytes = 40_000): Script {
  const s = new Script().establish(65535, extra);
  s.write(bytes);
  expect(s.drain().length).toBe(10);
  return s;
}
const ACK = '. 1:1(0)';

describe('retransmission timeout (RFC 6298)', () => {
  it('resends the first segment, doubling the wait', () => {
    const s = new Script().establish();
    s.write(500);
    s.out('P. 1:501(500) ack 1').at(199).quiet().at(200).out('P. 1:501(500) ack 1');
    s.at(599).quiet().at(600).out('P. 1:501(500) ack 1').at(1399).quiet().at(1400).out('P. 1:501(500) ack 1');
    s.in(`${ACK} ack 501`).at(60_000).quiet();
  });
  it('collapses the window to one segment and slow-starts', () => {
    const s = flying();
    s.at(200).out('. 1:1001(1000) ack 1');
    expect([s.socket.cwnd, s.socket.ssthresh]).toEqual([1000, 5000]);
    s.in(`${ACK} ack 1001 win 65535`).out('. 1001:2001(1000) ack 1', '. 2001:3001(1000) ack 1');
    s.in(`${ACK} ack 3001 win 65535`);
    expect(s.drain().length).toBe(4);
  });
  it('goes on behind what turns out to have arrived', () => {
    const s = flying().at(200).out('. 1:1001(1000) ack 1').in(`${ACK} ack 10001 win 65535`);
    expect(s.drain()[0]).toBe('. 10001:11001(1000) ack 1');
  });
  it('does not time a segment sent twice (Karn)', () => {
    const s = new Script().establish();
    const before = s.socket.srtt;
    s.write(10);
    s.out('P. 1:11(10) ack 1').at(200).out('P. 1:11(10) ack 1').at(5000).drain();
    s.in(`${ACK} ack 11`).quiet();
    expect(s.socket.srtt).toBe(before);
  });
  it('keeps the first minimum the settings say', () => {
    const s = new Script({ settings: { minRto: 1_000_000 } }).establish();
    s.write(10);
    s.out('P. 1:11(10) ack 1').at(999).quiet().at(1000).out('P. 1:11(10) ack 1');
  });
  it('ends the connection after the user timeout, with a reset', () => {
    const s = new Script({ settings: { userTimeout: 5_000_000 } }).establish();
    s.write(10);
    s.drain();
    const sent: string[] = [];
    for (let i = 1; i < 40; i++) {
      s.at(i * 500);
      sent.push(...s.drain());
    }
    expect(s.socket.end).toBe('timeout');
    expect(sent.at(-1)).toBe('R. 11:11(0) ack 1');
  });
});

describe('fast retransmit and NewReno (RFC 5681, 6582)', () => {
  it('resends after three duplicates, not two', () => {
    const s = flying('mss 1000', 10_000);
    s.in(`${ACK} ack 1 win 65535`).in(`${ACK} ack 1 win 65535`).quiet();
    s.in(`${ACK} ack 1 win 65535`).out('. 1:1001(1000) ack 1');
    expect([s.socket.ssthresh, s.socket.cwnd]).toEqual([5000, 8000]);
  });
  it('lets a new segment out for each of the first two duplicates (RFC 3042)', () => {
    const s = flying();
    s.in(`${ACK} ack 1 win 65535`).out('. 10001:11001(1000) ack 1');
    s.in(`${ACK} ack 1 win 65535`).out('. 11001:12001(1000) ack 1');
  });
  it('does not count window updates, data or old acknowledgements', () => {
    const s = flying('mss 1000', 10_000);
    for (let i = 0; i < 5; i++) s.in(`${ACK} ack 1 win ${60_000 + i}`);
    s.quiet();
    expect(s.socket.dupAcks).toBe(0);
    for (let i = 0; i < 5; i++) s.in(`P. ${1 + i}:${2 + i}(1) ack 1 win 60004`);
    expect(s.drain().every((line) => line.startsWith('. 10001:10001(0)'))).toBe(true);
    expect(s.socket.dupAcks).toBe(0);
  });
  it('resends the next hole on a partial acknowledgement and ends on a full one', () => {
    const s = flying('mss 1000', 10_000);
    for (let i = 0; i < 3; i++) s.in(`${ACK} ack 1 win 65535`);
    s.out('. 1:1001(1000) ack 1').in(`${ACK} ack 3001 win 65535`).out('. 3001:4001(1000) ack 1');
    s.in(`${ACK} ack 10001 win 65535`).quiet();
    expect([s.socket.recovery, s.socket.cwnd <= 5000]).toEqual([0, true]);
  });
  it('inflates by each further duplicate', () => {
    const s = flying();
    for (let i = 0; i < 3; i++) s.in(`${ACK} ack 1 win 65535`);
    s.drain();
    let sent = 0;
    for (let i = 0; i < 8; i++) sent += s.in(`${ACK} ack 1 win 65535`).drain().length;
    expect(sent).toBeGreaterThanOrEqual(4);
  });
  it('does not start again for duplicates caused by a timeout', () => {
    const s = flying('mss 1000', 10_000).at(200).out('. 1:1001(1000) ack 1');
    for (let i = 0; i < 5; i++) s.in(`${ACK} ack 1 win 65535`);
    s.quiet();
    expect(s.stack.stats.tcpFastRetransmits).toBe(0);
  });
});

describe('selective acknowledgement (RFC 6675)', () => {
  const sack = (s: Script, ack: number, blocks: string) => s.in(`${ACK} ack ${ack} win 65535 sack ${blocks}`);
  it('resends only what is missing', () => {
    const s = flying('mss 1000 sackok', 10_000);
    sack(s, 1, '2001-3001');
    sack(s, 1, '2001-3001,4001-5001').quiet();
    sack(s, 1, '2001-3001,4001-5001,6001-7001');
    // One now; the pipe says when the next may go.
    s.out('. 1:1001(1000) ack 1');
    sack(s, 1, '2001-3001,4001-5001,6001-10001');
    const sent = s.drain();
    expect(sent[0]).toBe('. 1001:2001(1000) ack 1');
    expect(sent.slice(1)).toEqual(['. 3001:4001(1000) ack 1', '. 5001:6001(1000) ack 1']);
  });
  it('counts no duplicates without news', () => {
    const s = flying('mss 1000 sackok', 10_000);
    for (let i = 0; i < 5; i++) sack(s, 1, '2001-3001');
    s.quiet();
    expect(s.socket.recovery).toBe(0);
  });
  it('ignores blocks of what was never sent', () => {
    const s = flying('mss 1000 sackok', 10_000);
    for (let i = 0; i < 5; i++) sack(s, 1, `${50_000 + i * 1000}-${51_000 + i * 1000},5-3`);
    s.quiet();
    expect(s.socket.sacked.count).toBe(0);
  });
  it('ends recovery at the full acknowledgement', () => {
    const s = flying('mss 1000 sackok', 10_000);
    sack(s, 1, '1001-10001').out('. 1:1001(1000) ack 1').in(`${ACK} ack 10001 win 65535`).quiet();
    expect([s.socket.recovery, s.socket.cwnd, s.socket.unsent]).toEqual([0, 5000, 0]);
  });
  it('forgets what was reported after a timeout', () => {
    const s = flying('mss 1000 sackok', 10_000);
    sack(s, 1, '5001-6001').quiet().at(210).out('. 1:1001(1000) ack 1');
    expect(s.socket.sacked.count).toBe(0);
  });
  it('sends new data when nothing is known lost', () => {
    const s = flying('mss 1000 sackok');
    sack(s, 1, '1001-4001');
    const sent = s.drain();
    expect(sent[0]).toBe('. 1:1001(1000) ack 1');
    sack(s, 1, '1001-10001');
    expect(s.drain()[0]).toBe('. 10001:11001(1000) ack 1');
  });
});

describe('timers and options', () => {
  it('keep-alive probes an idle peer and gives up', () => {
    const settings = { keepAliveIdle: 10_000_000, keepAliveInterval: 1_000_000, keepAliveCount: 3 };
    const s = new Script({ settings }).establish().at(9999).quiet().at(10_000).out('. 0:0(0) ack 1');
    s.in('. 1:1(0) ack 1').quiet().at(19_999).quiet().at(20_000).out('. 0:0(0) ack 1').at(21_000).out('. 0:0(0) ack 1');
    s.at(22_000).out('. 0:0(0) ack 1').at(23_000).out('R. 1:1(0) ack 1');
    expect(s.socket.end).toBe('timeout');
  });
  it('answers keep-alive probes', () => {
    new Script().establish().in('. 0:0(0) ack 1').out('. 1:1(0) ack 1').in('. 0:1(1) ack 1').out('. 1:1(0) ack 1');
  });
  it('offers and echoes timestamps', () => {
    const s = new Script({ settings: { timestamps: true } });
    s.at(5).connect().in('S. 0:0(0) ack 1 mss 1000 ts 700/5').out('. 1:1(0) ack 1 ts 5/700');
    s.at(20).in('P. 1:11(10) ack 1 ts 710/5').out('. 1:1(0) ack 11 ts 20/710');
  });
  it('drops segments older than the last (PAWS)', () => {
    const s = new Script({ settings: { timestamps: true } }).connect();
    s.in('S. 0:0(0) ack 1 mss 1000 ts 700/0').drain();
    s.in('P. 1:11(10) ack 1 ts 699/0').out('. 1:1(0) ack 1');
    expect([s.socket.readable, s.stack.stats.tcpPaws]).toEqual([0, 1]);
    s.in('P. 1:11(10) ack 1 ts 700/0').out('. 1:1(0) ack 11');
  });
  it('makes segments shorter by the timestamps', () => {
    const s = new Script({ settings: { timestamps: true } }).connect();
    s.in('S. 0:0(0) ack 1 mss 1000 ts 700/0 win 5000').drain();
    s.write(988);
    s.out('P. 1:989(988) ack 1');
  });
  it('survives malformed options', () => {
    const s = new Script().establish();
    expect(s.in('P. 1:11(10) ack 1 sack 1-1,5-2').drain()).toEqual(['. 1:1(0) ack 11']);
  });
  it('a lone socket among a thousand idle ones costs no look at the others', () => {
    const s = new Script({ settings: { sendBytes: 4096, receiveBytes: 4096 } }).listen();
    for (let port = 1; port <= 1000; port++) {
      s.peerPort = port;
      s.in('S 0:0(0)').drain();
      s.in('. 1:1(0) ack 1').drain();
      s.socket = s.listener!.accept() ?? s.socket;
    }
    expect(s.stack.tcp.size).toBe(1000);
    expect(s.stack.egress(s.now, 1000)).toBe(0);
    s.in('P. 1:11(10) ack 1');
    expect(s.stack.egress(s.now, 1000)).toBe(1);
  });
});
