/** The laboratory's own tools: what they get wrong, every proof gets wrong. */
import { describe, expect, test } from 'vitest';
import { parseDeb822, parseOneLine } from '../support/apt.js';
import { cpio, file, folder } from '../support/cpio.js';
import { modinfo } from '../support/initramfs.js';
import { maySkip } from '../support/skips.js';
import { Unavailable } from '../support/unavailable.js';
import { Capture } from '../support/wire.js';

describe("apt's sources", () => {
  test('deb822: fields, comments, continuation lines, disabled and source-only stanzas', () => {
    const text = [
      'Types: deb deb-src',
      '# a comment',
      'URIs: http://mirror.invalid/debian',
      'Suites: bookworm bookworm-updates',
      'Components: main contrib',
      'Signed-By:',
      ' -----BEGIN',
      ' .',
      '',
      'Types: deb-src',
      'URIs: http://mirror.invalid/a',
      '',
      'Enabled: no',
      'Types: deb',
      'URIs: http://mirror.invalid/b',
    ].join('\n');
    expect(parseDeb822(text)).toEqual([
      {
        uris: ['http://mirror.invalid/debian'],
        suites: ['bookworm', 'bookworm-updates'],
        components: ['main', 'contrib'],
        signedBy: '\n -----BEGIN\n .',
      },
    ]);
  });

  test('one line: options and comments', () => {
    const text =
      '# deb http://no.invalid x main\ndeb [arch=amd64 signed-by=/k.gpg] http://mirror.invalid/debian bookworm main # here\ndeb-src http://no.invalid y main\n';
    expect(parseOneLine(text)).toEqual([
      { uris: ['http://mirror.invalid/debian'], suites: ['bookworm'], components: ['main'], signedBy: '/k.gpg' },
    ]);
  });
});

test('cpio: headers, alignment, trailer', () => {
  const archive = cpio([folder('a'), file('a/b', 'hello', true)]);
  expect(archive.length % 512).toBe(0);
  const text = archive.toString('latin1');
  expect(text.startsWith('070701')).toBe(true);
  const at = text.indexOf('070701', 6);
  expect(at % 4).toBe(0);
  expect(Number.parseInt(text.slice(at + 14, at + 22), 16)).toBe(0o100755);
  expect(Number.parseInt(text.slice(at + 54, at + 62), 16)).toBe(5);
  const data = text.indexOf('hello');
  expect(data % 4).toBe(0);
  expect(text).toContain('TRAILER!!!\0');
});

test('modinfo: every value of a key', () => {
  const image = Buffer.from('\0license=GPL\0depends=a,b\0softdep=pre: c\0softdep=post: d\0');
  expect(modinfo(image, 'depends')).toEqual(['a,b']);
  expect(modinfo(image, 'softdep')).toEqual(['pre: c', 'post: d']);
  expect(modinfo(image, 'alias')).toEqual([]);
});

test('skips: everything outside CI, only the listed inside', () => {
  const error = new Unavailable('tap', 'privilege', 'not root');
  const allowed = [{ what: 'tap', code: 'privilege', why: 'runners have no root' }];
  expect(maySkip(error, [], false)).toBe(true);
  expect(maySkip(error, [], true)).toBe(false);
  expect(maySkip(error, allowed, true)).toBe(true);
  expect(maySkip(new Unavailable('tap', 'platform', ''), allowed, true)).toBe(false);
});

test('a capture waits, finds what came before, and fails with the end', async () => {
  const capture = new Capture();
  const waiting = capture.expect(/b+c/);
  capture.push('abb');
  capture.push('c');
  expect((await waiting)[0]).toBe('bbc');
  expect((await capture.expect(/a/))[0]).toBe('a');
  const lost = capture.expect(/never/);
  capture.end('gone');
  await expect(lost).rejects.toThrow(/gone while waiting for \/never\//);
});
