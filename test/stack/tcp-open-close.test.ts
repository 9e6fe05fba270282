import { describe, expect, it } from 'vitest';
import { Script } from './script.js';

const SECOND = 1000;

describe('CLOSED', () => {
  it('answers a SYN with a reset', () => {
    new Script().in('S 0:0(0) win 100').out('R. 0:0(0) ack 1');
  });
  it('answers an ACK with a reset that carries its number', () => {
    const s = new Script();
    s.iss = 0;
    s.in('. 5:5(0) ack 77').out('R 77:77(0)');
  });
  it('counts data and FIN in the reset', () => {
    new Script().in('F 5:15(10)').out('R. 0:0(0) ack 16');
  });
  it('never answers a reset', () => {
    new Script().in('R 0:0(0)').quiet().in('R. 0:0(0) ack 3').quiet();
  });
  it('ignores a segment with a bad checksum', () => {
    const s = new Script().in('S 0:0(0) badsum').quiet();
    expect(s.stack.stats.badChecksum).toBe(1);
  });
});

describe('LISTEN', () => {
  it('opens passively', () => {
    const s = new Script().listen().in('S 0:0(0) win 1000 mss 500');
    s.out('S. 0:0(0) ack 1 win 65535 mss 1460');
    expect(s.listener!.pending).toBe(0);
    s.in('. 1:1(0) ack 1').quiet();
    s.socket = s.listener!.accept()!;
    expect([s.state, s.socket.peerMss, s.socket.remotePort]).toEqual(['ESTABLISHED', 500, 4000]);
  });
  it('offers only what the SYN offered', () => {
    new Script().listen().in('S 0:0(0) mss 500 ws 3 sackok').out('S. 0:0(0) ack 1 mss 1460 ws 3 sackok');
    const s = new Script().listen().in('S 0:0(0) mss 500');
    expect(s.drain('mss', 'ws', 'sackok', 'ts')).toEqual(['S. 0:0(0) ack 1 mss 1460']);
  });
  it('answers an ACK with a reset and stays', () => {
    const s = new Script().listen();
    s.iss = 0;
    s.in('. 5:5(0) ack 9').out('R 9:9(0)');
    s.in('S 0:0(0)').out('S. 0:0(0) ack 1');
  });
  it('ignores a reset, and segments without SYN and ACK', () => {
    new Script().listen().in('R 0:0(0)').quiet().in('P 0:5(5)').quiet();
  });
  it('ignores a SYN with FIN', () => {
    new Script().listen().in('SF 0:0(0)').quiet();
  });
  it('takes ECN-setup SYNs', () => {
    new Script().listen().in('SEW 0:0(0)').out('S. 0:0(0) ack 1');
  });
  it('holds several connections and drops SYNs beyond the backlog', () => {
    const s = new Script({ settings: { backlog: 2 } }).listen();
    for (const port of [1, 2, 3]) {
      s.peerPort = port;
      s.in('S 0:0(0)');
      const sent = s.drain();
      if (port < 3) {
        expect(sent).toEqual(['S. 0:0(0) ack 1']);
        s.in('. 1:1(0) ack 1').quiet();
      } else expect(sent).toEqual([]);
    }
    expect(s.listener!.pending).toBe(2);
    expect(s.stack.stats.tcpBacklogDrops).toBe(1);
    expect([s.listener!.accept()!.remotePort, s.listener!.accept()!.remotePort]).toEqual([1, 2]);
  });
  it('survives a SYN flood: the newest attempts win and one of them completes', () => {
    const s = new Script({ settings: { backlog: 8 } }).listen();
    for (let port = 1; port <= 1000; port++) {
      s.peerPort = port;
      s.in('S 0:0(0)');
    }
    s.drain();
    expect(s.stack.tcp.size).toBe(16);
    s.in('S 0:0(0)').out('S. 0:0(0) ack 1').in('. 1:1(0) ack 1').quiet();
    expect(s.listener!.accept()!.remotePort).toBe(1000);
  });
  it('resets waiting connections when it closes', () => {
    const s = new Script().listen().in('S 0:0(0)').out('S. 0:0(0) ack 1').in('. 1:1(0) ack 1').quiet();
    s.listener!.close();
    s.out('R. 1:1(0) ack 1');
    s.iss = 0;
    s.in('S 0:0(0)').out('R. 0:0(0) ack 1');
  });
});

describe('SYN-RECEIVED', () => {
  const received = () => new Script().listen().in('S 0:0(0)').out('S. 0:0(0) ack 1');
  it('repeats its SYN-ACK, doubling the wait', () => {
    const s = received().at(999).quiet().at(1000).out('S. 0:0(0) ack 1');
    s.at(2999).quiet().at(3000).out('S. 0:0(0) ack 1').at(7000).out('S. 0:0(0) ack 1');
  });
  it('repeats it when the SYN is repeated', () => {
    received().in('S 0:0(0)').out('S. 0:0(0) ack 1');
  });
  it('resets a wrong acknowledgement', () => {
    received().in('. 1:1(0) ack 2').out('R 2:2(0)').in('. 1:1(0) ack 0').out('R 0:0(0)');
  });
  it('goes back to listening on a reset', () => {
    const s = received().in('R 1:1(0)').quiet();
    expect(s.stack.tcp.size).toBe(0);
    s.in('S 0:0(0)').out('S. 0:0(0) ack 1');
  });
  it('challenges a reset inside the window', () => {
    const s = received().in('R 5:5(0)').out('. 1:1(0) ack 1');
    expect(s.stack.tcp.size).toBe(1);
  });
  it('takes data with the handshake’s last ACK', () => {
    const s = received().in('P. 1:6(5) ack 1').out('. 1:1(0) ack 6');
    s.socket = s.listener!.accept()!;
    expect(s.read()).toEqual(Script.pattern(1, 5));
  });
  it('takes a FIN with it too', () => {
    const s = received().in('F. 1:6(5) ack 1').out('. 1:1(0) ack 7');
    s.socket = s.listener!.accept()!;
    expect(s.state).toBe('CLOSE-WAIT');
  });
  it('gives up in the end', () => {
    const s = received();
    for (let i = 0; i < 20; i++) s.at(i * 10 * SECOND).drain();
    expect(s.stack.tcp.size).toBe(0);
  });
});

describe('SYN-SENT', () => {
  it('sends MSS, window scale and SACK permitted', () => {
    const s = new Script();
    s.socket = s.stack.connect('10.0.0.2', 4000, s.settings, 80);
    s.out('S 0:0(0) win 65535 mss 1460 ws 3 sackok');
  });
  it('establishes on SYN-ACK', () => {
    const s = new Script().establish(4000, 'mss 900 ws 2 sackok');
    expect([s.socket.peerMss, s.socket.sndWnd, s.socket.sndScale, s.socket.sackOk]).toEqual([900, 4000, 2, true]);
  });
  it('uses 536 when the peer does not say an MSS, and at least 48', () => {
    expect(new Script().establish(4000, '').socket.peerMss).toBe(536);
    expect(new Script().establish(4000, 'mss 1').socket.peerMss).toBe(48);
  });
  it('does not scale when the peer does not', () => {
    const s = new Script().establish(4000, '');
    expect([s.socket.sndScale, s.socket.rcvScale]).toEqual([-1, 0]);
    s.in('. 1:1(0) ack 1 win 5000').quiet();
    expect(s.socket.sndWnd).toBe(5000);
  });
  it('is refused by a reset that acknowledges its SYN', () => {
    const s = new Script().connect().in('R. 0:0(0) ack 1').quiet();
    expect([s.socket.end, s.stack.tcp.size]).toEqual(['refused', 0]);
  });
  it('ignores other resets', () => {
    const s = new Script().connect().in('R 0:0(0)').quiet().in('R. 0:0(0) ack 2').quiet();
    expect(s.state).toBe('SYN-SENT');
  });
  it('resets a wrong acknowledgement', () => {
    const s = new Script().connect().in('S. 0:0(0) ack 2').out('R 2:2(0)').in('. 0:0(0) ack 0').out('R 0:0(0)');
    expect(s.state).toBe('SYN-SENT');
    s.in('S. 0:0(0) ack 1').out('. 1:1(0) ack 1');
  });
  it('repeats its SYN and times out', () => {
    const s = new Script({ settings: { connectTimeout: 10_000_000 } }).connect();
    s.at(1000).out('S 0:0(0)').at(3000).out('S 0:0(0)').at(7000).out('S 0:0(0)').at(15_000).quiet();
    expect(s.socket.end).toBe('timeout');
  });
  it('opens simultaneously', () => {
    const s = new Script().connect().in('S 0:0(0) mss 1000').out('S. 0:0(0) ack 1');
    expect(s.state).toBe('SYN-RECEIVED');
    s.in('S. 0:0(0) ack 1').drain();
    expect(s.state).toBe('ESTABLISHED');
  });
  it('opens simultaneously when the peer answers with an ACK alone', () => {
    const s = new Script().connect().in('S 0:0(0)').out('S. 0:0(0) ack 1').in('. 1:1(0) ack 1').quiet();
    expect(s.state).toBe('ESTABLISHED');
  });
  it('takes data on the SYN-ACK', () => {
    const s = new Script().connect().in('S. 0:5(5) ack 1').out('. 1:1(0) ack 6');
    expect(s.read()).toEqual(Script.pattern(0, 5));
  });
  it('closes without a word', () => {
    const s = new Script().connect();
    s.socket.close();
    s.quiet();
    expect([s.socket.end, s.stack.tcp.size]).toEqual(['closed', 0]);
  });
  it('aborts without a word', () => {
    const s = new Script().connect();
    s.socket.abort();
    s.quiet();
    expect(s.socket.end).toBe('aborted');
  });
});

describe('closing', () => {
  it('actively: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT', () => {
    const s = new Script().establish();
    s.socket.close();
    s.out('F. 1:1(0) ack 1');
    expect(s.state).toBe('FIN-WAIT-1');
    s.in('. 1:1(0) ack 2').quiet();
    expect(s.state).toBe('FIN-WAIT-2');
    s.in('F. 1:1(0) ack 2').out('. 2:2(0) ack 2');
    expect([s.state, s.socket.end]).toEqual(['TIME-WAIT', 'closed']);
    s.at(59 * SECOND).quiet();
    expect(s.stack.tcp.size).toBe(1);
    s.at(61 * SECOND).quiet();
    expect(s.stack.tcp.size).toBe(0);
  });
  it('actively, FIN and ACK at once', () => {
    const s = new Script().establish();
    s.socket.close();
    s.out('F. 1:1(0) ack 1').in('F. 1:1(0) ack 2').out('. 2:2(0) ack 2');
    expect(s.state).toBe('TIME-WAIT');
  });
  it('simultaneously: CLOSING', () => {
    const s = new Script().establish();
    s.socket.close();
    s.out('F. 1:1(0) ack 1').in('F. 1:1(0) ack 1').out('. 2:2(0) ack 2');
    expect(s.state).toBe('CLOSING');
    s.in('. 2:2(0) ack 2').quiet();
    expect(s.state).toBe('TIME-WAIT');
  });
  it('passively: CLOSE-WAIT, LAST-ACK', () => {
    const s = new Script().establish().in('F. 1:1(0) ack 1').out('. 1:1(0) ack 2');
    expect([s.state, s.socket.atEnd, s.socket.writable]).toEqual(['CLOSE-WAIT', true, true]);
    s.socket.close();
    s.out('F. 1:1(0) ack 2');
    expect(s.state).toBe('LAST-ACK');
    s.in('. 2:2(0) ack 2').quiet();
    expect([s.socket.end, s.stack.tcp.size]).toEqual(['closed', 0]);
  });
  it('half: receives after its FIN', () => {
    const s = new Script().establish();
    s.socket.close();
    s.out('F. 1:1(0) ack 1')
      .in('. 1:11(10) ack 2')
      .out('. 2:2(0) ack 11')
      .in('F. 11:11(0) ack 2')
      .out('. 2:2(0) ack 12');
    expect(s.read()).toEqual(Script.pattern(1, 10));
  });
  it('half: sends after the peer’s FIN', () => {
    const s = new Script().establish().in('F. 1:1(0) ack 1').out('. 1:1(0) ack 2');
    expect(s.write(10)).toBe(10);
    s.out('P. 1:11(10) ack 2');
    s.socket.close();
    s.out('F. 11:11(0) ack 2').in('. 2:2(0) ack 12').quiet();
    expect(s.socket.end).toBe('closed');
  });
  it('sends the FIN with the last data', () => {
    const s = new Script().establish();
    s.write(10);
    s.socket.close();
    s.out('FP. 1:11(10) ack 1');
    expect(s.write(1)).toBe(0);
  });
  it('repeats a lost FIN', () => {
    const s = new Script().establish();
    s.socket.close();
    s.out('F. 1:1(0) ack 1').at(5000).out('F. 1:1(0) ack 1');
  });
  it('answers a repeated FIN', () => {
    const s = new Script().establish().in('F. 1:1(0) ack 1').out('. 1:1(0) ack 2').in('F. 1:1(0) ack 1');
    s.out('. 1:1(0) ack 2');
  });
  it('answers a repeated FIN in TIME-WAIT and waits anew', () => {
    const s = new Script().establish();
    s.socket.close();
    s.out('F. 1:1(0) ack 1')
      .in('F. 1:1(0) ack 2')
      .out('. 2:2(0) ack 2')
      .at(30 * SECOND);
    s.in('F. 1:1(0) ack 2')
      .out('. 2:2(0) ack 2')
      .at(80 * SECOND)
      .quiet();
    expect(s.stack.tcp.size).toBe(1);
    s.at(91 * SECOND);
    expect(s.stack.tcp.size).toBe(0);
  });
  it('keeps TIME-WAIT through a reset (RFC 1337)', () => {
    const s = new Script().establish();
    s.socket.close();
    s.out('F. 1:1(0) ack 1').in('F. 1:1(0) ack 2').out('. 2:2(0) ack 2').in('R 2:2(0)').quiet();
    expect(s.stack.tcp.size).toBe(1);
  });
  it('opens a new connection from TIME-WAIT for a later SYN', () => {
    const s = new Script().listen().in('S 0:0(0)').out('S. 0:0(0) ack 1').in('. 1:1(0) ack 1').quiet();
    s.socket = s.listener!.accept()!;
    s.socket.close();
    s.out('F. 1:1(0) ack 1').in('F. 1:1(0) ack 2').out('. 2:2(0) ack 2').in('S 5000:5000(0)').out('S. 0:0(0) ack 5001');
    expect(s.stack.tcp.size).toBe(1);
  });
  it('takes a FIN that arrives before the data it follows', () => {
    const s = new Script().establish().in('F. 6:11(5) ack 1').out('. 1:1(0) ack 1');
    expect(s.state).toBe('ESTABLISHED');
    s.in('. 1:6(5) ack 1').out('. 1:1(0) ack 12');
    expect([s.state, s.read().length]).toEqual(['CLOSE-WAIT', 10]);
  });
  it('aborts with a reset', () => {
    const s = new Script().establish();
    s.socket.abort();
    s.out('R. 1:1(0) ack 1').in('. 1:6(5) ack 1').out('R 1:1(0)');
    expect(s.socket.end).toBe('aborted');
  });
  it('resets on release when data was not read', () => {
    const s = new Script().establish().in('. 1:6(5) ack 1').out('. 1:1(0) ack 6');
    s.socket.release();
    s.out('R. 1:1(0) ack 6');
  });
  it('resets data that comes after release', () => {
    const s = new Script().establish();
    s.socket.release();
    s.out('F. 1:1(0) ack 1').in('. 1:1(0) ack 2').quiet().in('. 1:6(5) ack 2').out('R. 2:2(0) ack 1');
    expect(s.stack.tcp.size).toBe(0);
  });
  it('does not wait for ever for the peer of a released connection', () => {
    const s = new Script().establish();
    s.socket.release();
    s.out('F. 1:1(0) ack 1')
      .in('. 1:1(0) ack 2')
      .quiet()
      .at(70 * SECOND);
    expect(s.stack.tcp.size).toBe(0);
  });
  it('gives all memory back', () => {
    const s = new Script();
    const probe = () => {
      const at = s.stack.arena.alloc(48 << 20);
      s.stack.arena.free(at);
    };
    probe();
    s.establish().in('F. 1:1(0) ack 1').out('. 1:1(0) ack 2');
    s.socket.close();
    s.out('F. 1:1(0) ack 2').in('. 2:2(0) ack 2').quiet();
    probe();
  });
});
