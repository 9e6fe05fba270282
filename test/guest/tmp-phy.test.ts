import { test } from 'vitest';
import { Bench, Lab } from '../support/matrix/bench.js';
import { CHIPS } from '../support/matrix/chips.js';
import { piecesOrSkip } from '../support/skips.js';
import { frameTo as frame } from '../support/matrix/frames.js';
import { explainFields, rtl8125b as c } from '../../src/registers/index.js';
const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs', 'guest');
test('up', { timeout: 180_000 }, async () => {
  const lab = await Lab.open(pieces!);
  const chip = CHIPS.find((x) => x.nic === (process.env.NIC ?? 'rtl8125b'))!;
  const bench = await Bench.plug(lab, { chip, mode: (process.env.IRQMODE ?? 'msix') as never, target: 'model' });
  const show = () => {
    const m: any = bench.dma;
    const out: string[] = [];
    for (const [n, w] of [['CR',8],['IMR',32],['ISR',32],['TPPOLL',16],['CPCR',16],['FIFO_STATUS',16],['MCU',8]] as const) { const r=(c as any)[n]; const v=m.readBar(2, r.at, w); out.push(n+' '+explainFields(r, v)); }
    console.log(out.join('; ')); console.log(JSON.stringify(m.rings()));
    console.log(bench.diagnostics.list());
  };
  try {
    for (const cmd of ['ethtool -A $N autoneg off rx on tx on', 'ethtool -A $N autoneg off rx off tx off']) {
      await bench.guest.run(cmd);
      for (let k = 0; k < 4; k++) {
      await bench.up(); await bench.ping();
      for (let i = 0; i < 3000; i++) bench.wire.inject(frame(Buffer.from(bench.macBytes), 0x500, 1500));
      const end = bench.wire.keep();
      try { await bench.ping(); console.log('ok', bench.wire.out.pause); } catch (e) {
        console.log(String(e).slice(0,80)); show();
        const fr = end(); for (const f of fr.slice(-30)) console.log(f.time, f.out ? 'out' : 'in ', f.bytes.length, f.bytes.subarray(0, 24).toString('hex'));
        console.log((await lab.guest.run('ip -s link show $N; arp -n; ethtool -S $N')).output); break; }
      }
    }
  } catch (e) { console.log(String(e)); }
  show();
  await lab.close();
});
